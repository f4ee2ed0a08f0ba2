//! Pictures, texts, rows and forms as they are, and requests for a text.
#![no_main]

use axum::http::Request;
use fireclay_serve_fuzz::{MODELS, ask};

const KINDS: [&str; 5] =
    ["application/json", "image/png", "text/plain", "multipart/form-data; boundary=x", "multipart/form-data"];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [model, kind, body @ ..] = bytes else { return };
    let name = MODELS[usize::from(*model) % MODELS.len()];
    let verb = if model & 0x80 != 0 { "generate" } else { "classify" };
    let request = Request::post(format!("/v1/models/{name}/{verb}"));
    ask(request.header("content-type", KINDS[usize::from(*kind) % KINDS.len()]), body, false);
});

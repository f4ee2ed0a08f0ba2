//! TensorFlow Serving's requests.
#![no_main]

use axum::http::Request;
use fireclay_serve_fuzz::{MODELS, ask};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [model, body @ ..] = bytes else { return };
    let name = MODELS[usize::from(*model) % MODELS.len()];
    ask(Request::post(format!("/v1/models/{name}:predict")), body, false);
});

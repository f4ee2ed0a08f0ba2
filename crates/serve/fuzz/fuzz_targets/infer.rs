//! The Open Inference Protocol: JSON, and binary tensors behind it.
#![no_main]

use axum::http::Request;
use fireclay_serve_fuzz::{MODELS, ask};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [model, low, high, body @ ..] = bytes else { return };
    let name = MODELS[usize::from(*model) % MODELS.len()];
    let mut request = Request::post(format!("/v2/models/{name}/infer"));
    if model & 0x80 != 0 {
        request = request.header("inference-header-content-length", u16::from_le_bytes([*low, *high]).to_string());
    }
    ask(request, body, false);
});

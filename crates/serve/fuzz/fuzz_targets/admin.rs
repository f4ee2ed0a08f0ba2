//! Changes of versions, with and without the token.
#![no_main]

use axum::http::Request;
use fireclay_serve_fuzz::{TOKEN, ask};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let [flags, rest @ ..] = bytes else { return };
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return };
    let Ok(path) = std::str::from_utf8(&rest[..end]) else { return };
    let mut request = Request::post(format!("/models/{path}"));
    if flags & 1 != 0 {
        request = request.header("authorization", format!("Bearer {TOKEN}"));
    }
    ask(request, &rest[end + 1..], true);
});

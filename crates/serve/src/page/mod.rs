//! The page at `/`: models to be tried, and how the server fares. It is inside the program and fetches nothing from elsewhere.

mod report;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use serde_json::Value;

use crate::state::Shared;

/// Nothing but what this server sends may run or be shown, and no other page may hold this one.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(async || file(HTML, include_str!("index.html"))))
        .route("/page/page.css", get(async || file(CSS, include_str!("page.css"))))
        .route("/page/page.js", get(async || file(SCRIPT, include_str!("page.js"))))
        .route("/page/models.json", get(models))
        .route("/page/status.json", get(status))
}

fn file(kind: &'static str, text: &'static str) -> Response {
    let headers: [(HeaderName, &'static str); 5] = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        // A newer server has another page.
        (header::CACHE_CONTROL, "no-cache"),
    ];
    let mut response = text.into_response();
    for (name, value) in headers {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(report::models(&shared))
}

async fn status(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(report::status(&shared))
}

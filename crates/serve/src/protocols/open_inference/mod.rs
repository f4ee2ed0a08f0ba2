//! The Open Inference Protocol, version 2, as KServe and Triton speak it over HTTP, with Triton's extension for binary tensors.
//!
//! <https://github.com/kserve/open-inference-protocol>

mod request;
mod response;

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get, post};
use serde_json::{Value, json};

pub(crate) use self::request::InferRequest;
use super::{ModelPath, Target, body_of, by};
use crate::model::TensorSpec;
use crate::refusal::Refusal;
use crate::registry::{Registry, STABLE, Selector, Served};
use crate::state::Shared;

/// The header that says where JSON ends and binary tensors begin.
const JSON_LENGTH: &str = "inference-header-content-length";

/// The protocol's paths.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v2", get(server))
        .route("/v2/", get(server))
        .route("/v2/health/live", get(async || Json(json!({ "live": true }))))
        .route("/v2/health/ready", get(ready))
        .route("/v2/models/{name}", get(model))
        .route("/v2/models/{name}/ready", get(model_ready))
        .route("/v2/models/{name}/infer", post(infer))
        .route("/v2/models/{name}/versions/{version}", get(model))
        .route("/v2/models/{name}/versions/{version}/ready", get(model_ready))
        .route("/v2/models/{name}/versions/{version}/infer", post(infer))
}

async fn server() -> Json<Value> {
    Json(json!({
        "name": "fireclay",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    }))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let ready = shared.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready }))).into_response()
}

/// What a path names, and the stable version where it names a model alone: asking about it is no request to a canary.
fn stable(shared: &Shared, path: &ModelPath) -> Result<Arc<Served>, Refusal> {
    shared.registry.find(path.name(), path.selector().unwrap_or(Selector::Label(STABLE)))
}

async fn model(State(shared): State<Arc<Shared>>, path: ModelPath) -> Result<Json<Value>, Refusal> {
    let served = stable(&shared, &path)?;
    let tensors = |specs: &[TensorSpec]| {
        let tensor = |spec: &TensorSpec| json!({ "name": spec.name, "datatype": spec.datatype.name(), "shape": spec.sizes() });
        specs.iter().map(tensor).collect::<Vec<_>>()
    };
    let signature = served.model().signature();
    Ok(Json(json!({
        "name": served.name(),
        "versions": versions(&shared.registry, path.name())?,
        "platform": "fireclay",
        "inputs": tensors(&signature.inputs),
        "outputs": tensors(&signature.outputs),
    })))
}

/// The numbers of the versions that answer.
fn versions(registry: &Registry, name: &str) -> Result<Vec<String>, Refusal> {
    let loaded = registry.versions(name)?.into_iter().filter(|version| version.label.is_some());
    Ok(loaded.map(|version| version.version.to_string()).collect())
}

async fn model_ready(State(shared): State<Arc<Shared>>, path: ModelPath) -> Result<Response, Refusal> {
    let served = stable(&shared, &path)?;
    let ready = shared.is_ready();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((status, Json(json!({ "name": served.name(), "ready": ready }))).into_response())
}

async fn infer(
    State(shared): State<Arc<Shared>>,
    Target(served): Target,
    headers: HeaderMap,
    body: Body,
) -> Response {
    by(&served, answer(&shared, &served, &headers, body).await)
}

async fn answer(
    shared: &Shared,
    served: &Served,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let came = Instant::now();
    let body = body_of(headers, body, shared).await?;
    served.check_room()?;
    let json_length = headers.get(JSON_LENGTH).map(|length| length.as_bytes());
    let read = |body: &[u8]| {
        let mut request = InferRequest::read(json_length, body)?;
        let questions = served.questions(std::mem::take(&mut request.tensors))?;
        Ok::<_, Refusal>((request, questions))
    };
    let (request, questions) = body.read(shared, read).await?;
    let answers = served.ask(questions, came).await?;
    let names: Vec<&str> = request.outputs.iter().map(|output| output.name.as_str()).collect();
    let outputs = served.model().outputs(&answers, &names)?;
    let binary: Vec<bool> = match request.outputs.as_slice() {
        [] => vec![request.binary_output; outputs.len()],
        asked => asked.iter().map(|output| output.binary.unwrap_or(request.binary_output)).collect(),
    };
    Ok(response::write(served, request.id.as_deref(), &outputs, &binary))
}

//! TensorFlow Serving's REST API, which KServe calls version 1: a list of samples, or a tensor for each input.
//!
//! <https://www.tensorflow.org/tfx/serving/api_rest>

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{Router, get};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ModelPath, body_of, by, json_of};
use crate::json::{columns_of, of_inputs, of_instances, of_request, row_of};
use crate::model::{Output, Signature};
use crate::refusal::Refusal;
use crate::registry::{Served, VersionState, VersionStatus};
use crate::state::Shared;
use crate::tensor::Tensor;

/// The verb behind a colon, in a path such as `/v1/models/mnist:predict`.
const PREDICT: &str = "predict";

/// What a body is to be.
const WHAT: &str = "a request for predictions";

/// The protocol's paths.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(status).post(predict))
        .route("/v1/models/{name}/versions/{version}", get(status).post(predict))
        .route("/v1/models/{name}/labels/{label}", get(status).post(predict))
}

/// As KServe lists them.
async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let names: Vec<&str> = shared.registry.names().collect();
    Json(json!({ "models": names }))
}

/// The state of one version, or of all that are known.
async fn status(State(shared): State<Arc<Shared>>, path: ModelPath) -> Result<Json<Value>, Refusal> {
    let mut versions = shared.registry.versions(path.name())?;
    if let Some(selector) = path.selector() {
        let wanted = shared.registry.find(path.name(), selector)?.version();
        versions.retain(|version| version.version == wanted);
    }
    let ready = shared.is_ready();
    let status = |version: VersionStatus| {
        let (state, code, message) = match version.state {
            VersionState::Available if ready => ("AVAILABLE", "OK", String::new()),
            VersionState::Available => ("UNLOADING", "OK", String::new()),
            VersionState::Loading => ("LOADING", "OK", String::new()),
            VersionState::Unloaded => ("END", "OK", String::new()),
            VersionState::Failed(why) => ("END", "FAILED_PRECONDITION", why),
        };
        json!({
            "version": version.version.to_string(),
            "state": state,
            "status": { "error_code": code, "error_message": message },
        })
    };
    Ok(Json(json!({
        // `name` and `ready` are what KServe's clients look at, the rest is TensorFlow Serving's.
        "name": path.name(),
        "ready": ready,
        "model_version_status": versions.into_iter().map(status).collect::<Vec<_>>(),
    })))
}

async fn predict(
    State(shared): State<Arc<Shared>>,
    mut path: ModelPath,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let last = path.last();
    *last = without_verb(last)?.to_owned();
    let served = path.find(&shared)?;
    Ok(by(&served, prediction(&shared, &served, &headers, body).await))
}

fn without_verb(segment: &str) -> Result<&str, Refusal> {
    match segment.rsplit_once(':') {
        Some((name, PREDICT)) => Ok(name),
        Some((_, verb)) => {
            let verb: String = verb.chars().take(40).collect();
            Err(Refusal::Unknown(format!("{verb:?} is not served; a request ends in \":predict\"")))
        }
        None => Err(Refusal::Unknown("a request to a model ends in \":predict\"".into())),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default)]
    #[allow(dead_code, reason = "clients may send it, and there is one signature")]
    signature_name: Option<String>,
    /// Row by row.
    #[serde(default)]
    instances: Option<Vec<Value>>,
    /// Input by input.
    #[serde(default)]
    inputs: Option<Value>,
}

async fn prediction(
    shared: &Shared,
    served: &Served,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let came = Instant::now();
    let body = body_of(headers, body, shared).await?;
    served.check_room()?;
    let read = |body: &[u8]| {
        let (tensors, by_row) = read(served.model().signature(), body)?;
        Ok::<_, Refusal>((served.questions(tensors)?, by_row))
    };
    let (questions, by_row) = body.read(shared, read).await?;
    let answers = served.ask(questions, came).await?;
    Ok(Json(written(&served.model().outputs(&answers, &[])?, answers.len(), by_row)))
}

/// The tensors of a request, and whether its samples lie row by row.
fn read(signature: &Signature, body: &[u8]) -> Result<(Vec<Tensor>, bool), Refusal> {
    if let Some(tensors) = of_request(signature, body) {
        return Ok((tensors, true));
    }
    let Request { instances, inputs, .. } = json_of(body, WHAT)?;
    match (instances, inputs) {
        (Some(instances), None) => Ok((of_instances(signature, instances)?, true)),
        (None, Some(inputs)) => Ok((of_inputs(signature, inputs)?, false)),
        _ => Err(Refusal::bad(
            "the body has \"instances\", samples in a list, or \"inputs\", a batch for each input; expected one of them",
        )),
    }
}

fn written(outputs: &[Output], samples: usize, by_row: bool) -> Value {
    match by_row {
        true => json!({ "predictions": (0..samples).map(|row| row_of(outputs, row)).collect::<Vec<_>>() }),
        false => json!({ "outputs": columns_of(outputs, samples) }),
    }
}

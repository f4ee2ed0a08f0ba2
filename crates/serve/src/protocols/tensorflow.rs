//! TensorFlow Serving's REST API, which KServe calls version 1: a list of samples, or a tensor for each input.
//!
//! <https://www.tensorflow.org/tfx/serving/api_rest>

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{Router, get};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireclay_train::Prediction;
use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use super::flat::Flat;
use super::{body_of, by, json_of};
use crate::model::{Output, Question, ServedModel, Signature, TensorSpec};
use crate::refusal::Refusal;
use crate::registry::{Selector, Served, VersionState, VersionStatus};
use crate::state::Shared;
use crate::tensor::{Cell, Datatype, Elements, Tensor};

/// The verb behind a colon, in a path such as `/v1/models/mnist:predict`.
const PREDICT: &str = "predict";

/// The protocol's paths.
pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(status).post(predict))
        .route("/v1/models/{name}/versions/{version}", get(version_status).post(predict_version))
        .route("/v1/models/{name}/labels/{label}", get(label_status).post(predict_label))
}

/// As KServe lists them.
async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let names: Vec<&str> = shared.registry.names().collect();
    Json(json!({ "models": names }))
}

async fn status(State(shared): State<Arc<Shared>>, Path(name): Path<String>) -> Result<Json<Value>, Refusal> {
    status_of(&shared, &name, None)
}

async fn version_status(
    State(shared): State<Arc<Shared>>,
    Path((name, version)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    status_of(&shared, &name, Some(Selector::Version(&version)))
}

async fn label_status(
    State(shared): State<Arc<Shared>>,
    Path((name, label)): Path<(String, String)>,
) -> Result<Json<Value>, Refusal> {
    status_of(&shared, &name, Some(Selector::Label(&label)))
}

/// The state of one version, or of all that are known.
fn status_of(shared: &Shared, name: &str, one: Option<Selector<'_>>) -> Result<Json<Value>, Refusal> {
    let mut versions = shared.registry.versions(name)?;
    match one {
        Some(selector) => {
            let wanted = shared.registry.find(name, selector)?.version();
            versions.retain(|version| version.version == wanted);
        }
        None => versions.retain(|version| version.state != VersionState::Unloaded),
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
        "name": name,
        "ready": ready,
        "model_version_status": versions.into_iter().map(status).collect::<Vec<_>>(),
    })))
}

async fn predict(
    State(shared): State<Arc<Shared>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let served = shared.registry.find(without_verb(&name)?, Selector::Any)?;
    Ok(by(&served, prediction(&shared, &served, &headers, body).await))
}

async fn predict_version(
    State(shared): State<Arc<Shared>>,
    Path((name, version)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let served = shared.registry.find(&name, Selector::Version(without_verb(&version)?))?;
    Ok(by(&served, prediction(&shared, &served, &headers, body).await))
}

async fn predict_label(
    State(shared): State<Arc<Shared>>,
    Path((name, label)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let served = shared.registry.find(&name, Selector::Label(without_verb(&label)?))?;
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
    let body = body_of(headers, body, shared).await?;
    let read = |body: &[u8]| {
        let (tensors, by_row) =
            read(served.model().signature(), json_of(body, "a request for predictions")?)?;
        Ok::<_, Refusal>((served.questions(tensors)?, by_row))
    };
    let (questions, by_row) = body.read(shared, read).await?;
    let answers = served.ask(questions).await?;
    Ok(Json(written(&served.model().outputs(&answers, &[])?, answers.len(), by_row)))
}

/// The tensors of a request, and whether its samples lie row by row.
fn read(signature: &Signature, request: Request) -> Result<(Vec<Tensor>, bool), Refusal> {
    match (request.instances, request.inputs) {
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

/// A request and the answer to it in one object, as a model is to give it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    instances: Vec<Value>,
    predictions: Value,
}

/// How far numbers may be from those that are expected: a share of them, or of 1 if they are less.
const TOLERANCE: f64 = 1e-3;

/// Whether a model answers as a file says.
pub(crate) fn check_golden(
    model: &ServedModel,
    answer: &impl Fn(&[&Question]) -> Result<Vec<Prediction>, Refusal>,
    bytes: &[u8],
) -> Result<(), String> {
    let golden: Golden = serde_json::from_slice(bytes)
        .map_err(|error| format!("expected {{\"instances\": [...], \"predictions\": [...]}}: {error}"))?;
    let said = |refusal: Refusal| refusal.to_string();
    let tensors = of_instances(model.signature(), golden.instances).map_err(said)?;
    let questions = model.questions(tensors).map_err(said)?;
    let answers = answer(&questions.iter().collect::<Vec<_>>()).map_err(said)?;
    let outputs = model.outputs(&answers, &[]).map_err(said)?;
    let found: Value = (0..answers.len()).map(|row| row_of(&outputs, row)).collect();
    match difference(&found, &golden.predictions) {
        None => Ok(()),
        Some((found, expected)) => {
            let [found, expected] =
                [found, expected].map(|value| value.to_string().chars().take(100).collect::<String>());
            Err(format!("the model answers {found}; expected {expected}"))
        }
    }
}

/// The first place where two values are not the same.
fn difference<'a>(found: &'a Value, expected: &'a Value) -> Option<(&'a Value, &'a Value)> {
    match (found, expected) {
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64()?, other.as_f64()?);
            ((one - other).abs() > TOLERANCE * other.abs().max(1.0)).then_some((found, expected))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).find_map(|(one, other)| difference(one, other))
        }
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, one)| match other.get(key) {
                Some(other) => difference(one, other),
                None => Some((found, expected)),
            })
        }
        _ => (found != expected).then_some((found, expected)),
    }
}

/// What a model says of a sample: the value of its output by itself, or those of several by name.
fn row_of(outputs: &[Output], row: usize) -> Value {
    match outputs {
        [only] => only.json_of(row),
        several => several
            .iter()
            .map(|output| (output.name.to_owned(), output.json_of(row)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

fn columns_of(outputs: &[Output], rows: usize) -> Value {
    let column = |output: &Output| (0..rows).map(|row| output.json_of(row)).collect::<Value>();
    match outputs {
        [only] => column(only),
        several => several
            .iter()
            .map(|output| (output.name.to_owned(), column(output)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// The tensors of samples in a list: of a model with one input its value, or an object with the value of each input by name.
pub(super) fn of_instances(signature: &Signature, instances: Vec<Value>) -> Result<Vec<Tensor>, Refusal> {
    let mut columns: Vec<Vec<Value>> = signature.inputs.iter().map(|_| Vec::new()).collect();
    for (row, instance) in instances.into_iter().enumerate() {
        match instance {
            Value::Object(mut object) if !is_base64(&object) => {
                for (spec, column) in signature.inputs.iter().zip(&mut columns) {
                    column.push(object.remove(&spec.name).ok_or_else(|| {
                        Refusal::bad(format!(
                            "instance {row} has no input {:?}; one that is missing is null",
                            spec.name
                        ))
                    })?);
                }
                if let Some((name, _)) = object.iter().next() {
                    return Err(unknown(signature, &format!("instance {row}"), name));
                }
            }
            value => match columns.as_mut_slice() {
                [only] => only.push(value),
                _ => {
                    return Err(Refusal::bad(format!(
                        "instance {row} is no object; the model takes the inputs {}",
                        names(signature)
                    )));
                }
            },
        }
    }
    let rows = columns.first().map_or(0, Vec::len);
    signature.inputs.iter().zip(columns).map(|(spec, column)| tensor(spec, rows, column)).collect()
}

/// The tensors of batches by the names of the inputs; of a model with one input, the batch by itself.
fn of_inputs(signature: &Signature, inputs: Value) -> Result<Vec<Tensor>, Refusal> {
    let mut batches = match (inputs, signature.inputs.as_slice()) {
        (Value::Object(object), _) if !is_base64(&object) => object,
        (batch, [only]) => Map::from_iter([(only.name.clone(), batch)]),
        _ => {
            return Err(Refusal::bad(format!(
                "\"inputs\" is no object; the model takes {}",
                names(signature)
            )));
        }
    };
    let mut tensors = Vec::new();
    for spec in &signature.inputs {
        match batches.remove(&spec.name) {
            Some(Value::Array(samples)) => tensors.push(tensor(spec, samples.len(), samples)?),
            Some(_) => return Err(Refusal::bad(format!("input {:?} is no list of samples", spec.name))),
            None => {
                return Err(Refusal::bad(format!(
                    "there is no input {:?}; the model takes {}",
                    spec.name,
                    names(signature)
                )));
            }
        }
    }
    match batches.iter().next() {
        Some((name, _)) => Err(unknown(signature, "\"inputs\"", name)),
        None => Ok(tensors),
    }
}

fn names(signature: &Signature) -> String {
    signature.inputs.iter().map(|spec| format!("{:?}", spec.name)).collect::<Vec<_>>().join(", ")
}

fn unknown(signature: &Signature, place: &str, name: &str) -> Refusal {
    let name: String = name.chars().take(100).collect();
    Refusal::bad(format!("{place} has an input {name:?}; the model takes {}", names(signature)))
}

fn is_base64(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.contains_key("b64")
}

/// Samples of an input.
fn tensor(spec: &TensorSpec, rows: usize, samples: Vec<Value>) -> Result<Tensor, Refusal> {
    let name = &spec.name;
    if spec.datatype == Datatype::Bytes {
        let cells = samples.into_iter().map(|value| cell(name, value)).collect::<Result<Vec<_>, _>>()?;
        let elements = Elements::Cells(cells);
        return Ok(Tensor { name: name.clone(), datatype: Datatype::Bytes, shape: vec![rows], elements });
    }
    let inner: Vec<usize> = spec.shape[1..].iter().map(|size| size.unwrap_or(0)).collect();
    let width: usize = inner.iter().product();
    let mut values = Vec::new();
    for (row, sample) in samples.into_iter().enumerate() {
        let flat = Flat::of(sample)
            .map_err(|error| Refusal::bad(format!("sample {row} of input {name:?}: {error}")))?;
        if flat.values.len() != width {
            return Err(Refusal::bad(format!(
                "sample {row} of input {name:?} has {} values; the model takes {width}, of shape {inner:?}",
                flat.values.len()
            )));
        }
        if !flat.lies_as(&inner) {
            return Err(Refusal::bad(format!(
                "the lists in sample {row} of input {name:?} are not those of shape {inner:?}; expected such lists, or one list of all \
                 values"
            )));
        }
        values.extend(flat.values);
    }
    let shape: Vec<usize> = std::iter::once(rows).chain(inner).collect();
    Tensor::from_json(name, spec.datatype, &shape, values)
}

/// A text, or a cell of a table; one that lies in a list of its own is that list's.
fn cell(name: &str, value: Value) -> Result<Cell, Refusal> {
    let wrong = |value: Value| {
        let found: String = value.to_string().chars().take(40).collect();
        Refusal::bad(format!(
            "a value of input {name:?} is {found}; expected a text, a number, true, false or null"
        ))
    };
    let number = |number: Number| match (number.as_i128(), number.as_f64()) {
        (Some(integer), _) => Some(Cell::integer(integer)),
        (None, Some(number)) if number.is_finite() => Some(Cell::Number(number)),
        _ => None,
    };
    match value {
        Value::Null => Ok(Cell::Missing),
        Value::Bool(value) => Ok(Cell::Flag(value)),
        Value::Number(found) => number(found.clone()).ok_or_else(|| wrong(found.into())),
        Value::String(text) => Ok(Cell::Text(text)),
        Value::Array(mut list) if list.len() == 1 => match list.pop() {
            Some(value) if !value.is_array() => cell(name, value),
            _ => Err(wrong(list.into())),
        },
        Value::Object(object) if is_base64(&object) => {
            let bytes =
                object.get("b64").and_then(Value::as_str).and_then(|text| BASE64_STANDARD.decode(text).ok());
            match bytes.map(String::from_utf8) {
                Some(Ok(text)) => Ok(Cell::Text(text)),
                _ => Err(Refusal::bad(format!("a value of input {name:?} is no base64 of UTF-8"))),
            }
        }
        other => Err(wrong(other)),
    }
}

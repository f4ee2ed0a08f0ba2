//! For people: one picture, text or row as it is, and what the model says of it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{Router, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireclay_datasets::read_picture_bytes;
use fireclay_train::Prediction;
use serde_json::{Map, Value, json};

use super::{RequestBody, Target, apart, body_of, by, json_of};
use crate::json::of_instances;
use crate::model::{Input, Question, ServedModel};
use crate::refusal::Refusal;
use crate::registry::Served;
use crate::state::Shared;
use crate::tensor::shortest;

/// Fields of a form at most.
const MOST_FIELDS: usize = 10_000;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/models/{name}/classify", post(classify))
        .route("/v1/models/{name}/versions/{version}/classify", post(classify))
}

async fn classify(
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
) -> Result<Json<Value>, Refusal> {
    let came = Instant::now();
    let body = body_of(headers, body, shared).await?;
    served.check_room()?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Read { question, notes, .. } = read(shared, served.model(), kind, &body).await?;
    let answers = served.ask(vec![question], came).await?;
    match answers.first() {
        Some(answer) => Ok(Json(said(served, answer, notes))),
        None => Err(Refusal::Failed),
    }
}

/// A sample that was read.
pub(super) struct Read {
    pub question: Question,
    /// The text that it was, where it was one: tokens alone do not say it.
    pub text: Option<String>,
    /// What was done to it.
    pub notes: Vec<String>,
}

/// The sample in a body.
pub(super) async fn read(
    shared: &Shared,
    model: &ServedModel,
    kind: &str,
    body: &RequestBody,
) -> Result<Read, Refusal> {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match (essence.as_str(), model.input()) {
        ("multipart/form-data", _) => of_form(shared, model, kind, body).await,
        ("application/json", Input::Picture { .. }) => match body.read(shared, picture_in_json).await? {
            Ok(picture) => of_picture(shared, model, &picture).await,
            Err(other) => of_json(model, other),
        },
        ("application/json", _) => {
            let value = body.read(shared, |body| json_of::<Value>(body, "a sample")).await?;
            of_json(model, value)
        }
        (_, Input::Picture { .. }) => of_picture(shared, model, body.bytes()).await,
        (_, Input::Text) => of_text(model, body.bytes()),
        (_, Input::Row | Input::Values(_)) => Err(Refusal::Type(format!(
            "the body is {kind:?}; expected application/json, an object with the model's inputs"
        ))),
        (_, Input::Writes) => Err(writes(model)),
    }
}

fn writes(_: &ServedModel) -> Refusal {
    Refusal::bad("the model writes text, which /v1/models/NAME/generate asks for")
}

/// A picture is decoded off the thread that serves connections, one at a time, as a small file may be a large picture.
async fn of_picture(shared: &Shared, model: &ServedModel, bytes: &[u8]) -> Result<Read, Refusal> {
    let Input::Picture { shape, form } = model.input() else {
        return Err(Refusal::bad("the model takes no picture"));
    };
    let read = || {
        let read = read_picture_bytes(bytes, *shape, *form);
        read.map_err(|problem| Refusal::bad(format!("the picture cannot be read: {problem}")))
    };
    let picture = apart(shared, read).await?;
    Ok(Read { question: Question::Pixels(picture.pixels), text: None, notes: picture.notes })
}

fn of_text(model: &ServedModel, bytes: &[u8]) -> Result<Read, Refusal> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Refusal::bad(format!("the text is not UTF-8 from byte {} on", error.valid_up_to()))
    })?;
    of_json(model, text.into())
}

/// A picture in base64, or else what is there.
fn picture_in_json(body: &[u8]) -> Result<Result<Vec<u8>, Value>, Refusal> {
    let value: Value = json_of(body, "a sample")?;
    let Some(encoded) =
        value.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("picture"))
    else {
        return Ok(Err(value));
    };
    let encoded = encoded.as_str().ok_or_else(|| Refusal::bad("\"picture\" is no text; expected base64"))?;
    // As a page has it: `data:image/png;base64,...`.
    let encoded = encoded.split_once(";base64,").map_or(encoded, |(_, encoded)| encoded);
    let picture = BASE64_STANDARD.decode(encoded.trim());
    picture.map(Ok).map_err(|error| Refusal::bad(format!("\"picture\" is no base64: {error}")))
}

/// A sample as JSON, as in a list of instances.
fn of_json(model: &ServedModel, value: Value) -> Result<Read, Refusal> {
    if *model.input() == Input::Writes {
        return Err(writes(model));
    }
    // A cell that is not there is missing, for those that can be.
    let value = match (value, model.input()) {
        (Value::Object(mut object), Input::Row) => {
            for spec in &model.signature().inputs {
                object.entry(spec.name.clone()).or_insert(Value::Null);
            }
            Value::Object(object)
        }
        (value, _) => value,
    };
    // A text by itself, or in the only field.
    let text = match (&value, model.input()) {
        (Value::String(text), Input::Text) => Some(text.clone()),
        (Value::Object(object), Input::Text) => {
            object.values().next().and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    };
    let tensors = of_instances(model.signature(), vec![value])?;
    let mut questions = model.questions(tensors)?;
    match (questions.pop(), questions.len()) {
        (Some(question), 0) => Ok(Read { question, text, notes: Vec::new() }),
        _ => Err(Refusal::bad("expected one sample; :predict takes several")),
    }
}

/// What a form sends: a file or text in any field, or a field for each column.
async fn of_form(
    shared: &Shared,
    model: &ServedModel,
    kind: &str,
    body: &RequestBody,
) -> Result<Read, Refusal> {
    let wrong = |error: multer::Error| Refusal::bad(format!("the form cannot be read: {error}"));
    let boundary = multer::parse_boundary(kind).map_err(wrong)?;
    let bytes = axum::body::Bytes::copy_from_slice(body.bytes());
    let stream = futures_util::stream::iter([Ok::<_, Infallible>(bytes)]);
    let mut form = multer::Multipart::new(stream, boundary);
    let mut row = Map::new();
    let mut fields = 0;
    while let Some(field) = form.next_field().await.map_err(wrong)? {
        fields += 1;
        if fields > MOST_FIELDS {
            return Err(Refusal::bad(format!("the form has more than {MOST_FIELDS} fields")));
        }
        let name = field.name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(wrong)?;
        match model.input() {
            Input::Picture { .. } => return of_picture(shared, model, &bytes).await,
            Input::Text => return of_text(model, &bytes),
            Input::Row | Input::Values(_) => {
                let text = String::from_utf8(bytes.into())
                    .map_err(|_| Refusal::bad(format!("the field {name:?} is not UTF-8")))?;
                row.insert(name, text.into());
            }
            Input::Writes => return Err(writes(model)),
        }
    }
    match model.input() {
        Input::Row if fields > 0 => of_json(model, row.into()),
        Input::Values(_) => Err(Refusal::bad("the model takes numbers; send them as JSON")),
        _ => Err(Refusal::bad("the form has no field")),
    }
}

/// What a model says of a sample.
fn said(served: &Served, answer: &Prediction, notes: Vec<String>) -> Value {
    let model = served.model();
    let mut said = json!({ "model": served.name(), "version": served.version() });
    let probabilities = answer.probabilities().map(|probabilities| {
        let ranked = answer.top(probabilities.len()).into_iter();
        ranked
            .map(|(class, probability)| json!({ "class": class, "probability": shortest(probability) }))
            .collect::<Vec<_>>()
    });
    match (probabilities, answer.class_index()) {
        (Some(probabilities), Some(index)) => {
            said["class"] = answer.class().map_or_else(|| index.to_string(), str::to_owned).into();
            said["probabilities"] = probabilities.into();
        }
        (Some(probabilities), None) => {
            said["labels"] = answer.labels(0.5).into();
            said["probabilities"] = probabilities.into();
        }
        (None, _) => {
            let name = model.target().unwrap_or("value");
            let values = answer.outputs().iter();
            said["values"] = values.map(|value| json!({ "name": name, "value": shortest(*value) })).collect();
            said["interval"] = answer.interval().map_or(Value::Null, |ends| json!(ends.map(shortest)));
        }
    }
    said["notes"] = notes.into();
    said
}

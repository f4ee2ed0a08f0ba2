//! For people: what decided the answer about one picture, text or row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{Router, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireclay_explain::{Baseline, ExplainError, Method, Subject, Way};
use fireclay_report::{Attributed, Explanation};
use fireclay_train::Sample;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Target, apart, body_of, by, classify};
use crate::model::{Input, Question};
use crate::refusal::Refusal;
use crate::registry::Served;
use crate::state::Shared;
use crate::tensor::shortest;

/// Steps of integrated gradients at first, and at most: a server has others to answer.
const STEPS: (usize, usize) = (16, 256);

/// Words that are left out one by one.
const MOST_WORDS: usize = 1_000;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/models/{name}/explain", post(explain))
        .route("/v1/models/{name}/versions/{version}/explain", post(explain))
}

/// What is explained, and how.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    class: Option<String>,
    rather_than: Option<String>,
    method: Option<String>,
}

async fn explain(
    State(shared): State<Arc<Shared>>,
    Target(served): Target,
    request: Result<Query<Request>, QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = match request {
        Ok(Query(request)) => answer(&shared, &served, &request, &headers, body).await,
        Err(wrong) => Err(Refusal::bad(wrong.body_text())),
    };
    by(&served, answer)
}

async fn answer(
    shared: &Shared,
    served: &Served,
    request: &Request,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let body = body_of(headers, body, shared).await?;
    served.check_room()?;
    let model = served.model();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // The words of a text are not to be found in the tokens of n-grams.
    let text = (*model.input() == Input::Text).then(|| text_in(kind, body.bytes())).flatten();
    let (question, notes) = classify::question(shared, model, kind, &body).await?;
    drop(body);
    let explain = || {
        let said = catch_unwind(AssertUnwindSafe(|| said(served, request, &question, text.as_deref())));
        said.unwrap_or(Err(Refusal::Failed))
    };
    let said = apart(shared, explain).await?;
    Ok(Json(with_notes(said, notes)))
}

fn with_notes(mut said: Value, notes: Vec<String>) -> Value {
    said["notes"] = notes.into();
    said
}

/// A text as it is, as JSON, or as the only field of a JSON object.
fn text_in(kind: &str, body: &[u8]) -> Option<String> {
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "multipart/form-data" => None,
        "application/json" => match serde_json::from_slice(body).ok()? {
            Value::String(text) => Some(text),
            Value::Object(object) if object.len() == 1 => {
                object.into_iter().next()?.1.as_str().map(str::to_owned)
            }
            _ => None,
        },
        _ => std::str::from_utf8(body).ok().map(str::to_owned),
    }
}

/// Explains an answer.
fn said(
    served: &Served,
    request: &Request,
    question: &Question,
    text: Option<&str>,
) -> Result<Value, Refusal> {
    let model = served.model();
    let refused = |error: ExplainError| Refusal::bad(error.to_string());
    let explainer = model.explainer().map_err(Refusal::bad)?;
    let predictor = explainer.predictor();
    let sample = text.map_or_else(|| question.sample(), Sample::Text);
    let usual = if explainer.has_gradients() { Method::IntegratedGradients } else { Method::Occlusion };
    let method = match &request.method {
        None => usual,
        Some(word) => Method::ALL.into_iter().find(|method| method.word() == word).ok_or_else(|| {
            let known = Method::ALL.map(Method::word).join(", ");
            Refusal::bad(format!("the method is {word:?}; expected one of {known}"))
        })?,
    };
    for name in [&request.class, &request.rather_than].into_iter().flatten() {
        if !predictor.classes().contains(name) {
            let known: Vec<&str> = predictor.classes().iter().take(20).map(String::as_str).collect();
            return Err(Refusal::bad(format!(
                "there is no class {name:?}; the model has {}",
                known.join(", ")
            )));
        }
    }
    let prediction = predictor.predict(sample.clone()).map_err(|error| Refusal::bad(error.to_string()))?;
    let asked = fireclay_explain::Question {
        class: request.class.as_deref(),
        rather_than: request.rather_than.as_deref(),
    };
    let asked = asked.of(predictor, &prediction).ok_or_else(|| {
        Refusal::bad("the class that is explained is the one that it is compared with; name another one")
    })?;
    let subject = Subject::new(explainer, sample).map_err(refused)?;
    if method == Method::Occlusion && matches!(*model.input(), Input::Text) && subject.parts() > MOST_WORDS {
        let found = subject.parts();
        return Err(Refusal::bad(format!(
            "the text has {found} words; expected at most {MOST_WORDS} to be left out one by one"
        )));
    }
    let way = Way { method, baseline: Baseline::Black, layer: None, steps: STEPS };
    let found = subject.explain(explainer, &asked.target, &way).map_err(refused)?;
    let attributed = subject.attributed(&found.values, method.is_signed(), &[]);
    let number = |value: Option<f32>| value.map_or(Value::Null, |value| json!(shortest(value)));
    let mut said = json!({
        "model": served.name(),
        "version": served.version(),
        "method": method.word(),
        "meaning": method.meaning(),
        "class": asked.class,
        "probability": number(asked.probability),
        "rather_than": asked.rather_than,
        "output": shortest(found.output + asked.offset),
        "baseline_output": number(found.baseline_output.map(|output| output + asked.offset)),
        "remainder": number(found.remainder),
        "steps": found.steps,
        "layer": found.layer,
    });
    match &attributed {
        Attributed::Picture { picture, values, .. } => {
            let rows = values
                .chunks(picture.width.max(1))
                .map(|row| row.iter().map(|value| shortest(*value)).collect());
            said["attributions"] = Value::Array(rows.collect());
            let explanation = Explanation { attributed, ..Explanation::default() };
            let painted = explanation.painted().ok().flatten().and_then(|painted| painted.to_png().ok());
            said["picture"] = painted
                .map(|bytes| format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes)))
                .into();
        }
        Attributed::Words(words) => {
            let words =
                words.iter().map(|(word, value)| json!({ "word": word, "attribution": shortest(*value) }));
            said["words"] = words.collect();
        }
        Attributed::Columns(columns) => {
            let columns = columns
                .iter()
                .map(|column| json!({ "column": column.column, "attribution": shortest(column.value) }));
            said["columns"] = columns.collect();
        }
    }
    Ok(said)
}

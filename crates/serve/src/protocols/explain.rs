//! For people: what decided the answer about one picture, text or row.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::{Router, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fireclay_backend::in_precision;
use fireclay_explain::{Baseline, ExplainError, Method, Subject, Way};
use fireclay_report::{Attributed, Explanation};
use fireclay_train::Sample;
use serde::Deserialize;
use serde_json::{Value, json};

use super::classify::{self, Read};
use super::{Target, body_of, by};
use crate::model::Question;
use crate::refusal::Refusal;
use crate::registry::Served;
use crate::state::Shared;
use crate::tensor::shortest;

/// Steps of integrated gradients at first, and at most: a server has others to answer.
const STEPS: (usize, usize) = (16, 256);

const TIME_LIMIT: Duration = Duration::from_secs(2);

/// Words, or numbers of a sample, that are left out one by one, and bytes of a text that is read anew without each.
const MOST_PARTS: usize = 1_000;
const LONGEST_TEXT: usize = 64 << 10;

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
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Read { question, text, notes } = classify::read(shared, served.model(), kind, &body).await?;
    // The body keeps its place among those that are held until the end, as the sample takes as much memory.
    let turn = tokio::time::timeout(shared.limits.turn_time, shared.explaining.acquire()).await;
    let Ok(_turn) = turn else {
        return Err(Refusal::Unavailable("other answers are being explained; try again in a second"));
    };
    let mut said = tokio::task::block_in_place(|| {
        let said = catch_unwind(AssertUnwindSafe(|| said(served, request, &question, text.as_deref())));
        said.unwrap_or(Err(Refusal::Failed))
    })?;
    drop(body);
    said["notes"] = notes.into();
    Ok(Json(said))
}

/// Explains an answer.
fn said(
    served: &Served,
    request: &Request,
    question: &Question,
    text: Option<&str>,
) -> Result<Value, Refusal> {
    let _precision = in_precision(served.precision());
    let model = served.model();
    let refused = |error: ExplainError| Refusal::bad(error.to_string());
    let explainer = model.explainer().map_err(Refusal::bad)?;
    let predictor = explainer.predictor();
    let sample = text.map_or_else(|| question.sample(), Sample::Text);
    let method = match &request.method {
        None => explainer.usual_method(),
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
    // A picture is covered by some hundred patches.
    if method == Method::Occlusion && !matches!(question, Question::Pixels(_)) {
        let (parts, bytes) = (subject.parts(), text.map_or(0, str::len));
        if parts > MOST_PARTS || bytes > LONGEST_TEXT {
            return Err(Refusal::bad(format!(
                "the sample has {parts} parts in {bytes} bytes of text; expected at most {MOST_PARTS} in {LONGEST_TEXT}, as each is left out"
            )));
        }
    }
    let way =
        Way { method, baseline: Baseline::Black, layer: None, steps: STEPS, time_limit: Some(TIME_LIMIT) };
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

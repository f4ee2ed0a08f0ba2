//! Texts that a language model writes, whole or word by word as server-sent events.
//!
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, post};
use fireclay_backend::in_precision;
use fireclay_nn::Sampling;
use fireclay_train::TextGenerator;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Target, body_of, by, json_of};
use crate::model::Input;
use crate::phase::Phase;
use crate::refusal::Refusal;
use crate::registry::Served;
use crate::state::{MOST_WRITING, Shared};

/// Words that are written, and characters that they go on from, at most.
const MOST_TOKENS: usize = 4_096;
const LONGEST_PROMPT: usize = 50_000;

/// Words that wait to be sent.
const WAITING: usize = 32;

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v1/models/{name}/generate", post(generate))
        .route("/v1/models/{name}/versions/{version}/generate", post(generate))
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    #[serde(default)]
    prompt: String,
    #[serde(default = "hundred")]
    max_tokens: usize,
    #[serde(default)]
    temperature: Option<f32>,
    #[serde(default)]
    top_k: Option<usize>,
    #[serde(default)]
    top_p: Option<f32>,
    /// Another text each time where it is not given.
    #[serde(default)]
    seed: Option<u64>,
    #[serde(default)]
    stream: bool,
}

fn hundred() -> usize {
    100
}

impl Request {
    fn check(&self) -> Result<(), Refusal> {
        if !(1..=MOST_TOKENS).contains(&self.max_tokens) {
            let found = self.max_tokens;
            return Err(Refusal::bad(format!("max_tokens is {found}; expected 1 to {MOST_TOKENS}")));
        }
        let length = self.prompt.chars().count();
        if length > LONGEST_PROMPT {
            return Err(Refusal::bad(format!(
                "the prompt has {length} characters; expected at most {LONGEST_PROMPT}"
            )));
        }
        self.sampling().check().map_err(|error| Refusal::bad(error.to_string()))
    }

    fn sampling(&self) -> Sampling {
        let usual = Sampling::default();
        Sampling {
            temperature: self.temperature.unwrap_or(usual.temperature),
            top_k: self.top_k,
            top_p: self.top_p.unwrap_or(usual.top_p),
        }
    }
}

async fn generate(
    State(shared): State<Arc<Shared>>,
    Target(served): Target,
    headers: HeaderMap,
    body: Body,
) -> Response {
    by(&served, answer(shared, served.clone(), &headers, body).await)
}

async fn answer(
    shared: Arc<Shared>,
    served: Arc<Served>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let body = body_of(headers, body, &shared).await?;
    let request: Request = body.read(&shared, |body| json_of(body, "a request for a text")).await?;
    drop(body);
    if *served.model().input() != Input::Writes {
        return Err(Refusal::bad("the model writes no text; :predict and /classify ask for what it gives"));
    }
    request.check()?;
    let place = shared.writing.clone().try_acquire_owned();
    let place = place.map_err(|_| Refusal::Writing { most: MOST_WRITING })?;
    let seed = match request.seed {
        Some(seed) => seed,
        None => getrandom::u64().map_err(|_| Refusal::Failed)?,
    };
    let (say, mut said) = mpsc::channel::<Result<String, Refusal>>(WAITING);
    let (asked, name, version) = (request.clone(), served.name().to_owned(), served.version());
    std::thread::Builder::new()
        .name("writing".into())
        .spawn(move || {
            let _place = place;
            let written = catch_unwind(AssertUnwindSafe(|| write(&shared, &served, &asked, seed, &say)));
            let refusal = match written {
                Ok(Ok(())) => return,
                Ok(Err(refusal)) => refusal,
                Err(_) => Refusal::Failed,
            };
            // Whoever asked may have gone.
            let _ = say.blocking_send(Err(refusal));
        })
        .map_err(|_| Refusal::Failed)?;

    // What is wrong from the beginning has a status of its own.
    let first = said.recv().await.unwrap_or(Ok(String::new()))?;
    if request.stream {
        let begun = (said, Some(first), 0usize, false);
        let stream = futures_util::stream::unfold(begun, async |(mut said, first, tokens, ended)| {
            if ended {
                return None;
            }
            let next = match first {
                Some(first) => Some(Ok(first)),
                None => said.recv().await,
            };
            let (event, tokens, ended) = match next {
                Some(Ok(text)) => (json!({ "text": text }), tokens + 1, false),
                Some(Err(refusal)) => (json!({ "error": refusal.to_string() }), tokens, true),
                None => (json!({ "done": true, "tokens": tokens.saturating_sub(1) }), tokens, true),
            };
            let event = Bytes::from(format!("data: {event}\n\n"));
            Some((Ok::<_, Infallible>(event), (said, None, tokens, ended)))
        });
        let mut response = Body::from_stream(stream).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return Ok(response);
    }
    let (mut text, mut tokens) = (first, 0usize);
    while let Some(more) = said.recv().await {
        text.push_str(&more?);
        tokens += 1;
    }
    let answer: Value =
        json!({ "model": name, "version": version, "text": text, "tokens": tokens, "seed": seed });
    Ok(Json(answer).into_response())
}

/// Writes a text: first the prompt as it stands in it, then word by word. It ends early if nobody listens any more.
fn write(
    shared: &Shared,
    served: &Served,
    request: &Request,
    seed: u64,
    say: &mpsc::Sender<Result<String, Refusal>>,
) -> Result<(), Refusal> {
    let _precision = in_precision(served.precision());
    let wrong = |error: fireclay_train::TrainError| Refusal::bad(error.to_string());
    let mut text: TextGenerator = served.model().writer(request.sampling(), seed).map_err(wrong)?;
    let prompt = text.prompt(&request.prompt).map_err(wrong)?;
    if say.blocking_send(Ok(prompt)).is_err() {
        return Ok(());
    }
    for word in text.take(request.max_tokens) {
        if shared.phases.now() == Phase::Ended || say.blocking_send(Ok(word.map_err(wrong)?)).is_err() {
            break;
        }
    }
    Ok(())
}

//! What is said over HTTP: the paths, and what their bodies are.

pub(crate) mod classify;
pub(crate) mod explain;
pub(crate) mod generate;
pub(crate) mod open_inference;
pub(crate) mod tensorflow;

mod target;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use self::target::ModelPath;
use self::target::Target;
use crate::refusal::Refusal;
use crate::registry::Served;
use crate::state::{AnsweredBy, Shared, kilobytes};

/// A response with the mark of the version that it is by, whatever it says.
pub(crate) fn by(served: &Arc<Served>, answer: Result<impl IntoResponse, Refusal>) -> Response {
    let mut response = answer.into_response();
    response.extensions_mut().insert(AnsweredBy(served.clone()));
    response
}

/// From so many bytes on a body is read off the thread that serves connections.
const LARGE: usize = 64 << 10;

/// The body of a request, which has its place among those that are held until it is dropped.
pub(crate) struct RequestBody {
    bytes: Vec<u8>,
    _place: OwnedSemaphorePermit,
}

impl RequestBody {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes something of it; of a large one while other connections go on, and of one such at a time, as its values take more memory
    /// than it does.
    pub(crate) async fn read<T>(
        &self,
        shared: &Shared,
        read: impl FnOnce(&[u8]) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        match self.bytes.len() <= LARGE {
            true => read(&self.bytes),
            false => apart(shared, || read(&self.bytes)).await,
        }
    }
}

/// Does what takes long or much memory off the thread that serves connections, one such at a time.
pub(crate) async fn apart<T>(
    shared: &Shared,
    work: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let turn = tokio::time::timeout(shared.limits.turn_time, shared.large.acquire()).await;
    let Ok(_turn) = turn else {
        return Err(Refusal::Unavailable("too many large requests are being read; try again in a second"));
    };
    tokio::task::block_in_place(work)
}

/// The whole body of a request, as far as it is taken and as it comes in time.
pub(crate) async fn body_of(
    headers: &HeaderMap,
    body: Body,
    shared: &Shared,
) -> Result<RequestBody, Refusal> {
    let limits = &shared.limits;
    if let Some(coding) = headers.get(header::CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        let coding: String = String::from_utf8_lossy(coding.as_bytes()).chars().take(40).collect();
        return Err(Refusal::Type(format!(
            "the body is packed as {coding:?}, which is not read; send it as it is, without content-encoding"
        )));
    }
    let most = limits.max_body;
    let large = |found: String| Refusal::Large {
        what: "the body",
        found,
        most: format!("{most} bytes"),
        flag: "--max-body",
    };
    let declared =
        headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if let Some(length) = declared.filter(|length| *length > most as u64) {
        return Err(large(format!("{length} bytes")));
    }
    match tokio::time::timeout(limits.body_time, gather(body, most, shared)).await {
        Ok(Ok(body)) => body.ok_or_else(|| large(format!("more than {most} bytes"))),
        Ok(Err(refusal)) => Err(refusal),
        Err(_) => Err(Refusal::Slow(limits.body_time)),
    }
}

/// A body as it comes, whose place among those that are held grows with it; `None` if it is longer than `most`.
async fn gather(mut body: Body, most: usize, shared: &Shared) -> Result<Option<RequestBody>, Refusal> {
    let busy = |_| Refusal::Unavailable("too many large requests are being answered; try again in a second");
    let mut place = shared.bodies.clone().try_acquire_many_owned(0).map_err(busy)?;
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Refusal::bad("the body ended too early, or its chunks are malformed"))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > most - bytes.len() {
            return Ok(None);
        }
        bytes.extend_from_slice(&data);
        let more = kilobytes(bytes.len()).saturating_sub(place.num_permits());
        if more > 0 {
            place.merge(shared.bodies.clone().try_acquire_many_owned(more as u32).map_err(busy)?);
        }
    }
    Ok(Some(RequestBody { bytes, _place: place }))
}

/// Characters of an error that JSON caused, which may hold what was sent.
const LONGEST_ERROR: usize = 300;

/// JSON, as `what` it is to be.
pub(crate) fn json_of<'a, T: Deserialize<'a>>(body: &'a [u8], what: &str) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let said: String = error.to_string().chars().take(LONGEST_ERROR).collect();
        match error.classify() {
            serde_json::error::Category::Data => Refusal::bad(format!("the body is not {what}: {said}")),
            _ => Refusal::bad(format!("the body is not JSON: {said}")),
        }
    })
}

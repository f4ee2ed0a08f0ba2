//! What is said over HTTP: the paths, and what their bodies are.

pub(crate) mod open_inference;
pub(crate) mod tensorflow;

mod flat;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;

use crate::refusal::Refusal;
use crate::state::{Shared, kilobytes};

/// From so many bytes on a body is read off the thread that serves connections.
const LARGE: usize = 64 << 10;

/// The body of a request, which has its place among those that are held until it is dropped.
pub(crate) struct RequestBody {
    bytes: Bytes,
    _place: OwnedSemaphorePermit,
}

impl RequestBody {
    /// Makes something of it; of a large one while other connections go on.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&[u8]) -> T) -> T {
        match self.bytes.len() > LARGE {
            true => tokio::task::block_in_place(|| read(&self.bytes)),
            false => read(&self.bytes),
        }
    }
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
    // One that does not say how long it is may be as long as is taken.
    let length = declared.map_or(most, |length| length as usize);
    let place = shared.bodies.clone().try_acquire_many_owned(kilobytes(length));
    let place = place.map_err(|_| {
        Refusal::Unavailable("too many large requests are being answered; try again in a second")
    })?;
    match tokio::time::timeout(limits.body_time, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(RequestBody { bytes, _place: place }),
        // `to_bytes` reports a body that is too large and a client that is gone alike; nobody reads an answer to the second.
        Ok(Err(_)) => Err(large(format!("more than {most} bytes"))),
        Err(_) => Err(Refusal::Slow(limits.body_time)),
    }
}

/// Characters of an error that JSON caused, which may hold what was sent.
const LONGEST_ERROR: usize = 300;

/// JSON, as `what` it is to be.
pub(crate) fn json_of<T: DeserializeOwned>(body: &[u8], what: &str) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let said: String = error.to_string().chars().take(LONGEST_ERROR).collect();
        match error.classify() {
            serde_json::error::Category::Data => Refusal::bad(format!("the body is not {what}: {said}")),
            _ => Refusal::bad(format!("the body is not JSON: {said}")),
        }
    })
}

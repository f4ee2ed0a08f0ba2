//! What a request is refused with: a status and a sentence.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request is not answered as it asks.
///
/// As a response it is `{"error": "..."}` with its status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The request contradicts itself, or is not what the model takes. 400.
    #[error("{0}")]
    Bad(String),
    /// There is no such path, model or version. 404.
    #[error("{0}")]
    Unknown(String),
    /// The path exists, with another method. 405.
    #[error("{0} is no method of this path; the header `allow` names those that are")]
    Method(String),
    /// The request does not say that it may. 401, with `WWW-Authenticate`.
    #[error("the token is missing or another; send it as \"Authorization: Bearer TOKEN\"")]
    Unauthorized,
    /// It does not fit what is. 409.
    #[error("{0}")]
    Conflict(String),
    /// What it names cannot be used. 422.
    #[error("{0}")]
    Broken(String),
    /// The body did not come in time. 408.
    #[error("the request's body did not come within {} s; send it faster, or in parts", .0.as_secs_f32())]
    Slow(Duration),
    /// The body, or what it asks for, is larger than is taken. 413.
    #[error(
        "{what} has {found}, and at most {most} are taken; send less at once, or serve with a larger {flag}"
    )]
    Large {
        /// What is too large.
        what: &'static str,
        /// How large it is.
        found: String,
        /// How large it may be.
        most: String,
        /// The flag that says so.
        flag: &'static str,
    },
    /// The body is packed or of a type that is not read. 415.
    #[error("{0}")]
    Type(String),
    /// As much waits as may wait. 429, with `Retry-After`.
    #[error("{waiting} samples are waiting and at most {most} may; try again in a second")]
    Busy {
        /// Samples that wait.
        waiting: usize,
        /// Samples that may.
        most: usize,
    },
    /// As many texts are being written as may be. 429, with `Retry-After`.
    #[error("{most} texts are being written, which is the most at once; try again in a second")]
    Writing {
        /// Texts that may be written at once.
        most: usize,
    },
    /// The model failed. 500.
    #[error("the model failed on this request; the server goes on")]
    Failed,
    /// No model is ready, or the server ends. 503, with `Retry-After`.
    #[error("{0}")]
    Unavailable(&'static str),
    /// The answer would have come too late, so it was not computed. 504.
    #[error("the request waited {} ms, which is the most that one may, and was not computed", .0.as_millis())]
    Late(Duration),
}

impl Refusal {
    /// A request that is wrong in itself.
    pub fn bad(why: impl Into<String>) -> Self {
        Refusal::Bad(why.into())
    }

    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::Bad(_) => StatusCode::BAD_REQUEST,
            Refusal::Unknown(_) => StatusCode::NOT_FOUND,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Unauthorized => StatusCode::UNAUTHORIZED,
            Refusal::Conflict(_) => StatusCode::CONFLICT,
            Refusal::Broken(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::Slow(_) => StatusCode::REQUEST_TIMEOUT,
            Refusal::Large { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Type(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Busy { .. } | Refusal::Writing { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Late(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(json!({ "error": self.to_string() }))).into_response();
        let headers = response.headers_mut();
        match &self {
            Refusal::Busy { .. } | Refusal::Writing { .. } | Refusal::Unavailable(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Refusal::Unauthorized => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What is left of a body that is not read would be taken for the next request.
            Refusal::Slow(_) | Refusal::Large { .. } => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

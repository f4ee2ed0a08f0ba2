//! What is known of each request afterwards: its number, who answered, how it ended and how long it took. Never what was in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use serde_json::json;

use crate::metrics::{GONE, Metrics};
use crate::registry::Served;
use crate::state::{AnsweredBy, Shared};

/// The header with a request's number, which a client or proxy may give.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Characters of such a number, and of a path in the log, at most.
const LONGEST_ID: usize = 64;
const LONGEST_PATH: usize = 200;

/// A request under way; one that is dropped before its end had a client that left.
struct UnderWay<'a> {
    shared: &'a Shared,
    id: String,
    /// Method and path, if there is a log.
    line: Option<(String, String)>,
    begun: Instant,
    ended: bool,
}

impl UnderWay<'_> {
    fn end(&mut self, code: u16, by: Option<&Served>) {
        self.ended = true;
        let time = self.begun.elapsed();
        let metrics: &Metrics = by.map_or(&self.shared.elsewhere, Served::metrics);
        metrics.request(code, time);
        if let (Some(log), Some((method, path))) = (&self.shared.log, &self.line) {
            let mut record = json!({
                "time": seconds(),
                "id": self.id,
                "method": method,
                "path": path,
                "status": code,
                "ms": milliseconds(time),
            });
            if let Some(served) = by {
                record["model"] = served.name().into();
                record["version"] = served.version().into();
            }
            log(&record.to_string());
        }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(GONE, None);
        }
    }
}

/// Gives a request a number, counts it and writes it into the log.
pub(super) async fn observe(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| is_id(id));
    let id = given.map_or_else(new_id, str::to_owned);
    let mut under_way = UnderWay {
        shared: &shared,
        line: shared.log.is_some().then(|| {
            let path = request.uri().path().chars().take(LONGEST_PATH).collect();
            (request.method().to_string(), path)
        }),
        begun: Instant::now(),
        ended: false,
        id,
    };
    let mut response = next.run(request).await;
    let by = response.extensions_mut().remove::<AnsweredBy>();
    under_way.end(response.status().as_u16(), by.as_ref().map(|AnsweredBy(served)| &**served));
    if let Ok(id) = HeaderValue::from_str(&under_way.id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_id(id: &str) -> bool {
    (1..=LONGEST_ID).contains(&id.len())
        && id.chars().all(|char| char.is_ascii_alphanumeric() || "-_.".contains(char))
}

/// A number that no other request of this server has, and hardly one of another server.
fn new_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}", since.as_micros(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Since 1970, to the millisecond.
fn seconds() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_millis() as f64 / 1000.0
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1000.0
}

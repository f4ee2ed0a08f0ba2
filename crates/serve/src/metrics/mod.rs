//! What is counted of requests.

mod histogram;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::StatusCode;

pub use self::histogram::Histogram;
use crate::queue::Observer;

/// Statuses of HTTP, from 100 on.
const FIRST_CODE: u16 = 100;
const CODES: usize = 500;

/// The code of a request whose client did not wait for the answer, as nginx counts it.
pub(crate) const GONE: u16 = 499;

/// What was counted of a version of a model since the server began.
#[derive(Debug)]
pub struct Metrics {
    /// For each status, from the first on.
    requests: Box<[AtomicU64]>,
    samples: AtomicU64,
    latency: Histogram,
    waits: Histogram,
    computing: Histogram,
    /// Samples of a batch, counted as seconds.
    batches: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics {
            requests: (0..CODES).map(|_| AtomicU64::new(0)).collect(),
            samples: AtomicU64::new(0),
            latency: Histogram::default(),
            waits: Histogram::default(),
            computing: Histogram::default(),
            batches: Histogram::default(),
        }
    }
}

impl Metrics {
    /// Counts a request that has ended with a status.
    pub(crate) fn request(&self, code: u16, latency: Duration) {
        if let Some(count) = self.requests.get(usize::from(code.saturating_sub(FIRST_CODE))) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        if code == StatusCode::OK.as_u16() {
            self.latency.add(latency.as_secs_f64());
        }
    }

    /// How many requests ended with each status, of those that any did.
    pub fn requests(&self) -> BTreeMap<u16, u64> {
        let codes = (FIRST_CODE..).zip(&self.requests);
        let counts = codes.map(|(code, count)| (code, count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Samples that were computed.
    pub fn samples(&self) -> u64 {
        self.samples.load(Ordering::Relaxed)
    }

    /// Seconds from a request's headers to its answer, of those that were answered.
    pub fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// Seconds that requests waited for the model.
    pub fn waits(&self) -> &Histogram {
        &self.waits
    }

    /// Seconds that the model took for each batch.
    pub fn computing(&self) -> &Histogram {
        &self.computing
    }

    /// Samples in each batch.
    pub fn batches(&self) -> &Histogram {
        &self.batches
    }
}

impl Observer for Metrics {
    fn waited(&self, time: Duration) {
        self.waits.add(time.as_secs_f64());
    }

    fn computed(&self, samples: usize, time: Duration) {
        self.samples.fetch_add(samples as u64, Ordering::Relaxed);
        self.batches.add(samples as f64);
        self.computing.add(time.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_their_status() {
        let metrics = Metrics::default();
        for code in [200, 200, 429, 504, 599, 431, GONE] {
            metrics.request(code, Duration::from_millis(1));
        }
        assert_eq!(
            metrics.requests(),
            BTreeMap::from([(200, 2), (429, 1), (431, 1), (499, 1), (504, 1), (599, 1)])
        );
        assert_eq!(metrics.latency().count(), 2);
    }
}

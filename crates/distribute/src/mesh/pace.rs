//! How long a rank waits for one that lives.

use std::time::{Duration, Instant};

use crate::Options;

/// How far others may lie behind this rank.
const FACTOR: u32 = 5;

/// Measures the times between the calls of this rank, since the others do about the same.
pub struct Pace {
    call_limit: Duration,
    first_sum_limit: Duration,
    /// When the last call was done.
    done: Option<Instant>,
    longest: Duration,
    has_summed: bool,
}

impl Pace {
    pub fn new(options: &Options) -> Self {
        let Options { call_limit, first_sum_limit, .. } = *options;
        Pace { call_limit, first_sum_limit, done: None, longest: Duration::ZERO, has_summed: false }
    }

    /// A call begins. How long may others take to come to it?
    pub fn begin(&mut self) -> Duration {
        if let Some(done) = self.done {
            self.longest = self.longest.max(done.elapsed());
        }
        let limit = self.call_limit.max(self.longest * FACTOR);
        if self.has_summed { limit } else { limit.max(self.first_sum_limit) }
    }

    /// A call is done.
    pub fn end(&mut self, is_sum: bool) {
        self.done = Some(Instant::now());
        self.has_summed |= is_sum;
    }
}

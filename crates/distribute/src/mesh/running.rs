//! Whether this process itself was stopped, by a signal, a debugger or a host that was suspended.

use std::time::{Duration, Instant};

use crate::Options;

/// When this process was seen to run.
pub struct Running {
    /// The last time.
    last: Instant,
    /// The last stop for which others give a rank up: how long it was, and when it ended.
    stop: Option<(Duration, Instant)>,
    /// How long a stop must be for that. The others last heard of this rank up to a heartbeat before it.
    enough: Duration,
    /// How long after a stop its consequences may still come.
    patience: Duration,
}

impl Running {
    pub fn new(options: &Options) -> Self {
        let patience = options.patience;
        Running {
            last: Instant::now(),
            stop: None,
            enough: patience.saturating_sub(options.heartbeat()),
            patience,
        }
    }

    /// Notes that this process runs, and returns how long ago it was last seen to.
    pub fn runs(&mut self, now: Instant) -> Duration {
        let since = now.duration_since(self.last);
        self.last = now;
        if since >= self.enough {
            self.stop = Some((since, now));
        }
        since
    }

    /// How long this process was stopped, if that ends now or has just ended, and is so long that others give a rank up.
    pub fn missed(&self, now: Instant) -> Option<Duration> {
        let since = now.duration_since(self.last);
        if since >= self.enough {
            return Some(since);
        }
        let (stop, ended) = self.stop?;
        (now.duration_since(ended) <= self.patience).then_some(stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_explains_what_fails_soon_after_it() {
        let options = Options { patience: Duration::from_secs(4), ..Options::default() };
        let mut running = Running::new(&options);
        let begun = running.last;
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(running.missed(at(1)), None);
        assert_eq!(running.missed(at(6)), Some(Duration::from_secs(6)), "before it was noted");
        assert_eq!(running.runs(at(7)), Duration::from_secs(7), "which keeps nobody from noting it");
        assert_eq!(running.runs(at(8)), Duration::from_secs(1));
        running.runs(at(10));
        assert_eq!(running.missed(at(11)), Some(Duration::from_secs(7)));
        running.runs(at(11));
        assert_eq!(running.missed(at(12)), None, "what fails later has another cause");
    }
}

//! What the requests of a server share: its models, its limits, and where it stands.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::metrics::Metrics;
use crate::phase::{Phase, Phases};
use crate::registry::{Registry, Served};

/// What a server takes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body at most.
    pub max_body: usize,
    /// Bytes of all bodies that are held at the same time. The values of one take up to a hundred times as much while it is read.
    pub max_bodies: usize,
    /// How long a body may take to come.
    pub body_time: Duration,
    /// How long a large body or a picture may wait for those before it to be read.
    pub turn_time: Duration,
    /// How long a request's headers may take to come, and how long a connection may be idle between requests.
    pub header_time: Duration,
    /// Connections at the same time; others wait to be accepted.
    pub max_connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            max_body: 16 << 20,
            max_bodies: 128 << 20,
            body_time: Duration::from_secs(30),
            turn_time: Duration::from_secs(10),
            header_time: Duration::from_secs(30),
            max_connections: 1024,
        }
    }
}

/// Texts that are written at once.
pub(crate) const MOST_WRITING: usize = 8;

/// Who answered, as a mark on a response.
#[derive(Clone, Debug)]
pub(crate) struct AnsweredBy(pub(crate) Arc<Served>);

/// Where lines of the log go.
pub(crate) type Log = Box<dyn Fn(&str) + Send + Sync>;

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) registry: Registry,
    /// What was counted of requests that no model answered.
    pub(crate) elsewhere: Metrics,
    pub(crate) log: Option<Log>,
    pub(crate) begun: Instant,
    pub(crate) limits: Limits,
    /// A permit for each kilobyte of bodies.
    pub(crate) bodies: Arc<Semaphore>,
    /// Whose large body or picture is read.
    pub(crate) large: Semaphore,
    /// Whose answer is explained.
    pub(crate) explaining: Semaphore,
    /// Places for texts that are written.
    pub(crate) writing: Arc<Semaphore>,
    pub(crate) phases: Phases,
}

/// Kilobytes that bytes take, begun ones included.
pub(crate) fn kilobytes(bytes: usize) -> usize {
    bytes.div_ceil(1024).min(Semaphore::MAX_PERMITS)
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("registry", &self.registry)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(registry: Registry, limits: Limits) -> Self {
        // One body has room, however little is given to all of them.
        let bodies = Semaphore::new(kilobytes(limits.max_bodies.max(limits.max_body)));
        Shared {
            registry,
            elsewhere: Metrics::default(),
            log: None,
            begun: Instant::now(),
            limits,
            bodies: Arc::new(bodies),
            large: Semaphore::new(1),
            explaining: Semaphore::new(1),
            writing: Arc::new(Semaphore::new(MOST_WRITING)),
            phases: Phases::default(),
        }
    }

    /// Whether models answer, and go on doing so.
    pub(crate) fn is_ready(&self) -> bool {
        self.phases.now() == Phase::Serving
    }
}

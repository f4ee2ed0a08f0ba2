//! What a user can set of a group.

use std::str::FromStr;
use std::time::Duration;

use crate::GroupError;

/// What carries the values of one rank to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Engine {
    /// Shared memory where all ranks are on one host, else TCP.
    #[default]
    Auto,
    /// Encrypted connections between all ranks.
    Tcp,
    /// Memory that all ranks share, which must be on one host.
    SharedMemory,
    /// MPI, by which the processes must have been started; it needs the feature `mpi`.
    Mpi,
}

impl Engine {
    /// Its name, as `FromStr` reads it.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Auto => "auto",
            Engine::Tcp => "tcp",
            Engine::SharedMemory => "shared-memory",
            Engine::Mpi => "mpi",
        }
    }

    const ALL: [Self; 4] = [Engine::Auto, Engine::Tcp, Engine::SharedMemory, Engine::Mpi];

    pub(crate) fn code(self) -> u8 {
        self as u8
    }

    pub(crate) fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.code() == code)
    }
}

impl FromStr for Engine {
    type Err = GroupError;

    fn from_str(name: &str) -> Result<Self, GroupError> {
        let engine = Self::ALL.into_iter().find(|engine| engine.name() == name);
        engine.ok_or_else(|| GroupError::UnknownEngine { found: name.into() })
    }
}

/// How ranks find each other, and when they give each other up.
///
/// ```
/// use std::time::Duration;
/// use fireclay_distribute::{Engine, Options};
///
/// let options = Options { engine: Engine::Tcp, patience: Duration::from_secs(5), ..Options::default() };
/// assert_eq!("shared-memory".parse::<Engine>()?, Engine::SharedMemory);
/// # assert_eq!(options.start_limit.as_secs(), 300);
/// # Ok::<(), fireclay_distribute::GroupError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    /// What carries values.
    pub engine: Engine,
    /// How long ranks wait for each other at the start; 5 minutes by default.
    pub start_limit: Duration,
    /// A rank of which nothing is heard for so long is lost; 15 seconds by default. Each says that it lives every 2 seconds, or 4
    /// times in this time where that is more often.
    pub patience: Duration,
    /// A rank that lives but does not come to a call for so long is lost as well, or for 5 times the longest time that this rank
    /// had between two calls, whichever is longer; 5 minutes by default, as one rank alone may write a checkpoint or a report meanwhile.
    pub call_limit: Duration,
    /// The same until the first [`sum`](crate::Group::sum) is done, since ranks read their data before; an hour by default.
    pub first_sum_limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            engine: Engine::Auto,
            start_limit: Duration::from_secs(300),
            patience: Duration::from_secs(15),
            call_limit: Duration::from_secs(300),
            first_sum_limit: Duration::from_secs(3600),
        }
    }
}

impl Options {
    /// How often a rank says that it lives.
    pub(crate) fn heartbeat(&self) -> Duration {
        Duration::from_secs(2).min(self.patience / 4)
    }
}

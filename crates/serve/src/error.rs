//! What can go wrong before requests are answered.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use fireclay_store::StoreError;
use fireclay_train::TrainError;

/// Why models cannot be served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// A name that a path of the protocols cannot have.
    #[error(
        "{name:?} cannot be the name of a model: expected 1 to 100 letters, digits, '-', '_' and '.', not a '.' first; give one as \
         NAME=FILE"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Two models have one name.
    #[error("two models are called {name:?}; give one of them another name as NAME=FILE")]
    SameName {
        /// Their name.
        name: String,
    },
    /// Requests that wait for others until it is too late.
    #[error(
        "the first request of a batch waits {} ms for others, and is refused after {} ms; give a --max-delay that is shorter than --deadline",
        max_delay.as_millis(), deadline.as_millis()
    )]
    Delay {
        /// How long it waits for others.
        max_delay: Duration,
        /// How long it may wait.
        deadline: Duration,
    },
    /// A folder that holds no versions.
    #[error("{path}: expected folders of versions, 1, 2, ..., each with a model file (.fireclay) in it; found none", path = path.display())]
    NoVersions {
        /// The folder.
        path: PathBuf,
    },
    /// The folder of a version with no model file, or several.
    #[error("{path}: expected one model file (.fireclay), found {found}", path = path.display())]
    ModelFiles {
        /// The folder.
        path: PathBuf,
        /// How many there are.
        found: usize,
    },
    /// A folder that cannot be read.
    #[error("cannot read the folder {path}", path = path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A model file that cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A model that cannot be loaded, or did not answer when it was tried.
    #[error("{path}: the model cannot be served", path = path.display())]
    Model {
        /// Its file.
        path: PathBuf,
        /// What went wrong.
        #[source]
        source: Box<TrainError>,
    },
    /// A model that answers with something that is not served.
    #[error("{path}: {what} is not served", path = path.display())]
    Kind {
        /// Its file.
        path: PathBuf,
        /// What it is.
        what: String,
    },
    /// A model that answers with numbers that are none.
    #[error("{path}: the model answers with {found}; expected finite numbers", path = path.display())]
    NotFinite {
        /// Its file.
        path: PathBuf,
        /// What it answers with.
        found: f32,
    },
    /// A model that does not answer as the file beside it says.
    #[error("{path}: {problem}", path = path.display())]
    Golden {
        /// The file with the request and its answer.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An address that cannot be had.
    #[error("cannot listen on {address}; another program may have it, and {flag} chooses another")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The flag of `fireclay serve` that says another.
        flag: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Threads, or a handler of signals, that the system does not give.
    #[error("the server cannot run")]
    System {
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

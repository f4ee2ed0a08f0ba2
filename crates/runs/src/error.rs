//! What can go wrong with a run's folder.

use std::io;
use std::path::{Path, PathBuf};

/// Why a run's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunsError {
    /// A file cannot be read or written.
    #[error("cannot {action} {path}")]
    File {
        /// `read`, `write`, `make`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// There is a run of that name.
    #[error("{path} is there already; choose another name, or remove it")]
    Exists {
        /// Its folder.
        path: PathBuf,
    },
    /// A name that is no name of a folder.
    #[error(
        "{name:?} cannot be the name of a run: letters, digits, '.', '-' and '_', not beginning with a dot"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A folder that holds no run.
    #[error("{path} is no folder of a run: it has no run.json")]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// A record that cannot be read.
    #[error("{path} cannot be read as the record of a run")]
    Record {
        /// The record.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// A log that is shorter than the checkpoint says.
    #[error(
        "{path} has {found} bytes, and the checkpoint knows of {expected}; it was changed since, so begin a new run"
    )]
    TooShort {
        /// The log.
        path: PathBuf,
        /// Bytes that the checkpoint knows of.
        expected: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// An event file for TensorBoard cannot be written.
    #[error(transparent)]
    TensorBoard(#[from] fireclay_tensorboard::TensorboardError),
    /// A page cannot be made.
    #[error(transparent)]
    Report(#[from] fireclay_report::ReportError),
}

impl RunsError {
    pub(crate) fn file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunsError {
        let path = path.to_path_buf();
        move |source| RunsError::File { action, path, source }
    }
}

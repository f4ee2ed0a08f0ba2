//! What can be wrong with one's own files.

use thiserror::Error;

use super::{DetectProblem, FolderProblem, NumpyProblem, TableProblem};

/// What can be wrong with one's own files: a folder, a table or NumPy's arrays.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FileProblem {
    /// A path that should hold data of some kind.
    #[error(transparent)]
    Detect(#[from] DetectProblem),
    /// A folder of images or texts.
    #[error(transparent)]
    Folder(#[from] FolderProblem),
    /// A CSV or TSV file.
    #[error(transparent)]
    Table(#[from] TableProblem),
    /// An `.npy` or `.npz` file.
    #[error(transparent)]
    Numpy(#[from] NumpyProblem),
}

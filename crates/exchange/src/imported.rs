//! What a reader of another tool's file gives.

use std::path::Path;

use fireclay_nn::{ModelSpec, NamedTensor, NnError, check_tensors};
use fireclay_store::{ModelCard, ModelFile};

use crate::ExchangeError;

/// A model that came from another tool.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Architecture and weights, which fit each other.
    pub model: ModelFile,
    /// What somebody should know of how it was taken over, a sentence each: a softmax left out at the end, a name that was
    /// changed, a rate that inference does not need.
    pub notes: Vec<String>,
}

impl Imported {
    /// Joins an architecture and weights from the file at `path`.
    ///
    /// # Errors
    /// [`ExchangeError::Model`] with every tensor that is missing, unexpected or of another shape, and for a value that is
    /// NaN or infinite.
    pub(crate) fn new(
        path: &Path,
        spec: ModelSpec,
        tensors: Vec<NamedTensor>,
    ) -> Result<Self, ExchangeError> {
        let wrong = |source: NnError| ExchangeError::Model { path: path.to_path_buf(), source };
        check_tensors(&spec, &tensors).map_err(wrong)?;
        Ok(Imported { model: ModelFile { card: ModelCard::new(spec), tensors }, notes: Vec::new() })
    }
}

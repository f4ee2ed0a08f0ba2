//! Checkpoints: everything that a training run needs to go on as if it had never stopped, in one file.

use std::path::Path;

use fireclay_nn::NamedTensor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::atomic::write_atomically;
use crate::container::{CHECKPOINT, Contents, Opened, StoredTensor, encode, read};

const OPTIMIZER: &str = "optimizer";

/// The parts of a checkpoint.
#[derive(Clone, Debug)]
pub struct CheckpointFile<P> {
    /// Where the run stands and how it was set up; any type that serde knows.
    pub progress: P,
    /// The weights.
    pub tensors: Vec<NamedTensor>,
    /// The optimiser's state, as Burn writes it.
    pub optimizer: Vec<u8>,
}

/// Saves a checkpoint. The file of an earlier checkpoint stays whole until the new one is.
///
/// # Errors
/// [`StoreError::Write`] if the file cannot be written.
pub fn save_checkpoint<P: Serialize>(
    path: impl AsRef<Path>,
    checkpoint: &CheckpointFile<P>,
) -> Result<(), StoreError> {
    let path = path.as_ref();
    let text = serde_json::to_string(&checkpoint.progress)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    let contents = Contents {
        kind: CHECKPOINT,
        text,
        tensors: StoredTensor::as_they_are(&checkpoint.tensors),
        bytes: &[(OPTIMIZER, &checkpoint.optimizer)],
    };
    write_atomically(path, &encode(path, &contents)?)
}

/// Loads a checkpoint.
///
/// # Errors
/// A [`StoreError`] that names the file.
pub fn load_checkpoint<P: DeserializeOwned>(path: impl AsRef<Path>) -> Result<CheckpointFile<P>, StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    let opened = Opened::new(path, &bytes)?;
    let progress = serde_json::from_str(opened.text(CHECKPOINT)?)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    let optimizer = opened.bytes(OPTIMIZER).unwrap_or_default().to_vec();
    Ok(CheckpointFile { progress, tensors: opened.tensors_beside_bytes()?, optimizer })
}

//! Models to files and back.

use std::path::Path;

use burn::tensor::Device;
use fireclay_nn::{Model, NamedTensor, NnError, check_tensors, check_weights, load_state, state};

use crate::StoreError;
use crate::atomic::write_atomically;
use crate::card::{FORMAT, ModelCard, SPARSE_FORMAT};
use crate::container::{Contents, MODEL, Opened, StoredTensor, encode, read, sha256};
use crate::safetensors_file::map_file;

/// What a model file holds, in host memory: nothing of it needs a device.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What the model is.
    pub card: ModelCard,
    /// Its weights and running statistics, under PyTorch's names and in its layouts.
    pub tensors: Vec<NamedTensor>,
}

impl ModelFile {
    /// Reads a model file.
    ///
    /// Everything is checked: the file's layout, the description, and that every tensor is there with the right shape and
    /// finite values.
    ///
    /// # Errors
    /// A [`StoreError`] that names the file; for weights of another architecture, [`StoreError::Model`] lists what is
    /// missing, what is unexpected and what has another shape; [`StoreError::Checksum`] if the weights were changed.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        ModelFile::of_bytes(path, &read(path)?)
    }

    /// Reads the bytes of the file at `path`.
    pub(crate) fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self, StoreError> {
        let opened = Opened::new(path, bytes)?;
        let card = ModelCard::read(path, opened.text(MODEL)?)?;
        let opened = opened.with_sparse(card.format >= SPARSE_FORMAT);
        let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
        check_weights(&card.spec, &opened.shapes()?).map_err(wrong)?;
        let tensors = opened.tensors()?;
        tensors.iter().try_for_each(NamedTensor::check_finite).map_err(wrong)?;
        if let Some(expected) = &card.weights_sha256 {
            opened.check_sha256(expected)?;
        }
        Ok(ModelFile { card, tensors })
    }

    /// Writes the file and returns its size in bytes. The same contents give the same bytes, in whatever order the tensors
    /// are. It has no signature, also where the card has one.
    ///
    /// # Errors
    /// [`StoreError::Write`] if the file cannot be written; [`StoreError::Model`] if the tensors are not those of the
    /// architecture, or if one holds NaN or infinity, which a model file never does.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<u64, StoreError> {
        write(path.as_ref(), &self.card, &self.tensors)
    }

    /// Builds the model on a device.
    ///
    /// # Errors
    /// As for [`fireclay_nn::ModelSpec::build`] and [`fireclay_nn::load_state`].
    pub fn build(self, device: &Device) -> Result<(Model, ModelCard), NnError> {
        let model = load_state(self.card.spec.build(device)?, self.tensors)?;
        Ok((model, self.card))
    }
}

/// Saves a model with its card and returns the size of the file in bytes.
///
/// The same weights and card give the same bytes. It has no signature, also where the card has one.
///
/// # Errors
/// [`StoreError::Write`] if the file cannot be written; [`StoreError::Model`] if a weight is NaN or infinite, which
/// a model file never holds.
pub fn save_model(path: impl AsRef<Path>, model: &Model, card: &ModelCard) -> Result<u64, StoreError> {
    write(path.as_ref(), card, &state(model))
}

fn write(path: &Path, card: &ModelCard, tensors: &[NamedTensor]) -> Result<u64, StoreError> {
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    card.check(path)?;
    check_tensors(&card.spec, tensors).map_err(wrong)?;
    let tensors = StoredTensor::of_model(tensors, card.spec.int8.is_some());
    let format = if tensors.iter().any(StoredTensor::is_sparse) { SPARSE_FORMAT } else { FORMAT };
    // A signature is of the file that it was made for.
    let card = ModelCard { format, weights_sha256: Some(sha256(&tensors)), signature: None, ..card.clone() };
    let text = serde_json::to_string(&card)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    let contents = Contents { kind: MODEL, text, tensors, bytes: &[] };
    let bytes = encode(path, &contents)?;
    write_atomically(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Loads a model onto a device. It needs no Rust code of the user's: the architecture is in the file.
///
/// Everything is checked before the first tensor is made, as by [`ModelFile::load`].
///
/// # Errors
/// As for [`ModelFile::load`].
pub fn load_model(path: impl AsRef<Path>, device: &Device) -> Result<(Model, ModelCard), StoreError> {
    let path = path.as_ref();
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    ModelFile::load(path)?.build(device).map_err(wrong)
}

/// Reads what a model file says about its model, without its weights.
///
/// # Errors
/// A [`StoreError`] that names the file.
pub fn load_card(path: impl AsRef<Path>) -> Result<ModelCard, StoreError> {
    let path = path.as_ref();
    let bytes = map_file(path)?;
    ModelCard::read(path, Opened::new(path, &bytes)?.text(MODEL)?)
}

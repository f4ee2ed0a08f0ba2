//! Models to files and back.

use std::path::Path;

use burn::tensor::Device;
use fireclay_nn::{Model, check_weights, load_state, state};

use crate::StoreError;
use crate::atomic::write_atomically;
use crate::card::ModelCard;
use crate::container::{Contents, MODEL, Opened, encode, read};

/// Saves a model with its card and returns the size of the file in bytes.
///
/// The same weights and card give the same bytes.
///
/// # Errors
/// [`StoreError::Write`] if the file cannot be written; [`StoreError::Model`] if a weight is NaN or infinite, which
/// a model file never holds.
pub fn save_model(path: impl AsRef<Path>, model: &Model, card: &ModelCard) -> Result<u64, StoreError> {
    let path = path.as_ref();
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    let tensors = state(model);
    tensors.iter().try_for_each(|tensor| tensor.check_finite()).map_err(wrong)?;
    let text = serde_json::to_string(card)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    let contents = Contents { kind: MODEL, text, tensors: &tensors, bytes: &[] };
    let bytes = encode(path, &contents)?;
    write_atomically(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Loads a model onto a device. It needs no Rust code of the user's: the architecture is in the file.
///
/// Everything is checked before the first tensor is made: the file's layout, the description, and that every tensor
/// is there with the right shape and finite values.
///
/// # Errors
/// A [`StoreError`] that names the file; for weights of another architecture, [`StoreError::Model`] lists what is
/// missing, what is unexpected and what has another shape.
pub fn load_model(path: impl AsRef<Path>, device: &Device) -> Result<(Model, ModelCard), StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    let opened = Opened::new(path, &bytes)?;
    let card = ModelCard::read(path, opened.text(MODEL)?)?;
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    check_weights(&card.spec, &opened.shapes()).map_err(wrong)?;
    let tensors = opened.tensors()?;
    tensors.iter().try_for_each(|tensor| tensor.check_finite()).map_err(wrong)?;
    let model = card.spec.build(device).and_then(|model| load_state(model, tensors)).map_err(wrong)?;
    Ok((model, card))
}

/// Reads what a model file says about its model, without building it.
///
/// # Errors
/// A [`StoreError`] that names the file.
pub fn load_card(path: impl AsRef<Path>) -> Result<ModelCard, StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    ModelCard::read(path, Opened::new(path, &bytes)?.text(MODEL)?)
}

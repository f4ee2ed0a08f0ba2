//! The weights of any network, without its architecture.

use std::path::Path;

use fireclay_nn::{Network, load_state, state};
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::atomic::write_atomically;
use crate::container::{Contents, Opened, StoredTensor, WEIGHTS, encode, read};

/// What a file of weights says about itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsCard {
    format: u64,
    fireclay_version: String,
}

/// Saves the weights of a network of one's own, for which there is no description, and returns the size of the file in
/// bytes. Running statistics are among them; the names are those of [`Network::tensor_name`].
///
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::Tensor;
/// use fireclay_nn::{AnyTensor, Device, Network, state};
/// use fireclay_store::{load_weights, save_weights};
///
/// #[derive(Module, Debug)]
/// struct Line {
///     slope: Linear,
/// }
///
/// impl Network for Line {
///     fn forward(&self, input: AnyTensor) -> Tensor<2> {
///         self.slope.forward(input.rows())
///     }
/// }
///
/// let device = Device::default();
/// let new = || Line { slope: LinearConfig::new(1, 1).init(&device) };
/// let line = new();
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("line.safetensors");
/// save_weights(&path, &line)?;
/// assert_eq!(state(&load_weights(&path, new())?), state(&line));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`StoreError::Write`] if the file cannot be written; [`StoreError::Model`] if a weight is NaN or infinite.
pub fn save_weights<N: Network>(path: impl AsRef<Path>, network: &N) -> Result<u64, StoreError> {
    let path = path.as_ref();
    let tensors = state(&network.valid());
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    tensors.iter().try_for_each(|tensor| tensor.check_finite()).map_err(wrong)?;
    let card = WeightsCard { format: 1, fireclay_version: env!("CARGO_PKG_VERSION").to_string() };
    let text = serde_json::to_string(&card)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    let tensors = StoredTensor::as_they_are(&tensors);
    let bytes = encode(path, &Contents { kind: WEIGHTS, text, tensors, bytes: &[] })?;
    write_atomically(path, &bytes)?;
    Ok(bytes.len() as u64)
}

/// Loads weights into a network of the same architecture, as [`save_weights`] wrote them.
///
/// # Errors
/// A [`StoreError`] that names the file; for weights of another architecture, [`StoreError::Model`] lists what is
/// missing, what is unexpected and what has another shape.
pub fn load_weights<N: Network>(path: impl AsRef<Path>, network: N) -> Result<N, StoreError> {
    let path = path.as_ref();
    let bytes = read(path)?;
    let opened = Opened::new(path, &bytes)?;
    let card: WeightsCard = serde_json::from_str(opened.text(WEIGHTS)?)
        .map_err(|source| StoreError::Card { path: path.to_path_buf(), source })?;
    if card.format > 1 {
        return Err(StoreError::Newer {
            path: path.to_path_buf(),
            found: card.format,
            version: card.fireclay_version.chars().take(40).collect(),
            newest: 1,
        });
    }
    let tensors = opened.tensors()?;
    let wrong = |source| StoreError::Model { path: path.to_path_buf(), source };
    tensors.iter().try_for_each(|tensor| tensor.check_finite()).map_err(wrong)?;
    load_state(network, tensors).map_err(wrong)
}

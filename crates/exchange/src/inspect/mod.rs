//! What is in a file of models, without reading its weights.

mod onnx;
mod others;
mod safetensors;

use std::path::Path;

use fireclay_store::ModelCard;
use serde::Serialize;

use crate::{ExchangeError, FileFormat};

/// What is in a file of models.
///
/// Only what says where things are is read, and none of the weights; so a file of 500 MB takes no longer than a small one. Models of
/// Keras and the PyTorch files of before version 1.6 are read whole.
///
/// ```
/// use fireclay_exchange::{FileFormat, Inspection};
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_store::{ModelCard, save_model};
///
/// let path = std::env::temp_dir().join(format!("inspected-{}.fireclay", std::process::id()));
/// let model = ModelSpec::new([4]).dense(3).build(&Device::default())?;
/// save_model(&path, &model, &ModelCard::new(model.spec().clone()))?;
/// let inspection = Inspection::of(&path)?;
/// assert_eq!(inspection.format, FileFormat::Fireclay);
/// assert_eq!(inspection.parameters(), 4 * 3 + 3);
/// assert_eq!(inspection.tensors[0].shape, [3]);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Inspection {
    /// What kind of file it is.
    pub format: FileFormat,
    /// Its size in bytes; of a folder that of its weights.
    pub bytes: u64,
    /// What the file says of itself, such as who wrote it: a name and a text.
    pub facts: Vec<(String, String)>,
    /// For our own models, the card.
    pub card: Option<Box<ModelCard>>,
    /// What the network consists of, where the file says so, in its tool's words: kinds of layers or nodes, and how many.
    pub layers: Vec<(String, usize)>,
    /// What tensors are in it, by name.
    pub tensors: Vec<TensorEntry>,
}

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TensorEntry {
    /// `conv2d_1.weight`
    pub name: String,
    /// Sizes as the file has them.
    pub shape: Vec<u64>,
    /// In what its numbers are written: `f32`, `bf16`, `i64`, ...
    pub dtype: String,
    /// Its smallest and largest number, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<ValueRange>,
}

/// From where to where numbers go.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ValueRange {
    /// The smallest; 0 where there are none that are finite.
    pub min: f64,
    /// The largest; likewise.
    pub max: f64,
    /// How many are NaN or infinite.
    pub not_finite: u64,
}

impl ValueRange {
    /// That of some numbers.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut range = ValueRange { min: f64::INFINITY, max: f64::NEG_INFINITY, not_finite: 0 };
        for value in values {
            match value.is_finite() {
                true => (range.min, range.max) = (range.min.min(value), range.max.max(value)),
                false => range.not_finite += 1,
            }
        }
        match range.min <= range.max {
            true => range,
            false => ValueRange { min: 0.0, max: 0.0, ..range },
        }
    }
}

impl Inspection {
    /// Looks into a file or a folder.
    ///
    /// # Errors
    /// [`ExchangeError::UnknownFormat`] for anything that is no model; otherwise as for the reader of its format.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, ExchangeError> {
        inspect(path.as_ref(), false)
    }

    /// Also says from where to where the numbers of each tensor go, for which all of them are read.
    ///
    /// # Errors
    /// As for [`of`](Self::of).
    pub fn with_ranges(path: impl AsRef<Path>) -> Result<Self, ExchangeError> {
        inspect(path.as_ref(), true)
    }

    /// How many numbers all tensors hold together.
    pub fn parameters(&self) -> u64 {
        let values =
            |tensor: &TensorEntry| tensor.shape.iter().fold(1u64, |all, size| all.saturating_mul(*size));
        self.tensors.iter().fold(0, |all, tensor| all.saturating_add(values(tensor)))
    }
}

fn inspect(path: &Path, ranges: bool) -> Result<Inspection, ExchangeError> {
    match FileFormat::of(path)? {
        FileFormat::Fireclay | FileFormat::Checkpoint | FileFormat::Safetensors => {
            safetensors::inspect(path, ranges)
        }
        FileFormat::Onnx => onnx::inspect(path),
        FileFormat::PyTorch => others::pytorch(path, ranges),
        FileFormat::HuggingFace => others::hugging_face(path, ranges),
        format @ (FileFormat::Keras | FileFormat::Hdf5) => others::whole_keras(path, format, ranges),
    }
}

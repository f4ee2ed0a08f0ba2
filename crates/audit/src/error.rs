//! Why a model cannot be audited.

use fireclay_data::DataError;
use fireclay_nn::NnError;
use fireclay_train::{Task, TrainError};

/// What can go wrong when a model is audited.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The model predicts no class of a sample.
    #[error("the model is for {found}; expected one that gives each sample one of several classes")]
    NoClasses {
        /// What it is for.
        found: Task,
    },
    /// An option outside its range.
    #[error("{option} is {found}; expected {expected}")]
    Option {
        /// `shadows`, `samples`, `strength` or `group`, as flags spell them.
        option: &'static str,
        /// The value as given.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// Counts that do not go together.
    #[error("{what}: found {found}, expected {expected}")]
    Counts {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// Samples that are no pictures of bytes.
    #[error("samples are {found}; expected pictures of bytes, in one or three channels")]
    NoPictures {
        /// What they are.
        found: String,
    },
    /// A picture cannot be written or read as JPEG.
    #[error("a picture cannot be compressed: {0}")]
    Jpeg(#[from] image::ImageError),
    /// The last layer is not one whose outputs can be scaled.
    #[error(
        "the last layer is '{layer}', whose outputs cannot be scaled; expected a dense layer that gives logits, in f32"
    )]
    NoLogits {
        /// The last layer's kind.
        layer: String,
    },
    /// The model cannot be built.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// Samples cannot be picked.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model cannot be asked.
    #[error(transparent)]
    Train(#[from] TrainError),
}

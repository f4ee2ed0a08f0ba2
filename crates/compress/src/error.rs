//! Why a model cannot be made smaller.

use fireclay_data::DataError;
use fireclay_nn::NnError;
use fireclay_train::TrainError;

/// What can go wrong when a model is made smaller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The model computes in 8-bit whole numbers already.
    #[error("the model computes in 8-bit whole numbers already; begin with the one that it was made of")]
    AlreadyInt8,
    /// There is nothing to measure ranges of.
    #[error(
        "there are no training samples, of which the ranges of the layers' outputs are measured; expected 1 or more"
    )]
    NoSamples,
    /// An option outside its range.
    #[error("{option} is {found}; expected {expected}")]
    Option {
        /// `samples`, `percentile` or `most-lost`, as flags spell them.
        option: &'static str,
        /// The value as given.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The model cannot be built, or not be filled with its weights.
    #[error(transparent)]
    Nn(#[from] NnError),
    /// Samples cannot be picked.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model cannot be asked.
    #[error(transparent)]
    Train(#[from] TrainError),
}

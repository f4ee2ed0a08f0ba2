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
    /// A weight is beyond the numbers of bf16.
    #[error("a weight of {tensor} is {found:e}; expected at most 3.39e38, the greatest number of bf16")]
    BeyondBf16 {
        /// The tensor.
        tensor: String,
        /// The weight.
        found: f32,
    },
    /// There is nothing to measure ranges of.
    #[error(
        "there are no training samples, of which the ranges of the layers' outputs are measured; expected 1 or more"
    )]
    NoSamples,
    /// Samples or a network that nothing can be taught by.
    #[error("found {found}; expected samples of classes, and a teacher that gives a logit for each class")]
    NoTeacher {
        /// What there is.
        found: String,
    },
    /// Not enough channels can be taken out.
    #[error(
        "channels can be taken out for at most {:.0} % of the FLOPs, found {:.0} % asked for: layers are left with a \
         multiple of {multiple} channels each, and those that are tied to the input, the outputs, or a layer such as attention \
         stay",
        100.0 * most, 100.0 * asked
    )]
    TooFewChannels {
        /// The share that was asked for.
        asked: f64,
        /// The greatest share.
        most: f64,
        /// What the channels left are a multiple of.
        multiple: usize,
    },
    /// No layer would be narrower.
    #[error(
        "no layer would have fewer channels: each is left with a multiple of {multiple}, and those that are tied to the input, the \
         outputs, or a layer such as attention stay"
    )]
    NothingToNarrow {
        /// What the channels left are a multiple of.
        multiple: usize,
    },
    /// Channels are to be chosen by what no layer has.
    #[error("no layer whose channels could be taken out has batch norm with scales to choose them by")]
    NoBatchNorm,
    /// An option outside its range.
    #[error("{option} is {found}; expected {expected}")]
    Option {
        /// `samples`, `percentile`, `most-lost`, `prune`, `sparsity`, `narrow` or `multiple-of`, as flags spell them.
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

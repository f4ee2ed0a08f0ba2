//! What can go wrong while holding, splitting, normalising or augmenting samples.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::augmentation_problem::AugmentationProblem;

/// What can go wrong while holding, splitting, normalising or augmenting samples.
///
/// Every message names the file or the value, what was expected, what was found, and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    // Values handed over by the caller.
    /// A sample shape with a dimension of 0, or whose product overflows.
    #[error("samples of shape {shape:?} hold no values or are too large; every dimension must be at least 1")]
    SampleShape {
        /// The shape given.
        shape: Vec<usize>,
    },
    /// Features and targets do not describe the same number of samples.
    #[error(
        "{targets} targets for samples of shape {shape:?}: expected {} values, found {values}; pass one target per sample",
        targets.saturating_mul(*sample_len)
    )]
    Lengths {
        /// The shape of one sample.
        shape: Vec<usize>,
        /// Its number of values.
        sample_len: usize,
        /// How many targets there are.
        targets: usize,
        /// How many feature values there are.
        values: usize,
    },
    /// A shard that does not hold whole samples.
    #[error(
        "shard {} holds {bytes} bytes, expected a multiple of the {sample_bytes} of a sample; cut shards between samples",
        shard + 1
    )]
    Shard {
        /// Which one, counted from 0.
        shard: usize,
        /// Its length.
        bytes: usize,
        /// Bytes of a sample.
        sample_bytes: usize,
    },
    /// Target values that are not a whole number of targets.
    #[error(
        "{values} target values of width {width}; the width must be at least 1 and divide the number of values"
    )]
    TargetWidth {
        /// Values per sample.
        width: usize,
        /// How many values there are.
        values: usize,
    },
    /// A value of a label that is neither 0 nor 1.
    #[error(
        "sample {index} has {value} for a label; expected 1 where it has the label and 0 where it has not"
    )]
    LabelValue {
        /// Which sample.
        index: usize,
        /// The value.
        value: f32,
    },
    /// Folds that cannot be made.
    #[error("{k} folds of {samples} samples; expected 2 or more, and no more than there are samples")]
    Folds {
        /// How many folds.
        k: usize,
        /// How many samples there are.
        samples: usize,
    },
    /// Sources that are to be one, of different lengths.
    #[error(
        "input '{name}' has {found} samples and '{first}' has {expected}; every input needs one for each sample"
    )]
    InputLengths {
        /// The first input.
        first: String,
        /// Its samples.
        expected: usize,
        /// The input that differs.
        name: String,
        /// Its samples.
        found: usize,
    },
    /// Two inputs of one name.
    #[error("two inputs are called '{name}'; give each a name of its own")]
    InputName {
        /// The name.
        name: String,
    },
    /// Weights of samples that cannot be.
    #[error(
        "sample {index} has weight {weight}; expected a finite number that is 0 or more, and a weight for each of {samples} samples ({weights} given)"
    )]
    SampleWeight {
        /// The first sample whose weight is wrong, or that has none.
        index: usize,
        /// Its weight, NaN if it has none.
        weight: f32,
        /// How many samples there are.
        samples: usize,
        /// How many weights were given.
        weights: usize,
    },
    /// A source of the user's own failed.
    #[error("the source cannot give its samples: {0}")]
    Source(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A label without a class.
    #[error(
        "sample {index} has label {label}, but there are {classes} classes, so labels go below {classes}; name every class or correct the label"
    )]
    Label {
        /// Which sample.
        index: usize,
        /// Its label.
        label: u32,
        /// How many classes are named.
        classes: usize,
    },
    /// A feature or target that is NaN or infinite.
    #[error(
        "{what} of sample {index} is {value}; only finite numbers can be trained on, drop or repair the sample"
    )]
    NotFinite {
        /// `"feature"` or `"target"`.
        what: &'static str,
        /// Which sample.
        index: usize,
        /// The value found.
        value: f32,
    },
    /// A token that is not in the vocabulary.
    #[error(
        "sample {index} holds the token {token}, but the vocabulary has {vocabulary_size}, so tokens go below {vocabulary_size}; give rare words a token of their own, or name a larger vocabulary"
    )]
    Token {
        /// Which sample.
        index: usize,
        /// The token.
        token: u32,
        /// How many tokens there are.
        vocabulary_size: usize,
    },
    /// A vocabulary for features that are not tokens, or of a size that cannot be.
    #[error("a vocabulary of {vocabulary_size} tokens does not fit: {reason}")]
    Vocabulary {
        /// The size given.
        vocabulary_size: usize,
        /// What is wrong with it and what would be right.
        reason: &'static str,
    },
    /// An augmentation of features that are not the bytes of images.
    #[error(
        "only images of bytes can be augmented; read them from files of images, or leave the augmentation out"
    )]
    NotBytes,
    /// Tokens as the targets of an autoencoder, or targets to be standardised that are no numbers.
    #[error("only numbers can be targets in this way; tokens and classes cannot")]
    NotNumbers,
    /// Mixup of samples that cannot be mixed.
    #[error("only numbers whose targets are classes can be mixed with one another; leave mixup out")]
    NotMixable,
    /// A normalization that cannot be applied.
    #[error("the normalization does not fit: {reason}")]
    Normalization {
        /// What is wrong with it and what would be right.
        reason: String,
    },
    /// An augmentation that makes no sense, or not for these images.
    #[error("the augmentation does not fit: {problem}")]
    Augmentation {
        /// What is wrong with it and what would be right.
        problem: AugmentationProblem,
    },
    /// More samples than can be indexed.
    #[error("{samples} samples are more than the {} a dataset can hold; use several datasets", u32::MAX)]
    TooManySamples {
        /// How many there are.
        samples: usize,
    },
    /// A validation fraction that leaves one part empty or makes no sense.
    #[error(
        "a validation fraction of {fraction} cannot be split off; it must be above 0 and below 1, for example 0.1"
    )]
    Fraction {
        /// The fraction given.
        fraction: f64,
    },
    /// Too few samples for two parts.
    #[error(
        "{samples} sample(s) cannot be split into a training and a validation part; at least one class needs 2"
    )]
    TooFewToSplit {
        /// How many samples there are.
        samples: usize,
    },
    /// Two data sets that cannot be one.
    #[error("two data sets cannot be put together: they differ in {what}")]
    Concat {
        /// In what they differ.
        what: &'static str,
    },
    /// An index beyond the last sample.
    #[error("index {index} is beyond the {samples} samples of the dataset; indices go below {samples}")]
    Index {
        /// The index given.
        index: usize,
        /// How many samples there are.
        samples: usize,
    },

    // Tokens of unlike length.
    /// A length to which no sample can be brought.
    #[error("a padded length of {length} tokens; expected 1 to {limit}")]
    PaddedLength {
        /// The length given.
        length: usize,
        /// The largest possible.
        limit: usize,
    },
    /// More tokens than can be held.
    #[error("{samples} samples of {length} tokens are more than {limit} tokens; choose a shorter length")]
    PaddedTokens {
        /// How many samples.
        samples: usize,
        /// Tokens of each.
        length: usize,
        /// The most that can be.
        limit: usize,
    },
    /// Texts that are too short to predict a token from those before it.
    #[error(
        "the texts have {tokens} tokens together; windows of {steps} steps need {} or more, so give more texts or fewer steps",
        steps.saturating_add(1)
    )]
    StreamTooShort {
        /// Tokens of all texts.
        tokens: usize,
        /// Tokens of a window.
        steps: usize,
    },

    // Files.
    /// A file or folder could not be read.
    #[error("cannot read {path}; check that it exists and may be read")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that ends too early.
    #[error(
        "{path}: expected at least {expected} bytes, found {found} bytes; replace the file with a whole copy"
    )]
    CutShort {
        /// The file.
        path: PathBuf,
        /// Bytes that should be there.
        expected: u64,
        /// Bytes there are.
        found: u64,
    },
}

//! What a data set consists of, in numbers.

use fireclay_data::{ClassCount, Duplicates};
use serde::Serialize;

/// What a data set consists of; its [`Display`](std::fmt::Display) is a page of tables fit for 80 columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataReport {
    /// The training split.
    pub train: SplitReport,
    /// The test split; it may be empty.
    pub test: SplitReport,
    /// Samples that occur more than once; texts are compared without white space around them.
    pub duplicates: Duplicates,
}

/// What one split consists of.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitReport {
    /// The set's name.
    pub name: String,
    /// Which part of it.
    pub split: String,
    /// Where it came from, a sentence for people.
    pub source: String,
    /// How many samples there are.
    pub samples: usize,
    /// What is to be predicted.
    pub targets: TargetReport,
    /// What it is to be predicted from.
    pub features: FeatureReport,
}

/// The targets of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TargetReport {
    /// One class for each sample.
    Classes {
        /// Every class, in the order of its label.
        classes: Vec<ClassCount>,
        /// The class with most samples, the first of equals; `None` without samples.
        most_frequent: Option<ClassCount>,
        /// The class with fewest samples, perhaps none, the first of equals; `None` without samples.
        least_frequent: Option<ClassCount>,
    },
    /// Numbers for each sample.
    Values {
        /// One for each number of a target; empty without samples.
        values: Vec<NumberStats>,
    },
}

/// The features of a split.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeatureReport {
    /// Bytes, such as images.
    Bytes {
        /// The shape of one sample, `[channels, height, width]` for images.
        shape: Vec<usize>,
        /// One for each channel (the first dimension); empty without samples.
        channels: Vec<ByteStats>,
    },
    /// Numbers, such as a table.
    Numbers {
        /// The shape of one sample.
        shape: Vec<usize>,
        /// One for each feature (each entry of the first dimension), as stored; empty without samples.
        features: Vec<NumberStats>,
    },
    /// Numbers that stand for words.
    Tokens {
        /// Tokens of one sample.
        sequence_len: usize,
        /// How many different tokens there may be.
        vocabulary_size: usize,
        /// How many different tokens there are.
        distinct_tokens: usize,
    },
    /// Texts as they were read.
    Texts {
        /// Characters (Unicode scalar values) in a text; `None` without texts.
        characters: Option<LengthStats>,
        /// Words, which white space separates, in a text; `None` without texts.
        words: Option<LengthStats>,
        /// Texts of nothing but white space.
        empty: usize,
        /// Different words, told apart by case and punctuation.
        distinct_words: usize,
    },
}

/// A channel of bytes, each counting as `byte / 255`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ByteStats {
    /// The mean, in `[0, 1]`.
    pub mean: f64,
    /// The standard deviation of the population, in `[0, 0.5]`.
    pub std: f64,
}

/// A feature or target that is a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NumberStats {
    /// The smallest.
    pub min: f32,
    /// The largest.
    pub max: f32,
    /// The mean.
    pub mean: f64,
    /// The standard deviation of the population.
    pub std: f64,
}

/// How long texts are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct LengthStats {
    /// The shortest.
    pub min: usize,
    /// Half are at most as long; between the two middle ones when there is no middle.
    pub median: f64,
    /// The mean.
    pub mean: f64,
    /// The smallest length that at least 95 of 100 do not exceed.
    pub p95: usize,
    /// The longest.
    pub max: usize,
}

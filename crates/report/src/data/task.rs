//! What was predicted for the test samples, by the kind of task.

use serde::{Deserialize, Serialize};

use super::not_finite;

/// The task, with the predictions for the test samples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One class of several.
    Classification(Classification),
    /// Any number of labels.
    MultiLabel(MultiLabel),
    /// One number or several.
    Regression(Regression),
    /// The next token.
    Language(Language),
}

/// One class of several for each sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Classification {
    /// The classes' names.
    pub classes: Vec<String>,
    /// The class of each sample, as a place in `classes`.
    pub truth: Vec<usize>,
    /// The class that was predicted for each sample.
    pub predicted: Vec<usize>,
    /// Scores of all classes for each sample, sample by sample; of two classes also those of the second alone.
    pub scores: Option<Scores>,
    /// Of two classes, the probability from which on the second is predicted, where it was chosen.
    pub threshold: Option<f64>,
}

/// What a network gives, sample by sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Numbers from 0 to 1.
    Probabilities(#[serde(deserialize_with = "not_finite::scores")] Vec<f32>),
    /// Numbers before softmax or, for labels and for the second of two classes alone, before the logistic function.
    Logits(#[serde(deserialize_with = "not_finite::scores")] Vec<f32>),
}

/// Any number of labels for each sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MultiLabel {
    /// The labels' names.
    pub labels: Vec<String>,
    /// Whether each sample has each label, sample by sample.
    pub truth: Vec<bool>,
    /// Whether each label was predicted.
    pub predicted: Vec<bool>,
    /// Scores of all labels.
    pub scores: Option<Scores>,
}

/// Numbers for each sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Regression {
    /// The numbers that are predicted.
    pub targets: Vec<RegressionTarget>,
}

/// A number that is predicted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RegressionTarget {
    /// Its name.
    pub name: String,
    /// Its unit.
    pub unit: Option<String>,
    /// The truth for each sample.
    #[serde(deserialize_with = "not_finite::list")]
    pub truth: Vec<f64>,
    /// What was predicted.
    #[serde(deserialize_with = "not_finite::list")]
    pub predicted: Vec<f64>,
    /// Intervals of the predictions.
    pub intervals: Option<Intervals>,
}

/// Intervals that shall hold the truth for some share of the samples.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Intervals {
    /// That share, such as 0.9.
    pub level: f64,
    /// The lower end for each sample.
    #[serde(deserialize_with = "not_finite::list")]
    pub lower: Vec<f64>,
    /// The upper end for each sample.
    #[serde(deserialize_with = "not_finite::list")]
    pub upper: Vec<f64>,
    /// Where the intervals of a part of the samples were made from the other parts, so that no sample has a part in its own: how many
    /// parts there are. `None` where all were made from other samples than these.
    pub folds: Option<usize>,
}

/// The next token of a text. `loss` and `val_loss` of the epochs are the mean cross-entropy of a token in nats.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Language {
    /// What a token is, such as `character` or `token`.
    pub token: String,
    /// The number of different tokens.
    pub vocabulary: Option<usize>,
    /// The mean cross-entropy of a test token in nats.
    pub loss: Option<f64>,
    /// The number of test tokens.
    pub tokens: Option<u64>,
    /// Texts that the network wrote.
    pub generated: Vec<Generated>,
}

/// A text that a network wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Generated {
    /// What it was given to begin with.
    pub prompt: String,
    /// What it wrote behind that.
    pub text: String,
    /// The temperature with which it drew.
    pub temperature: Option<f64>,
    /// Further settings with which it drew, in words, such as `top-p 0.95, seed 0`.
    pub sampling: Option<String>,
}

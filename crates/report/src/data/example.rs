//! Single samples that a page shows: mistakes, and what augmentation makes of a picture.

use serde::{Deserialize, Serialize};

use super::{Attributed, Picture};

/// A sample with its truth and what was predicted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Example {
    /// What tells it from others, such as a file's name or `row 17`.
    pub name: Option<String>,
    /// The sample.
    pub content: Content,
    /// The sample with how much each of its parts spoke for what was predicted.
    pub attributed: Option<Attributed>,
    /// The truth: a class, several labels or a number.
    pub truth: String,
    /// What was predicted.
    pub predicted: String,
    /// The probability that the network gave its answer.
    pub probability: Option<f64>,
}

/// What a sample is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Nothing that can be shown.
    #[default]
    Nothing,
    /// A picture.
    Picture(Picture),
    /// A text.
    Text(String),
    /// Columns of a table with their values.
    Row(Vec<(String, String)>),
}

/// A training picture, and what augmentation made of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Augmented {
    /// What it shows.
    pub label: Option<String>,
    /// The picture as it is.
    pub before: Picture,
    /// The picture as the network saw it, once or several times.
    pub after: Vec<Picture>,
}

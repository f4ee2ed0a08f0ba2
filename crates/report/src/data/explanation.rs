//! What decided: answers of a model, and how much each part of a sample had part in them.

use serde::{Deserialize, Serialize};

use super::Attributed;

/// Explanations of some answers: everything that their page says. All fields have a default.
///
/// ```
/// use fireclay_report::{Attributed, Explanation, ExplanationReport};
///
/// let words = [("not", -1.5), ("bad", 2.25)].map(|(word, value)| (word.to_owned(), value));
/// let explanation = Explanation {
///     name: "a review".into(),
///     answer: "positive, 92.1 %".into(),
///     attributed: Attributed::Words(words.to_vec()),
///     ..Explanation::default()
/// };
/// let report = ExplanationReport { explanations: vec![explanation], ..ExplanationReport::default() };
/// let page = report.to_html()?;
/// assert!(page.contains("a review") && page.contains("bad"));
/// # Ok::<(), fireclay_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExplanationReport {
    /// The program and its version, such as `fireclay 0.1.0`.
    pub program: String,
    /// The page's title.
    pub title: String,
    /// Which model was asked, and how it is explained, as whole sentences.
    pub summary: String,
    /// The method, such as `integrated gradients`.
    pub method: String,
    /// What the method finds, as whole sentences for people who have not heard of it.
    pub meaning: String,
    /// What the colour of large attributions stands for, as the end of a sentence; that it speaks for the answer if this is empty.
    pub colour: String,
    /// The explanations, in order.
    pub explanations: Vec<Explanation>,
    /// What became of them where layers had weights by chance, in the order in which they got them.
    pub randomized: Vec<RandomizedLayer>,
    /// Of how many samples.
    pub randomized_samples: usize,
    /// Sentences to be warned by.
    pub notes: Vec<String>,
}

/// An answer and what decided it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Explanation {
    /// What tells the sample from others, such as a file's name or `row 17`.
    pub name: String,
    /// What the model answers.
    pub answer: String,
    /// What is explained: a class, the difference of two, or a number.
    pub explained: String,
    /// What the attributions add up to, and what they lack of it, as a sentence.
    pub sum: String,
    /// The sample with its attributions.
    pub attributed: Attributed,
}

/// How much explanations had in common with those of the trained model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RandomizedLayer {
    /// The layer that got weights by chance, as did all behind it.
    pub layer: String,
    /// Spearman's correlation, the mean over the samples; `None` if it is not defined.
    pub correlation: Option<f64>,
}

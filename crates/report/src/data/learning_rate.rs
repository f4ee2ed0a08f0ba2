//! A learning rate range test: the losses of steps whose learning rate grows.

use serde::{Deserialize, Serialize};

use super::{Environment, SettingGroup};

/// A learning rate range test: everything that its page says. All fields have a default.
///
/// ```
/// use fireclay_report::{LearningRateReport, LearningRateStep};
///
/// let step = |learning_rate, loss| LearningRateStep { learning_rate, loss, smoothed_loss: loss };
/// let report = LearningRateReport {
///     title: "A first sweep".into(),
///     steps: vec![step(1e-4, 2.3), step(1e-3, 2.0), step(1e-2, 0.7), step(1e-1, 3.1)],
///     suggestion: Some(1e-3),
///     ..LearningRateReport::default()
/// };
/// let page = report.to_html()?;
/// assert!(page.contains("A first sweep") && page.contains("suggested"));
/// # Ok::<(), fireclay_report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningRateReport {
    /// The program and its version, such as `fireclay 0.1.0`.
    pub program: String,
    /// The page's title.
    pub title: String,
    /// What was trained and on what, as whole sentences.
    pub summary: String,
    /// The steps, in the order of their learning rates.
    pub steps: Vec<LearningRateStep>,
    /// Why there are no further steps, as the end of the sentence `The sweep ended because …`.
    pub ended: Option<String>,
    /// The learning rate to train with.
    pub suggestion: Option<f64>,
    /// How it was chosen, as the end of a sentence, such as `where the smoothed loss falls most steeply`; or, if there is none, why
    /// not, as whole sentences.
    pub reason: String,
    /// What else can be said of it: rates that other rules choose, or the rate of the usual recipe, by a few words.
    pub others: Vec<(String, f64)>,
    /// Sentences to be warned by.
    pub notes: Vec<String>,
    /// The command that trains with the suggestion.
    pub command: Option<String>,
    /// The settings, in groups.
    pub settings: Vec<SettingGroup>,
    /// Where it took place.
    pub environment: Option<Environment>,
}

/// A step of a learning rate range test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LearningRateStep {
    /// Its learning rate, more than 0.
    pub learning_rate: f64,
    /// The loss of its batch; one that is not finite leaves a gap.
    #[serde(deserialize_with = "super::not_finite::number")]
    pub loss: f64,
    /// The mean of the losses up to it.
    #[serde(deserialize_with = "super::not_finite::number")]
    pub smoothed_loss: f64,
}

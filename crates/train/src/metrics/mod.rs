//! What is measured, over all samples at once: never the mean of the batches' values.

mod classification;
mod language;
mod regression;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use classification::{ClassScores, ClassificationReport, Scores, sigmoid, softmax};
pub use language::LanguageReport;
pub use regression::RegressionReport;

use crate::TrainError;
use crate::evaluate::Report;

/// A value measured on the validation samples after each epoch, by name.
///
/// ```
/// use fireclay_train::Metric;
/// assert_eq!("top_3_accuracy".parse::<Metric>()?, Metric::TopK(3));
/// assert_eq!(Metric::F1.to_string(), "f1");
/// # Ok::<(), fireclay_train::TrainError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
#[non_exhaustive]
pub enum Metric {
    /// Share of right predictions.
    Accuracy,
    /// Share of samples whose class is among the so many most probable.
    TopK(usize),
    /// Mean over the classes of: right among those predicted as the class.
    Precision,
    /// Mean over the classes of: found among those of the class.
    Recall,
    /// Mean over the classes of the harmonic mean of precision and recall.
    F1,
    /// Area under the receiver operating characteristic, each class against the rest, mean over the classes.
    RocAuc,
    /// Mean absolute error.
    Mae,
    /// Mean squared error.
    Mse,
    /// Coefficient of determination.
    R2,
    /// `exp` of the mean cross-entropy of a token.
    Perplexity,
}

/// What a network is trained for, as far as metrics care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Classification,
    Regression,
    NextTokens,
}

impl Kind {
    /// In a message.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Classification => "classification",
            Kind::Regression => "regression",
            Kind::NextTokens => "language models, perplexity or accuracy",
        }
    }
}

impl Metric {
    /// Whether it measures networks of a kind.
    pub(crate) fn is_for(self, kind: Kind) -> bool {
        match self {
            Metric::Accuracy => kind != Kind::Regression,
            Metric::Mae | Metric::Mse | Metric::R2 => kind == Kind::Regression,
            Metric::Perplexity => kind == Kind::NextTokens,
            _ => kind == Kind::Classification,
        }
    }

    /// The value in a report, if the report has it.
    pub(crate) fn of(self, report: &Report) -> Option<f64> {
        match (self, report) {
            (Metric::Accuracy, Report::Classification(report)) => Some(report.accuracy),
            (Metric::TopK(k), Report::Classification(report)) => report.top_k(k),
            (Metric::Precision, Report::Classification(report)) => Some(report.macro_average.precision),
            (Metric::Recall, Report::Classification(report)) => Some(report.macro_average.recall),
            (Metric::F1, Report::Classification(report)) => Some(report.macro_average.f1),
            (Metric::RocAuc, Report::Classification(report)) => report.roc_auc,
            (Metric::Accuracy, Report::Language(report)) => Some(report.accuracy),
            (Metric::Perplexity, Report::Language(report)) => Some(report.perplexity),
            (Metric::Mae, Report::Regression(report)) => Some(report.mae),
            (Metric::Mse, Report::Regression(report)) => Some(report.mse),
            (Metric::R2, Report::Regression(report)) => report.r2,
            _ => None,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Accuracy => f.write_str("accuracy"),
            Metric::TopK(k) => write!(f, "top_{k}_accuracy"),
            Metric::Precision => f.write_str("precision"),
            Metric::Recall => f.write_str("recall"),
            Metric::F1 => f.write_str("f1"),
            Metric::RocAuc => f.write_str("roc_auc"),
            Metric::Mae => f.write_str("mae"),
            Metric::Mse => f.write_str("mse"),
            Metric::R2 => f.write_str("r2"),
            Metric::Perplexity => f.write_str("perplexity"),
        }
    }
}

impl FromStr for Metric {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        let top_k = name
            .strip_prefix("top_")
            .and_then(|rest| rest.strip_suffix("_accuracy"))
            .and_then(|k| k.parse().ok())
            .filter(|k| *k > 0);
        Ok(match (name, top_k) {
            ("accuracy", _) => Metric::Accuracy,
            (_, Some(k)) => Metric::TopK(k),
            ("precision", _) => Metric::Precision,
            ("recall", _) => Metric::Recall,
            ("f1", _) => Metric::F1,
            ("roc_auc", _) => Metric::RocAuc,
            ("mae", _) => Metric::Mae,
            ("mse", _) => Metric::Mse,
            ("r2", _) => Metric::R2,
            ("perplexity", _) => Metric::Perplexity,
            _ => {
                return Err(TrainError::Setting {
                    setting: "metric",
                    found: format!("'{name}'"),
                    expected: "accuracy, top_3_accuracy, precision, recall, f1, roc_auc, perplexity, mae, mse or r2",
                });
            }
        })
    }
}

impl From<Metric> for String {
    fn from(metric: Metric) -> String {
        metric.to_string()
    }
}

impl TryFrom<String> for Metric {
    type Error = TrainError;

    fn try_from(name: String) -> Result<Self, TrainError> {
        name.parse()
    }
}

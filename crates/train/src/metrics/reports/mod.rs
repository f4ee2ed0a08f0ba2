//! Many measures of one task together, as `evaluate` shows them.

mod classification;
mod language;
mod multi_label;
mod regression;

pub use classification::{ClassScores, ClassificationReport, Scores};
pub use language::LanguageReport;
pub use multi_label::{LabelScores, MultiLabelReport};
pub use regression::RegressionReport;

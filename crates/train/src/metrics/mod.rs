//! What is measured, over all samples at once: never the mean of the batches' values.
//!
//! [`Predictions`] is what metrics read, [`Metric`] what they are, `built_in/` the ones that come with Fireclay, each in
//! its file and in the table of `built_in/mod.rs`. Reports put many measures of one task together.

mod any_metric;
mod bootstrap;
mod built_in;
mod calibration;
mod class_counts;
mod columns;
mod curves;
mod metric;
mod names;
mod predictions;
mod reports;
mod sums;
mod task;
mod threshold;

pub use any_metric::{Accumulator, AnyMetric, IntoMetrics};
pub use bootstrap::bootstrap_interval;
pub use built_in::*;
pub use calibration::CalibrationBins;
pub use class_counts::ClassCounts;
pub use metric::{Collected, Direction, FnMetric, Metric, metric_fn};
pub use predictions::{PredictionTargets, Predictions, TokenSums, argmax, sigmoid, softmax};
pub use reports::{
    ClassScores, ClassificationReport, LabelScores, LanguageReport, MultiLabelReport, RegressionReport,
    Scores,
};
pub use sums::{SquaredErrors, WeightedMean};
pub use task::Task;
pub use threshold::{BinaryCounts, ChosenThreshold, best_threshold, best_threshold_by_f1};

//! How far probabilities lie from shares of right answers at the worst.

use super::BuiltIn;
use crate::metrics::{CalibrationBins, Direction, Metric, Predictions, Task};

/// Maximum calibration error: the largest `|accuracy of bin - mean confidence of bin|` of those of 15 bins that have a
/// row ([Guo et al. 2017](https://arxiv.org/abs/1706.04599)); bins and confidences are those of
/// [`ExpectedCalibrationError`](crate::ExpectedCalibrationError). From 0 to 1, smaller is better. A bin with few rows is
/// as large as one with many. `mce` names it too.
///
/// ```
/// use fireclay_train::{AnyMetric, MaximumCalibrationError, PredictionTargets, Predictions, Task};
/// // Right with 0.8, and wrong with 0.6.
/// let targets = PredictionTargets::Classes(vec![1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![4f32.ln(), 1.5f32.ln()], targets);
/// let value = AnyMetric::from(MaximumCalibrationError).measure(&predictions);
/// assert!((value.unwrap() - 0.6).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MaximumCalibrationError;

impl BuiltIn for MaximumCalibrationError {
    const EXAMPLE: Self = MaximumCalibrationError;
    const ALIASES: &[&str] = &["mce"];
}

impl Metric for MaximumCalibrationError {
    type State = CalibrationBins;

    fn name(&self) -> String {
        "maximum_calibration_error".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut CalibrationBins, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut CalibrationBins, other: CalibrationBins) {
        state.merge(other);
    }

    fn value(&self, state: &CalibrationBins) -> Option<f64> {
        state.maximum()
    }
}

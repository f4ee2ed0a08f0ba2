//! How far probabilities lie from shares of right answers.

use super::BuiltIn;
use crate::metrics::{CalibrationBins, Direction, Metric, Predictions, Task};

/// Expected calibration error: `sum(rows in bin / rows * |accuracy of bin - mean confidence of bin|)` over 15 bins of
/// equal width ([Guo et al. 2017](https://arxiv.org/abs/1706.04599)). The confidence is the probability of the predicted
/// class, also where there are two classes, and a bin has its upper end and not its lower. From 0 to 1, smaller is
/// better; 0 means that of the answers with a probability of 0.8 eight in ten are right. `ece` names it too.
///
/// ```
/// use fireclay_train::{AnyMetric, ExpectedCalibrationError, PredictionTargets, Predictions, Task};
/// // Sure by 0.8 of both, and one is right.
/// let logit = 4f32.ln();
/// let targets = PredictionTargets::Classes(vec![1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![logit, logit], targets);
/// let value = AnyMetric::from(ExpectedCalibrationError).measure(&predictions);
/// assert!((value.unwrap() - 0.3).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpectedCalibrationError;

impl BuiltIn for ExpectedCalibrationError {
    const EXAMPLE: Self = ExpectedCalibrationError;
    const ALIASES: &[&str] = &["ece"];
}

impl Metric for ExpectedCalibrationError {
    type State = CalibrationBins;

    fn name(&self) -> String {
        "expected_calibration_error".into()
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
        state.expected()
    }
}

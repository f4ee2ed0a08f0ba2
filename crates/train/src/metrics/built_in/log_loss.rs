//! Cross-entropy without smoothing or class weights.

use super::BuiltIn;
use crate::metrics::predictions::cross_entropy;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Log loss: the mean of `-ln p` of the true class, computed from the logits, so that nothing is clipped. 0 or more,
/// smaller is better. It is the cross-entropy without label smoothing and class weights, whatever the loss of the
/// training.
///
/// ```
/// use fireclay_train::{AnyMetric, LogLoss, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![0.0, 0.0], targets);
/// let value = AnyMetric::from(LogLoss).measure(&predictions);
/// assert!((value.unwrap() - 2f64.ln()).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogLoss;

impl BuiltIn for LogLoss {
    const EXAMPLE: Self = LogLoss;
}

impl Metric for LogLoss {
    type State = WeightedMean;

    fn name(&self) -> String {
        "log_loss".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let class = batch.target_class(row);
            let loss = match batch.output_row(row) {
                [logit] => cross_entropy(&[0.0, *logit], class),
                logits => cross_entropy(logits, class),
            };
            state.add(loss, weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

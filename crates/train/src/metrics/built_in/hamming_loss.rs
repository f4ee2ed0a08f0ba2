//! Labels that are wrong.

use super::BuiltIn;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Hamming loss: the fraction of labels, of all samples together, that are predicted wrong at a probability of 0.5. From 0
/// to 1, smaller is better.
///
/// ```
/// use fireclay_train::{AnyMetric, HammingLoss, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let value = AnyMetric::from(HammingLoss).measure(&predictions);
/// assert_eq!(value, Some(0.25));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HammingLoss;

impl BuiltIn for HammingLoss {
    const EXAMPLE: Self = HammingLoss;
}

impl Metric for HammingLoss {
    type State = WeightedMean;

    fn name(&self) -> String {
        "hamming_loss".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            for label in 0..batch.width() {
                let wrong = batch.holds(row, label) != (batch.probability(row, label) > 0.5);
                state.add(f64::from(wrong), weight);
            }
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

//! Squared error of probabilities.

use super::BuiltIn;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Brier score: the mean squared error of the probabilities ([Brier
/// 1950](https://doi.org/10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2)), summed over the classes. Of two classes only
/// the second counts, as the first is its mirror image: from 0 to 1, otherwise from 0 to 2; smaller is better.
///
/// ```
/// use fireclay_train::{AnyMetric, BrierScore, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![0.0, 0.0], targets);
/// let value = AnyMetric::from(BrierScore).measure(&predictions);
/// assert_eq!(value, Some(0.25));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrierScore;

impl BuiltIn for BrierScore {
    const EXAMPLE: Self = BrierScore;
}

impl Metric for BrierScore {
    type State = WeightedMean;

    fn name(&self) -> String {
        "brier_score".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let classes = batch.task().class_count();
            let first = usize::from(classes == 2);
            let squared = |class| {
                let error = f64::from(batch.probability(row, class)) - f64::from(batch.holds(row, class));
                error * error
            };
            state.add((first..classes).map(squared).sum(), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

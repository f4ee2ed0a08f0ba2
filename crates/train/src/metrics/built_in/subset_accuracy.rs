//! Samples of which all labels are right.

use super::BuiltIn;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Subset accuracy, or exact match: the fraction of samples of which every label is predicted right, at a probability above
/// 0.5. From 0 to 1, larger is better.
///
/// ```
/// use fireclay_train::{AnyMetric, SubsetAccuracy, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let value = AnyMetric::from(SubsetAccuracy).measure(&predictions);
/// assert_eq!(value, Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubsetAccuracy;

impl BuiltIn for SubsetAccuracy {
    const EXAMPLE: Self = SubsetAccuracy;
}

impl Metric for SubsetAccuracy {
    type State = WeightedMean;

    fn name(&self) -> String {
        "subset_accuracy".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let labels = 0..batch.width();
            let mut right =
                labels.map(|label| batch.holds(row, label) == (batch.probability(row, label) > 0.5));
            state.add(f64::from(right.all(|right| right)), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

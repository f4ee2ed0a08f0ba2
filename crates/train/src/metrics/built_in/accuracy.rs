//! Share of right predictions.

use super::BuiltIn;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Accuracy: the fraction of samples, steps or tokens whose most probable class is the right one. From 0 to 1, larger is
/// better.
///
/// A network with one logit for yes or no says yes above a probability of 0.5. For several labels there are
/// [`SubsetAccuracy`](crate::SubsetAccuracy) and [`HammingLoss`](crate::HammingLoss).
///
/// ```
/// use fireclay_train::{Accuracy, AnyMetric, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0]);
/// let predictions = Predictions::new(Task::Classes { count: 2 }, vec![0.5, 2.0, 1.0, 3.0], targets);
/// assert_eq!(AnyMetric::from(Accuracy).measure(&predictions), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Accuracy;

impl BuiltIn for Accuracy {
    const EXAMPLE: Self = Accuracy;
}

impl Metric for Accuracy {
    type State = WeightedMean;

    fn name(&self) -> String {
        "accuracy".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes() || matches!(task, Task::NextToken { .. })
    }

    fn needs_outputs(&self, task: Task) -> bool {
        !matches!(task, Task::NextToken { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        if let Some(sums) = batch.given_token_sums() {
            return state.merge(WeightedMean::of_sums(sums.correct, sums.tokens));
        }
        for (row, weight) in batch.weighted_rows() {
            state.add(f64::from(batch.predicted_class(row) == batch.target_class(row)), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

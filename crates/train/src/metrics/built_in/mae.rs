//! Mean absolute error.

use super::BuiltIn;

use crate::metrics::sums::{WeightedMean, errors};
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Mean absolute error over all samples and outputs: `mean(|output - target|)`. 0 or more, smaller is better. For
/// labels it is that of the probabilities.
///
/// ```
/// use fireclay_train::{AnyMetric, Mae, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 1.0, 2.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, 4.0, 2.0], targets);
/// let value = AnyMetric::from(Mae).measure(&predictions);
/// assert!((value.unwrap() - 4.0 / 3.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mae;

impl BuiltIn for Mae {
    const EXAMPLE: Self = Mae;
}

impl Metric for Mae {
    type State = WeightedMean;

    fn name(&self) -> String {
        "mae".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::Regression { .. } | Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            errors(batch, row).for_each(|error| state.add(error.abs(), weight));
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

//! Mean absolute percentage error.

use super::BuiltIn;
use crate::metrics::sums::{WeightedMean, errors};
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Mean absolute percentage error: the mean of `|output - target| / max(|target|, epsilon)` over rows and outputs, with
/// the `epsilon` of `f64`, as a fraction. 0 or more, smaller is better. A target near 0 makes it very large, so it is
/// for numbers that stay away from 0 ([de Myttenaere et al. 2016](https://arxiv.org/abs/1605.02541)).
///
/// ```
/// use fireclay_train::{AnyMetric, Mape, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, -4.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, -3.0], targets);
/// let value = AnyMetric::from(Mape).measure(&predictions);
/// assert_eq!(value, Some(0.375));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mape;

impl BuiltIn for Mape {
    const EXAMPLE: Self = Mape;
}

impl Metric for Mape {
    type State = WeightedMean;

    fn name(&self) -> String {
        "mape".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::Regression { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            for (error, target) in errors(batch, row).zip(batch.target_row(row)) {
                state.add(error.abs() / f64::from(target.abs()).max(f64::EPSILON), weight);
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

//! Coefficient of determination.

use super::BuiltIn;
use crate::metrics::columns::{mean_over_outputs, spread_of_targets};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Coefficient of determination: `1 - sum((output - target)²) / sum((target - mean)²)` for each output, and the mean over
/// the outputs. At most 1, larger is better; 0 is as good as the mean of the targets. It does not exist where all targets
/// of an output are the same.
///
/// ```
/// use fireclay_train::{AnyMetric, R2, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 3.0, 1.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, 3.0, 2.0], targets);
/// let value = AnyMetric::from(R2).measure(&predictions);
/// assert_eq!(value, Some(0.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct R2;

impl BuiltIn for R2 {
    const EXAMPLE: Self = R2;
}

impl Metric for R2 {
    type State = Collected;

    fn name(&self) -> String {
        "r2".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::Regression { .. } | Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut Collected, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut Collected, other: Collected) {
        state.merge(other);
    }

    fn value(&self, state: &Collected) -> Option<f64> {
        state.get().and_then(|all| self.measure(all))
    }

    fn measure(&self, predictions: &Predictions) -> Option<f64> {
        mean_over_outputs(predictions, |rows| {
            let squared: f64 = rows.iter().map(|row| row.weight * (row.error() * row.error())).sum();
            spread_of_targets(rows).map(|spread| 1.0 - squared / spread)
        })
    }
}

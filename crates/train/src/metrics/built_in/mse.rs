//! Mean squared error.

use super::BuiltIn;
use crate::metrics::sums::SquaredErrors;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Mean squared error over all samples and outputs: `mean((output - target)²)`. 0 or more, smaller is better. For
/// labels it is that of the probabilities.
///
/// ```
/// use fireclay_train::{AnyMetric, Mse, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 1.0, 2.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, 4.0, 2.0], targets);
/// let value = AnyMetric::from(Mse).measure(&predictions);
/// assert!((value.unwrap() - 10.0 / 3.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mse;

impl BuiltIn for Mse {
    const EXAMPLE: Self = Mse;
}

impl Metric for Mse {
    type State = SquaredErrors;

    fn name(&self) -> String {
        "mse".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::Regression { .. } | Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut SquaredErrors, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut SquaredErrors, other: SquaredErrors) {
        state.merge(other);
    }

    fn value(&self, state: &SquaredErrors) -> Option<f64> {
        state.mean()
    }
}

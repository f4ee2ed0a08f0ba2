//! Root of the mean squared error.

use super::BuiltIn;
use crate::metrics::sums::SquaredErrors;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Root mean squared error: the root of the mean squared error of each output, and the mean over the outputs. In the unit
/// of the targets; 0 or more, smaller is better.
///
/// ```
/// use fireclay_train::{AnyMetric, Rmse, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 1.0, 2.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, 4.0, 2.0], targets);
/// let value = AnyMetric::from(Rmse).measure(&predictions);
/// assert!((value.unwrap() - (10.0f64 / 3.0).sqrt()).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rmse;

impl BuiltIn for Rmse {
    const EXAMPLE: Self = Rmse;
}

impl Metric for Rmse {
    type State = SquaredErrors;

    fn name(&self) -> String {
        "rmse".into()
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
        state.root_mean()
    }
}

//! Share of the variance that is explained.

use super::BuiltIn;
use crate::metrics::columns::{mean_over_outputs, spread, spread_of_targets};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Explained variance: `1 - Var(target - output) / Var(target)` for each output, and the mean over the outputs. At most
/// 1, larger is better. It is [`R2`](crate::R2) of outputs that are right on average: an error that is the same for all
/// rows does not count. It does not exist where all targets of an output are the same.
///
/// ```
/// use fireclay_train::{AnyMetric, ExplainedVariance, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 3.0, 1.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![12.0, 13.0, 11.0], targets);
/// let value = AnyMetric::from(ExplainedVariance).measure(&predictions);
/// assert_eq!(value, Some(1.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExplainedVariance;

impl BuiltIn for ExplainedVariance {
    const EXAMPLE: Self = ExplainedVariance;
}

impl Metric for ExplainedVariance {
    type State = Collected;

    fn name(&self) -> String {
        "explained_variance".into()
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
            let unexplained = spread(rows, |row| row.error());
            spread_of_targets(rows).map(|spread| 1.0 - unexplained / spread)
        })
    }
}

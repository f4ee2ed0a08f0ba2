//! Agreement beyond chance.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Cohen's kappa: `(p_o - p_e) / (1 - p_e)`, where `p_o` is the accuracy and `p_e` the accuracy of chance with the same
/// shares of classes ([Cohen 1960](https://doi.org/10.1177/001316446002000104)). At most 1, larger is better; 0 is
/// chance. It does not exist where one class is all that occurs and all that is predicted.
///
/// ```
/// use fireclay_train::{AnyMetric, CohenKappa, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(CohenKappa).measure(&predictions);
/// assert_eq!(value, Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CohenKappa;

impl BuiltIn for CohenKappa {
    const EXAMPLE: Self = CohenKappa;
}

impl Metric for CohenKappa {
    type State = ClassCounts;

    fn name(&self) -> String {
        "cohen_kappa".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut ClassCounts, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut ClassCounts, other: ClassCounts) {
        state.merge(other);
    }

    fn value(&self, state: &ClassCounts) -> Option<f64> {
        let n = state.rows;
        let chance: f64 = state.actual.iter().zip(&state.predicted).map(|(a, b)| a * b / n).sum();
        let single = (0..state.actual.len()).any(|class| state.hits[class] == n);
        (n > 0.0 && !single).then(|| 1.0 - (n - ClassCounts::total(&state.hits)) / (n - chance))
    }
}

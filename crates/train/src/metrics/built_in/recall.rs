//! Recall: found among those of a class.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Recall: `hits / samples of the class` for each class, and the mean over the classes (macro average). A class without
/// samples counts as 0; [`BalancedAccuracy`](crate::BalancedAccuracy) leaves it out. From 0 to 1, larger is better.
///
/// ```
/// use fireclay_train::{AnyMetric, Recall, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(Recall).measure(&predictions);
/// assert_eq!(value, Some(0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recall;

impl BuiltIn for Recall {
    const EXAMPLE: Self = Recall;
}

impl Metric for Recall {
    type State = ClassCounts;

    fn name(&self) -> String {
        "recall".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes() || matches!(task, Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut ClassCounts, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut ClassCounts, other: ClassCounts) {
        state.merge(other);
    }

    fn value(&self, state: &ClassCounts) -> Option<f64> {
        state.macro_average(ClassCounts::recall)
    }
}

//! Accuracy in which each class counts the same.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Balanced accuracy: the mean of the recall of the classes that occur, so that each counts the same however rare it is
/// ([Brodersen et al. 2010](https://doi.org/10.1109/ICPR.2010.764)). From 0 to 1, larger is better.
///
/// ```
/// use fireclay_train::{AnyMetric, BalancedAccuracy, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(BalancedAccuracy).measure(&predictions);
/// assert_eq!(value, Some(0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BalancedAccuracy;

impl BuiltIn for BalancedAccuracy {
    const EXAMPLE: Self = BalancedAccuracy;
}

impl Metric for BalancedAccuracy {
    type State = ClassCounts;

    fn name(&self) -> String {
        "balanced_accuracy".into()
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
        let occurring: Vec<usize> =
            (0..state.actual.len()).filter(|class| state.actual[*class] > 0.0).collect();
        let sum: f64 = occurring.iter().map(|class| state.recall(*class)).sum();
        (!occurring.is_empty()).then(|| sum / occurring.len() as f64)
    }
}

//! F1: the harmonic mean of precision and recall.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// F1: `2 * precision * recall / (precision + recall)` for each class, and the mean over the classes that occur or are predicted
/// (macro average), or over all labels. From 0 to 1, larger is better.
///
/// The name is from [van Rijsbergen 1979](https://www.dcs.gla.ac.uk/Keith/Preface.html), chapter 7.
///
/// ```
/// use fireclay_train::{AnyMetric, F1, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(F1).measure(&predictions);
/// assert!((value.unwrap() - (0.8 + 2.0 / 3.0) / 2.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct F1;

impl BuiltIn for F1 {
    const EXAMPLE: Self = F1;
}

impl Metric for F1 {
    type State = ClassCounts;

    fn name(&self) -> String {
        "f1".into()
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
        state.macro_average(ClassCounts::f1)
    }
}

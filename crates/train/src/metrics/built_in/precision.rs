//! Precision: right among those predicted as a class.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Precision: `hits / predicted` for each class, right among those predicted as the class, and the mean over the
/// classes (macro average). A class that is never predicted counts as 0. From 0 to 1, larger is better.
///
/// Both classes of a binary task count; labels count each for themselves, predicted above a probability of 0.5.
///
/// ```
/// use fireclay_train::{AnyMetric, Precision, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(Precision).measure(&predictions);
/// assert!((value.unwrap() - (1.0 + 2.0 / 3.0) / 2.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Precision;

impl BuiltIn for Precision {
    const EXAMPLE: Self = Precision;
}

impl Metric for Precision {
    type State = ClassCounts;

    fn name(&self) -> String {
        "precision".into()
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
        state.macro_average(ClassCounts::precision)
    }
}

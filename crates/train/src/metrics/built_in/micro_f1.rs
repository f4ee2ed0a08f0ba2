//! F1 of all labels taken together.

use super::BuiltIn;
use crate::metrics::class_counts::ratio;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Micro-averaged F1: `2 * hits / (actual + predicted)` over all labels taken together, so that frequent labels count
/// more than in [`F1`](crate::F1). From 0 to 1, larger is better. Where each sample has one class it is the accuracy.
///
/// ```
/// use fireclay_train::{AnyMetric, MicroF1, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let value = AnyMetric::from(MicroF1).measure(&predictions);
/// assert_eq!(value, Some(0.8));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicroF1;

impl BuiltIn for MicroF1 {
    const EXAMPLE: Self = MicroF1;
}

impl Metric for MicroF1 {
    type State = ClassCounts;

    fn name(&self) -> String {
        "micro_f1".into()
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
        let (hits, actual) = (ClassCounts::total(&state.hits), ClassCounts::total(&state.actual));
        let predicted = ClassCounts::total(&state.predicted);
        (state.rows > 0.0).then(|| ratio(2.0 * hits, actual + predicted))
    }
}

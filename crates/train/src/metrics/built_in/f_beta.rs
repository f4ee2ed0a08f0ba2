//! F-beta: F1 in which recall counts more than precision, or less.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// F-beta: the harmonic mean of precision and recall in which recall counts `beta` times as much, `(1 + beta²) *
/// precision * recall / (beta² * precision + recall)`, for each class, and the mean over the classes that occur or are
/// predicted (macro average), or over all labels. From 0 to 1, larger is better. Its name is `f2` for a beta of 2 and
/// `f0.5` for 0.5; with a beta of 1 it is [`F1`](crate::F1), and with one that is not above 0 it does not exist.
///
/// The measure is from [van Rijsbergen 1979](https://www.dcs.gla.ac.uk/Keith/Preface.html), chapter 7.
///
/// ```
/// use fireclay_train::{AnyMetric, FBeta, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 1 }, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(FBeta(2.0)).measure(&predictions);
/// assert_eq!(value, Some(10.0 / 11.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FBeta(pub f64);

impl BuiltIn for FBeta {
    const EXAMPLE: Self = FBeta(2.0);
    const HAS_NUMBER: bool = true;

    fn from_name(name: &str) -> Option<Self> {
        let metric = FBeta(name.strip_prefix('f')?.parse().ok()?);
        // What is called f1 is F1, and each number is written in one way.
        let is_number = metric.0 > 0.0 && metric.0.is_finite() && metric.0 != 1.0;
        (is_number && metric.name() == name).then_some(metric)
    }
}

impl Metric for FBeta {
    type State = ClassCounts;

    fn name(&self) -> String {
        format!("f{}", self.0)
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
        let exists = self.0 > 0.0 && self.0.is_finite();
        state.macro_average(|counts, class| counts.f_beta(class, self.0)).filter(|_| exists)
    }
}

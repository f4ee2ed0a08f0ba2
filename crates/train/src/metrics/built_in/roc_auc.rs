//! Area under the receiver operating characteristic.

use super::BuiltIn;
use crate::metrics::curves::{average_area, roc_auc};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Area under the receiver operating characteristic: the probability that a sample of the class scores higher than one of
/// the rest, ties counted half ([Hanley and McNeil 1982](https://doi.org/10.1148/radiology.143.1.7063747)). Each class
/// or label against the rest, and the mean over them; of two classes the second. From 0 to 1, larger is better; 0.5 is
/// chance. It does not exist where a class does not occur, or nothing else does.
///
/// ```
/// use fireclay_train::{AnyMetric, RocAuc, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![0, 1, 1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![-1.0, 0.5, 2.0, 1.0], targets);
/// let value = AnyMetric::from(RocAuc).measure(&predictions);
/// assert_eq!(value, Some(0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RocAuc;

impl BuiltIn for RocAuc {
    const EXAMPLE: Self = RocAuc;
}

impl Metric for RocAuc {
    type State = Collected;

    fn name(&self) -> String {
        "roc_auc".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes() || matches!(task, Task::MultiLabel { .. })
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
        average_area(predictions, roc_auc)
    }
}

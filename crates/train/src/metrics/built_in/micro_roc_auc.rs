//! ROC AUC of all labels taken together.

use super::BuiltIn;
use crate::metrics::curves::{micro_area, roc_auc};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Micro-averaged ROC AUC: that of all labels taken together, as if each label of each row were a row of its own, so
/// that frequent labels count more than in [`RocAuc`](crate::RocAuc), and scores of different labels are compared. From
/// 0 to 1, larger is better; 0.5 is chance. It does not exist where all labels of all rows hold, or none.
///
/// ```
/// use fireclay_train::{AnyMetric, MicroRocAuc, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let value = AnyMetric::from(MicroRocAuc).measure(&predictions);
/// assert_eq!(value, Some(0.75));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicroRocAuc;

impl BuiltIn for MicroRocAuc {
    const EXAMPLE: Self = MicroRocAuc;
}

impl Metric for MicroRocAuc {
    type State = Collected;

    fn name(&self) -> String {
        "micro_roc_auc".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::MultiLabel { .. })
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
        micro_area(predictions, roc_auc)
    }
}

//! Area under precision over recall.

use super::BuiltIn;
use crate::metrics::curves::{average_area, average_precision};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Average precision, the area under the steps of precision over recall: `sum((R_n - R_(n-1)) * P_n)` over all
/// thresholds, which says more than ROC AUC where positives are rare ([Davis and Goadrich
/// 2006](https://doi.org/10.1145/1143844.1143874)). Each class or label against the rest, and the mean over them; of two
/// classes the second. From 0 to 1, larger is better; chance is the fraction of positives. It does not exist where a class
/// does not occur. `average_precision` names it too.
///
/// ```
/// use fireclay_train::{AnyMetric, PrAuc, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![0, 1, 1, 0]);
/// let predictions = Predictions::new(Task::Binary, vec![-1.0, 0.5, 2.0, 1.0], targets);
/// let value = AnyMetric::from(PrAuc).measure(&predictions);
/// assert!((value.unwrap() - 5.0 / 6.0).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrAuc;

impl BuiltIn for PrAuc {
    const EXAMPLE: Self = PrAuc;
    const ALIASES: &[&str] = &["average_precision"];
}

impl Metric for PrAuc {
    type State = Collected;

    fn name(&self) -> String {
        "pr_auc".into()
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
        average_area(predictions, average_precision)
    }
}

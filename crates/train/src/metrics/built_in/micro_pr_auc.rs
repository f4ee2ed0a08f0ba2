//! Average precision of all labels taken together.

use super::BuiltIn;
use crate::metrics::curves::{average_precision, micro_area};
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Micro-averaged average precision: that of all labels taken together, as if each label of each row were a row of its
/// own, so that frequent labels count more than in [`PrAuc`](crate::PrAuc), and scores of different labels are compared.
/// From 0 to 1, larger is better; chance is the share of labels that hold. It does not exist where no label of any row
/// holds. `micro_average_precision` names it too.
///
/// ```
/// use fireclay_train::{AnyMetric, MicroPrAuc, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let value = AnyMetric::from(MicroPrAuc).measure(&predictions);
/// assert!((value.unwrap() - 5.0 / 6.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicroPrAuc;

impl BuiltIn for MicroPrAuc {
    const EXAMPLE: Self = MicroPrAuc;
    const ALIASES: &[&str] = &["micro_average_precision"];
}

impl Metric for MicroPrAuc {
    type State = Collected;

    fn name(&self) -> String {
        "micro_pr_auc".into()
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
        micro_area(predictions, average_precision)
    }
}

//! Share of samples whose class is among the most probable.

use super::BuiltIn;
use crate::metrics::predictions::rank;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Top-k accuracy: the fraction of samples whose class is among the `k` most probable, of equally probable ones those with
/// smaller indices. From 0 to 1, larger is better. Its name is `top_3_accuracy` for a `k` of 3; for a `k` of 0 it does
/// not exist.
///
/// ```
/// use fireclay_train::{AnyMetric, PredictionTargets, Predictions, Task, TopK};
/// let logits = vec![0.5, 2.0, 1.0, 3.0, 2.0, 1.0];
/// let targets = PredictionTargets::Classes(vec![2, 2]);
/// let predictions = Predictions::new(Task::Classes { count: 3 }, logits, targets);
/// assert_eq!(AnyMetric::from(TopK(2)).measure(&predictions), Some(0.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopK(pub usize);

impl BuiltIn for TopK {
    const EXAMPLE: Self = TopK(3);
    const HAS_NUMBER: bool = true;

    fn from_name(name: &str) -> Option<Self> {
        let k = name.strip_prefix("top_")?.strip_suffix("_accuracy")?.parse().ok()?;
        Some(TopK(k)).filter(|metric| k > 0 && metric.name() == name)
    }
}

impl Metric for TopK {
    type State = WeightedMean;

    fn name(&self) -> String {
        format!("top_{}_accuracy", self.0)
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let class = batch.target_class(row);
            let rank = match batch.task() {
                Task::Binary => usize::from(batch.predicted_class(row) != class),
                _ => rank(batch.probability_row(row), class),
            };
            state.add(f64::from(rank < self.0), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value().filter(|_| self.0 > 0)
    }
}

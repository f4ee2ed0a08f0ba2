//! Median of the absolute errors.

use super::BuiltIn;
use crate::metrics::columns::mean_over_outputs;
use crate::metrics::{Collected, Direction, Metric, Predictions, Task};

/// Median absolute error: the median of `|output - target|` of each output, and the mean over the outputs. A few samples
/// that are far off do not change it. 0 or more, smaller is better. Where half the weight lies on each side, it is the
/// mean of the two errors beside.
///
/// ```
/// use fireclay_train::{AnyMetric, MedianAbsoluteError, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 1, values: vec![2.0, 1.0, 2.0] };
/// let predictions = Predictions::new(Task::Regression { outputs: 1 }, vec![1.0, 4.0, 2.0], targets);
/// let value = AnyMetric::from(MedianAbsoluteError).measure(&predictions);
/// assert_eq!(value, Some(1.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MedianAbsoluteError;

impl BuiltIn for MedianAbsoluteError {
    const EXAMPLE: Self = MedianAbsoluteError;
}

impl Metric for MedianAbsoluteError {
    type State = Collected;

    fn name(&self) -> String {
        "median_absolute_error".into()
    }

    fn direction(&self) -> Direction {
        Direction::Minimize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::Regression { .. } | Task::MultiLabel { .. })
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
        mean_over_outputs(predictions, |rows| {
            median(rows.iter().map(|row| (row.error().abs(), row.weight)).collect())
        })
    }
}

/// The median of values with weights above 0.
fn median(mut values: Vec<(f64, f64)>) -> Option<f64> {
    values.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut below = 0.0;
    for (index, (value, weight)) in values.iter().enumerate() {
        below += weight;
        if below > half {
            return Some(*value);
        }
        if below == half {
            return Some(values.get(index + 1).map_or(*value, |(next, _)| (value + next) / 2.0));
        }
    }
    values.last().map(|(value, _)| *value)
}

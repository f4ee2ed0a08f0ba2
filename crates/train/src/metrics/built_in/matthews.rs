//! The correlation of predicted and true classes.

use super::BuiltIn;
use crate::metrics::{ClassCounts, Direction, Metric, Predictions, Task};

/// Matthews correlation coefficient: the correlation of predicted and true classes, for any number of them
/// ([Gorodkin 2004](https://doi.org/10.1016/j.compbiolchem.2004.09.006)):
/// `(n * hits - sum(t * p)) / sqrt((n² - sum(p²)) * (n² - sum(t²)))`, where `t` and `p` are how many samples are of a
/// class and are predicted as it. From -1 to 1, larger is better; 0 is chance, and what one class alone gives.
///
/// ```
/// use fireclay_train::{AnyMetric, Matthews, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Classes(vec![1, 0, 0, 1]);
/// let predictions = Predictions::new(Task::Binary, vec![2.0, -1.0, 0.5, 3.0], targets);
/// let value = AnyMetric::from(Matthews).measure(&predictions);
/// assert!((value.unwrap() - (1.0f64 / 3.0).sqrt()).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matthews;

impl BuiltIn for Matthews {
    const EXAMPLE: Self = Matthews;
}

impl Metric for Matthews {
    type State = ClassCounts;

    fn name(&self) -> String {
        "matthews".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        task.has_classes()
    }

    fn update(&self, state: &mut ClassCounts, batch: &Predictions) {
        state.update(batch);
    }

    fn merge(&self, state: &mut ClassCounts, other: ClassCounts) {
        state.merge(other);
    }

    fn value(&self, state: &ClassCounts) -> Option<f64> {
        let n = state.rows;
        let sum = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let covariance = n * ClassCounts::total(&state.hits) - sum(&state.actual, &state.predicted);
        let spread =
            (n * n - sum(&state.predicted, &state.predicted)) * (n * n - sum(&state.actual, &state.actual));
        let varies = [&state.actual, &state.predicted].iter().all(|counts| at_least_two(counts));
        (n > 0.0).then(|| if varies { covariance / spread.sqrt() } else { 0.0 })
    }
}

/// Whether more than one class has a count; the difference of sums of weights would say so only up to rounding.
fn at_least_two(counts: &[f64]) -> bool {
    counts.iter().filter(|count| **count > 0.0).count() > 1
}

//! Whether the labels of a sample are ranked above its others.

use super::BuiltIn;
use crate::metrics::sums::WeightedMean;
use crate::metrics::{Direction, Metric, Predictions, Task};

/// Label ranking average precision: for each label that a sample has, the share of its own labels among those that are
/// ranked as high or higher, `|own labels up to the rank| / rank`; the mean over these, and over the samples ([Schapire
/// and Singer 2000](https://doi.org/10.1023/A:1007649029923)). Of equal scores each has the lowest rank. A sample with
/// no label, or with all of them, counts as 1. Above 0 and up to 1, larger is better.
///
/// ```
/// use fireclay_train::{AnyMetric, LabelRankingAveragePrecision, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 3, values: vec![1.0, 0.0, 0.0, 0.0, 0.0, 1.0] };
/// let logits = vec![0.5, 1.0, -1.0, 0.1, 0.2, -3.0];
/// let predictions = Predictions::new(Task::MultiLabel { labels: 3 }, logits, targets);
/// let value = AnyMetric::from(LabelRankingAveragePrecision).measure(&predictions);
/// assert!((value.unwrap() - (1.0 / 2.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelRankingAveragePrecision;

impl BuiltIn for LabelRankingAveragePrecision {
    const EXAMPLE: Self = LabelRankingAveragePrecision;
}

impl Metric for LabelRankingAveragePrecision {
    type State = WeightedMean;

    fn name(&self) -> String {
        "label_ranking_average_precision".into()
    }

    fn direction(&self) -> Direction {
        Direction::Maximize
    }

    fn supports(&self, task: Task) -> bool {
        matches!(task, Task::MultiLabel { .. })
    }

    fn update(&self, state: &mut WeightedMean, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let own: Vec<usize> = (0..batch.width()).filter(|label| batch.holds(row, *label)).collect();
            state.add(of_row(batch.output_row(row), &own), weight);
        }
    }

    fn merge(&self, state: &mut WeightedMean, other: WeightedMean) {
        state.merge(other);
    }

    fn value(&self, state: &WeightedMean) -> Option<f64> {
        state.value()
    }
}

/// The value of one row of scores with its own labels.
fn of_row(scores: &[f32], own: &[usize]) -> f64 {
    if own.is_empty() || own.len() == scores.len() {
        return 1.0;
    }
    let precision = |label: &usize| {
        let is_above = |other: &usize| above(scores[*other], scores[*label]);
        let rank = (0..scores.len()).filter(is_above).count();
        own.iter().filter(|other| is_above(other)).count() as f64 / rank as f64
    };
    own.iter().map(precision).sum::<f64>() / own.len() as f64
}

/// Whether a score is as high as another or higher; one that is no number has the lowest rank.
fn above(score: f32, than: f32) -> bool {
    than.is_nan() || score >= than
}

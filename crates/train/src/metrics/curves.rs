//! Areas under the curves that a moving threshold draws.

use super::{Predictions, Task};

/// A row as one class, or label, sees it.
pub(crate) struct Scored {
    pub(crate) score: f32,
    pub(crate) positive: bool,
    pub(crate) weight: f64,
}

/// Scores of the rows that count for a class or a label.
pub(crate) fn scored(predictions: &Predictions, class: usize) -> Vec<Scored> {
    (predictions.weighted_rows())
        .map(|(row, weight)| Scored {
            score: predictions.probability(row, class),
            positive: predictions.holds(row, class),
            weight,
        })
        .collect()
}

/// The mean over the classes, or labels, of an area of each against the rest; of two classes the second says it all.
/// `None` if the area of a class does not exist.
pub(crate) fn average_area(
    predictions: &Predictions,
    area: impl Fn(Vec<Scored>) -> Option<f64>,
) -> Option<f64> {
    let task = predictions.task();
    let classes = task.class_count();
    if classes == 2 && !matches!(task, Task::MultiLabel { .. }) {
        return area(scored(predictions, 1));
    }
    let areas: Option<Vec<f64>> = (0..classes).map(|class| area(scored(predictions, class))).collect();
    let areas = areas.filter(|areas| !areas.is_empty())?;
    Some(areas.iter().sum::<f64>() / classes as f64)
}

/// The area of all labels taken together: each label of each row counts as a row of its own.
pub(crate) fn micro_area(
    predictions: &Predictions,
    area: impl Fn(Vec<Scored>) -> Option<f64>,
) -> Option<f64> {
    area((0..predictions.task().class_count()).flat_map(|label| scored(predictions, label)).collect())
}

/// The area under the receiver operating characteristic: the probability that a positive row scores higher than a
/// negative one, ties counted half (the rank sum of Mann and Whitney). `None` unless there are rows of both kinds.
pub(crate) fn roc_auc(mut rows: Vec<Scored>) -> Option<f64> {
    rows.sort_by(|a, b| a.score.total_cmp(&b.score));
    let positives: f64 = rows.iter().filter(|row| row.positive).map(|row| row.weight).sum();
    let negatives: f64 = rows.iter().filter(|row| !row.positive).map(|row| row.weight).sum();
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    // Pairs in which the positive row wins: sums of halves, so exact where rows count once.
    let (mut won, mut below) = (0.0, 0.0);
    for group in rows.chunk_by(|a, b| a.score == b.score) {
        let weight = |positive| -> f64 {
            group.iter().filter(|row| row.positive == positive).map(|row| row.weight).sum()
        };
        won += weight(true) * (below + weight(false) / 2.0);
        below += weight(false);
    }
    Some(won / (positives * negatives))
}

/// Average precision, the area under the steps of precision over recall: `sum((R_n - R_(n-1)) * P_n)` over the
/// distinct scores, from the highest down. `None` without a positive row.
pub(crate) fn average_precision(mut rows: Vec<Scored>) -> Option<f64> {
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    let positives: f64 = rows.iter().filter(|row| row.positive).map(|row| row.weight).sum();
    if positives == 0.0 {
        return None;
    }
    let (mut hits, mut predicted, mut area) = (0.0, 0.0, 0.0);
    for group in rows.chunk_by(|a, b| a.score == b.score) {
        let found: f64 = group.iter().filter(|row| row.positive).map(|row| row.weight).sum();
        hits += found;
        predicted += group.iter().map(|row| row.weight).sum::<f64>();
        area += found / positives * (hits / predicted);
    }
    Some(area)
}

//! Choosing the probability above which a sample counts as positive.

use super::Predictions;
use super::class_counts::ratio;
use super::curves::{Scored, scored};

/// What comes of a threshold: weights of rows, by what they are and what they are taken for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BinaryCounts {
    /// Positive and predicted so.
    pub true_positives: f64,
    /// Negative, yet predicted positive.
    pub false_positives: f64,
    /// Positive, yet predicted negative.
    pub false_negatives: f64,
    /// Negative and predicted so.
    pub true_negatives: f64,
}

impl BinaryCounts {
    /// Counts the rows whose probability is above a threshold, and the others.
    ///
    /// # Panics
    /// If the task has not two classes.
    pub fn at(predictions: &Predictions, threshold: f64) -> Self {
        let mut counts = BinaryCounts::default();
        for row in two_classes(predictions) {
            let predicted = f64::from(row.score) > threshold;
            *match (row.positive, predicted) {
                (true, true) => &mut counts.true_positives,
                (false, true) => &mut counts.false_positives,
                (true, false) => &mut counts.false_negatives,
                (false, false) => &mut counts.true_negatives,
            } += row.weight;
        }
        counts
    }

    /// Right among those predicted positive; 0 if there are none.
    pub fn precision(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Found among those that are positive; 0 if there are none.
    pub fn recall(&self) -> f64 {
        ratio(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// `2 * precision * recall / (precision + recall)`
    pub fn f1(&self) -> f64 {
        self.f_beta(1.0)
    }

    /// The weighted harmonic mean of precision and recall, in which recall counts `beta` times as much:
    /// `(1 + beta²) * precision * recall / (beta² * precision + recall)`.
    pub fn f_beta(&self, beta: f64) -> f64 {
        let square = beta * beta;
        let hits = (1.0 + square) * self.true_positives;
        ratio(hits, hits + square * self.false_negatives + self.false_positives)
    }
}

/// A threshold, and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChosenThreshold {
    /// Rows with a greater probability count as positive.
    pub threshold: f64,
    /// What the given function says of it.
    pub score: f64,
}

/// The threshold with the best F1 of the positive class on given predictions, such as those of a validation set.
/// `None` if no row is positive.
///
/// # Panics
/// If the task has not two classes.
///
/// ```
/// use fireclay_train::{BinaryCounts, PredictionTargets, Predictions, Task, best_threshold_by_f1};
/// // Nothing is above 0.5, but the positives are the highest.
/// let logits = vec![-3.0, -2.5, -1.0, -0.5];
/// let predictions = Predictions::new(Task::Binary, logits, PredictionTargets::Classes(vec![0, 0, 1, 1]));
/// let chosen = best_threshold_by_f1(&predictions).unwrap();
/// assert!(0.0758 < chosen.threshold && chosen.threshold < 0.269);
/// assert_eq!(chosen.score, 1.0);
/// assert_eq!(BinaryCounts::at(&predictions, chosen.threshold).f1(), 1.0);
/// assert_eq!(BinaryCounts::at(&predictions, 0.5).f1(), 0.0);
/// ```
pub fn best_threshold_by_f1(predictions: &Predictions) -> Option<ChosenThreshold> {
    let has_positive = two_classes(predictions).iter().any(|row| row.positive);
    has_positive.then(|| best_threshold(predictions, BinaryCounts::f1)).flatten()
}

/// The threshold with the largest score on given predictions. Thresholds lie half way between neighbouring
/// probabilities, and at 0 and 1; of equally good ones the highest is taken. `None` if there are no rows, or the score
/// is never a number.
///
/// # Panics
/// If the task has not two classes.
///
/// ```
/// use fireclay_train::{PredictionTargets, Predictions, Task, best_threshold};
/// let logits = vec![-3.0, 1.0, -1.0, 2.0];
/// let predictions = Predictions::new(Task::Binary, logits, PredictionTargets::Classes(vec![0, 0, 1, 1]));
/// // A miss costs ten times as much as a false alarm.
/// let cost = |counts: &fireclay_train::BinaryCounts| 10.0 * counts.false_negatives + counts.false_positives;
/// let chosen = best_threshold(&predictions, |counts| -cost(counts)).unwrap();
/// assert_eq!(chosen.score, -1.0);
/// ```
pub fn best_threshold(
    predictions: &Predictions,
    score: impl Fn(&BinaryCounts) -> f64,
) -> Option<ChosenThreshold> {
    let mut rows = two_classes(predictions);
    rows.retain(|row| !row.score.is_nan());
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    if rows.is_empty() {
        return None;
    }
    let mut counts = BinaryCounts::default();
    for row in &rows {
        *if row.positive { &mut counts.false_negatives } else { &mut counts.true_negatives } += row.weight;
    }
    let mut best: Option<ChosenThreshold> = None;
    let mut consider = |threshold: f64, counts: &BinaryCounts| {
        let score = score(counts);
        if !score.is_nan() && best.is_none_or(|best| score > best.score) {
            best = Some(ChosenThreshold { threshold, score });
        }
    };
    consider(1.0, &counts);
    let mut groups = rows.chunk_by(|a, b| a.score == b.score).peekable();
    while let Some(group) = groups.next() {
        for row in group {
            let (to, from) = match row.positive {
                true => (&mut counts.true_positives, &mut counts.false_negatives),
                false => (&mut counts.false_positives, &mut counts.true_negatives),
            };
            *to += row.weight;
            // Sums of weights may leave a trace below zero.
            *from = (*from - row.weight).max(0.0);
        }
        let own = f64::from(group[0].score);
        // Exact in f64, so it lies between the two whatever the rounding.
        let next = groups.peek().map_or(0.0, |next| (own + f64::from(next[0].score)) / 2.0);
        if next < own {
            consider(next, &counts);
        }
    }
    best
}

fn two_classes(predictions: &Predictions) -> Vec<Scored> {
    assert!(
        predictions.positive_probabilities().is_some(),
        "a threshold is for two classes, and this is {} with {} outputs",
        predictions.task(),
        predictions.width()
    );
    scored(predictions, 1)
}

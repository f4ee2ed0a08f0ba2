//! True positives, samples and predictions of each class: what most measures of a classifier come from.

use super::{Predictions, Task};

/// For each class, or each label: weights of rows. The state of [`Precision`](super::Precision) and its relatives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassCounts {
    /// Rows of the class that were predicted as it.
    pub(crate) hits: Vec<f64>,
    /// Rows of the class.
    pub(crate) actual: Vec<f64>,
    /// Rows predicted as the class.
    pub(crate) predicted: Vec<f64>,
    /// All rows.
    pub(crate) rows: f64,
    /// Whether a row has any number of labels, rather than one class.
    pub(crate) has_labels: bool,
}

/// `part / whole`, and 0 where there is no whole, as scikit-learn's `zero_division=0`.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

impl ClassCounts {
    pub(crate) fn update(&mut self, batch: &Predictions) {
        self.resize(batch.task().class_count());
        self.has_labels = matches!(batch.task(), Task::MultiLabel { .. });
        for (row, weight) in batch.weighted_rows() {
            self.rows += weight;
            match batch.task() {
                Task::MultiLabel { labels } => {
                    for label in 0..labels {
                        self.add(label, batch.holds(row, label), batch.probability(row, label) > 0.5, weight);
                    }
                }
                _ => {
                    let (actual, predicted) = (batch.target_class(row), batch.predicted_class(row));
                    self.add(actual, true, actual == predicted, weight);
                    if actual != predicted {
                        self.add(predicted, false, true, weight);
                    }
                }
            }
        }
    }

    fn add(&mut self, class: usize, actual: bool, predicted: bool, weight: f64) {
        self.hits[class] += if actual && predicted { weight } else { 0.0 };
        self.actual[class] += if actual { weight } else { 0.0 };
        self.predicted[class] += if predicted { weight } else { 0.0 };
    }

    pub(crate) fn merge(&mut self, other: ClassCounts) {
        self.resize(other.hits.len());
        let add = |own: &mut Vec<f64>, more: Vec<f64>| own.iter_mut().zip(more).for_each(|(a, b)| *a += b);
        add(&mut self.hits, other.hits);
        add(&mut self.actual, other.actual);
        add(&mut self.predicted, other.predicted);
        self.rows += other.rows;
        self.has_labels |= other.has_labels;
    }

    fn resize(&mut self, classes: usize) {
        if self.hits.len() < classes {
            self.hits.resize(classes, 0.0);
            self.actual.resize(classes, 0.0);
            self.predicted.resize(classes, 0.0);
        }
    }

    /// Right among those predicted as the class.
    pub(crate) fn precision(&self, class: usize) -> f64 {
        ratio(self.hits[class], self.predicted[class])
    }

    /// Found among those of the class.
    pub(crate) fn recall(&self, class: usize) -> f64 {
        ratio(self.hits[class], self.actual[class])
    }

    /// The harmonic mean of precision and recall.
    pub(crate) fn f1(&self, class: usize) -> f64 {
        ratio(2.0 * self.hits[class], self.actual[class] + self.predicted[class])
    }

    /// The harmonic mean of precision and recall in which recall counts `beta` times as much.
    pub(crate) fn f_beta(&self, class: usize, beta: f64) -> f64 {
        let square = beta * beta;
        ratio((1.0 + square) * self.hits[class], square * self.actual[class] + self.predicted[class])
    }

    /// Mean over the classes that occur or are predicted, or over all labels, as scikit-learn has it; `None` without a row.
    pub(crate) fn macro_average(&self, score: impl Fn(&Self, usize) -> f64) -> Option<f64> {
        let occurs = |class: &usize| self.has_labels || self.actual[*class] + self.predicted[*class] > 0.0;
        let scores: Vec<f64> = (0..self.hits.len()).filter(occurs).map(|class| score(self, class)).collect();
        (self.rows > 0.0 && !scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// All classes, and all rows of them, taken together.
    pub(crate) fn total(counts: &[f64]) -> f64 {
        counts.iter().sum()
    }
}

//! What a model says of samples whose classes are known.

use fireclay_train::{Predictions, Task, argmax, softmax};

use crate::AuditError;

/// Logits of each class and the right class, sample by sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// `[samples, classes]`
    logits: Vec<f32>,
    labels: Vec<u32>,
    classes: usize,
    /// By how much the second of two logits must be greater to be the answer.
    margin: f32,
}

impl Answers {
    /// From logits, `[samples, classes]`, or `[samples]` where yes or no is one logit.
    ///
    /// # Errors
    /// [`AuditError::Counts`] if there is not a row for each label.
    pub fn new(logits: Vec<f32>, labels: Vec<u32>, width: usize) -> Result<Self, AuditError> {
        let (found, expected) = (logits.len(), width * labels.len());
        if found != expected {
            return Err(AuditError::Counts { what: "logits of samples", found, expected });
        }
        // One logit is the second of two, the first of which is 0.
        Ok(match width {
            1 => {
                let logits = logits.into_iter().flat_map(|logit| [0.0, logit]).collect();
                Answers { logits, labels, classes: 2, margin: 0.0 }
            }
            classes => Answers { logits, labels, classes, margin: 0.0 },
        })
    }

    /// From predictions of a classifier.
    ///
    /// # Errors
    /// [`AuditError::NoClasses`] for another task.
    pub fn of(predictions: &Predictions) -> Result<Self, AuditError> {
        let task = predictions.task();
        let (Task::Classes { .. } | Task::Binary, Some(labels)) = (task, predictions.target_classes()) else {
            return Err(AuditError::NoClasses { found: task });
        };
        Answers::new(predictions.outputs().to_vec(), labels, predictions.width())
    }

    /// The same of a model that answers the second of two classes above a probability; nothing changes for more classes, or without one.
    #[must_use]
    pub fn with_threshold(self, threshold: Option<f64>) -> Self {
        match threshold.filter(|_| self.classes == 2) {
            Some(threshold) => Answers { margin: (threshold / (1.0 - threshold)).ln() as f32, ..self },
            None => self,
        }
    }

    /// The class that logits are the answer of.
    pub(crate) fn class_of(&self, row: &[f32]) -> usize {
        match *row {
            [first, second] if self.margin != 0.0 => usize::from(second - first > self.margin),
            _ => argmax(row),
        }
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Every second sample, from the first or from the second on.
    pub fn every_second(&self, from: usize) -> Self {
        let rows = || self.rows().skip(from).step_by(2);
        Answers {
            logits: rows().flat_map(|(row, _)| row).copied().collect(),
            labels: rows().map(|(_, label)| label as u32).collect(),
            classes: self.classes,
            margin: self.margin,
        }
    }

    /// The right class of each sample.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Logits and right class of each sample.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&[f32], usize)> {
        self.logits.chunks_exact(self.classes.max(1)).zip(self.labels.iter().map(|label| *label as usize))
    }

    /// The answer for each sample: the class with the greatest logit, the first of equal ones, or what a threshold says.
    pub fn predicted(&self) -> Vec<u32> {
        self.rows().map(|(row, _)| self.class_of(row) as u32).collect()
    }

    /// How many are right.
    pub fn right(&self) -> usize {
        self.rows().filter(|(row, label)| self.class_of(row) == *label).count()
    }

    /// The share of right answers; `None` without samples.
    pub fn accuracy(&self) -> Option<f64> {
        (!self.is_empty()).then(|| self.right() as f64 / self.len() as f64)
    }

    /// Probabilities of each class, with all logits divided by a temperature.
    pub(crate) fn probabilities(&self, temperature: f64) -> impl Iterator<Item = (Vec<f32>, usize)> {
        self.rows().map(move |(row, label)| {
            let mut row: Vec<f32> =
                row.iter().map(|logit| (f64::from(*logit) / temperature) as f32).collect();
            softmax(&mut row);
            (row, label)
        })
    }

    /// The logarithm of the odds of the right class, which is near to normally distributed over trainings
    /// ([Carlini et al. 2021](https://arxiv.org/abs/2112.03570)).
    pub fn log_odds(&self) -> Vec<f64> {
        let of = |(row, label): (&[f32], usize)| {
            let others = || row.iter().enumerate().filter(move |(class, _)| *class != label);
            let greatest = others().map(|(_, logit)| f64::from(*logit)).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = others().map(|(_, logit)| (f64::from(*logit) - greatest).exp()).sum();
            f64::from(row[label]) - greatest - sum.ln()
        };
        self.rows().map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_odds_are_those_of_the_probabilities() {
        let answers = Answers::new(vec![1.0, 2.0, -1.0, 0.0, 0.0, 3.0], vec![1, 2], 3).unwrap();
        for ((row, label), found) in answers.probabilities(1.0).zip(answers.log_odds()) {
            let p = f64::from(row[label]);
            assert!((found - (p / (1.0 - p)).ln()).abs() < 1e-5, "{found}");
        }
        // Where the probability rounds to 1 they are still told apart.
        let sure = Answers::new(vec![90.0, 0.0, 200.0, 0.0], vec![0, 0], 2).unwrap();
        assert_eq!(sure.log_odds(), [90.0, 200.0]);
        let one = Answers::new(vec![-2.0, 3.0], vec![0, 1], 1).unwrap();
        assert_eq!((one.log_odds(), one.predicted()), (vec![2.0, 3.0], vec![0, 1]));
        // A logit of 3 is a probability of 0.953.
        let of = |threshold| one.clone().with_threshold(Some(threshold)).predicted();
        assert_eq!((of(0.95), of(0.96), of(0.1)), (vec![0, 1], vec![0, 0], vec![1, 1]));
    }
}

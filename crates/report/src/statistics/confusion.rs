//! Which classes are taken for which.

use std::collections::BTreeMap;

/// The confusion matrix. Most pairs of many classes never occur, so only those that do are kept.
pub struct Confusion {
    counts: BTreeMap<(usize, usize), u64>,
    support: Vec<u64>,
    predicted: Vec<u64>,
}

/// How often a class, or a label, was and was not found.
#[derive(Clone, Copy, Default)]
pub struct ClassCounts {
    pub true_positives: u64,
    pub false_positives: u64,
    pub false_negatives: u64,
}

impl Confusion {
    pub fn new(classes: usize, truth: &[usize], predicted: &[usize]) -> Self {
        let mut found =
            Self { counts: BTreeMap::new(), support: vec![0; classes], predicted: vec![0; classes] };
        for (truth, predicted) in truth.iter().zip(predicted) {
            *found.counts.entry((*truth, *predicted)).or_default() += 1;
            found.support[*truth] += 1;
            found.predicted[*predicted] += 1;
        }
        found
    }

    pub fn classes(&self) -> usize {
        self.support.len()
    }

    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        self.counts.get(&(truth, predicted)).copied().unwrap_or(0)
    }

    /// The number of samples of a class.
    pub fn support(&self, class: usize) -> u64 {
        self.support[class]
    }

    pub fn of_class(&self, class: usize) -> ClassCounts {
        let true_positives = self.count(class, class);
        ClassCounts {
            true_positives,
            false_positives: self.predicted[class] - true_positives,
            false_negatives: self.support[class] - true_positives,
        }
    }

    pub fn mistakes(&self) -> u64 {
        self.counts.iter().filter(|((truth, predicted), _)| truth != predicted).map(|(_, count)| count).sum()
    }

    /// The class with the lowest recall, the first of several, with that recall.
    pub fn worst(&self) -> Option<(usize, f64)> {
        let recalls = (0..self.classes()).filter_map(|class| Some((class, self.of_class(class).recall()?)));
        recalls.min_by(|left, right| left.1.total_cmp(&right.1))
    }

    /// Classes that are taken for each other most often, as truth, prediction and how often.
    pub fn confused(&self, limit: usize) -> Vec<(usize, usize, u64)> {
        let mistakes = self.counts.iter().filter(|((truth, predicted), _)| truth != predicted);
        let mut pairs: Vec<_> = mistakes.map(|((truth, other), count)| (*truth, *other, *count)).collect();
        pairs.sort_by(|left, right| right.2.cmp(&left.2).then(left.cmp(right)));
        pairs.truncate(limit);
        pairs
    }

    /// The classes that take part in the most mistakes, in their order.
    pub fn most_confused_classes(&self, limit: usize) -> Vec<usize> {
        let mistakes = |class| {
            let counts = self.of_class(class);
            counts.false_positives + counts.false_negatives
        };
        let mut classes: Vec<(u64, usize)> =
            (0..self.classes()).map(|class| (mistakes(class), class)).collect();
        classes.sort_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
        classes.truncate(limit);
        let mut classes: Vec<usize> = classes.into_iter().map(|(_, class)| class).collect();
        classes.sort_unstable();
        classes
    }
}

impl ClassCounts {
    pub fn new(truth: impl Iterator<Item = bool>, predicted: impl Iterator<Item = bool>) -> Self {
        let mut counts = Self::default();
        for pair in truth.zip(predicted) {
            match pair {
                (true, true) => counts.true_positives += 1,
                (false, true) => counts.false_positives += 1,
                (true, false) => counts.false_negatives += 1,
                (false, false) => {}
            }
        }
        counts
    }

    pub fn support(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// The share of predictions of the class that are right; `None` if it was never predicted.
    pub fn precision(&self) -> Option<f64> {
        ratio(self.true_positives, self.true_positives + self.false_positives)
    }

    /// The share of the class's samples that were found; `None` if there is none.
    pub fn recall(&self) -> Option<f64> {
        ratio(self.true_positives, self.support())
    }

    /// The harmonic mean of both; `None` if the class neither occurs nor is predicted.
    pub fn f1(&self) -> Option<f64> {
        ratio(2 * self.true_positives, 2 * self.true_positives + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

//! Measures of a network that gives samples any number of labels.

use serde::Serialize;
use std::fmt;

use super::Scores;
use crate::metrics::class_counts::ratio;
use crate::metrics::curves::{Scored, average_precision, roc_auc, scored};
use crate::metrics::{Predictions, Task};

/// Measures over a whole set. Its [`Display`](fmt::Display) is a table with a line for each label.
///
/// A ratio whose denominator is 0 counts as 0. Samples of weight 0 are left out; all others count once.
///
/// ```
/// use fireclay_train::{MultiLabelReport, PredictionTargets, Predictions, Task};
/// let targets = PredictionTargets::Values { width: 2, values: vec![1.0, 0.0, 0.0, 1.0] };
/// let predictions = Predictions::new(Task::MultiLabel { labels: 2 }, vec![1.0, -1.0, 2.0, 3.0], targets);
/// let report = MultiLabelReport::new(&predictions, &["rain".into(), "wind".into()], 0.5);
/// assert_eq!((report.subset_accuracy, report.hamming_loss), (0.5, 0.25));
/// assert_eq!(report.labels[0].scores.precision, 0.5);
/// assert_eq!(report.micro_average.recall, 1.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MultiLabelReport {
    /// Samples.
    pub samples: usize,
    /// Labels with a greater probability count as predicted.
    pub threshold: f64,
    /// Share of samples of which every label is right.
    pub subset_accuracy: f64,
    /// Share of labels, of all samples together, that are wrong.
    pub hamming_loss: f64,
    /// Measures of each label.
    pub labels: Vec<LabelScores>,
    /// Of all labels taken together.
    pub micro_average: Scores,
    /// Mean over the labels.
    pub macro_average: Scores,
}

/// Measures of one label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelScores {
    /// The label's name.
    pub name: String,
    /// Samples that have the label.
    pub support: u64,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
    /// Area under the receiver operating characteristic; `None` where all samples have the label, or none.
    pub roc_auc: Option<f64>,
    /// Average precision; `None` where no sample has the label.
    pub pr_auc: Option<f64>,
}

impl MultiLabelReport {
    /// Measures predictions; labels with a probability above `threshold` count as predicted. Where there is not one name
    /// for each label, labels are numbered.
    ///
    /// # Panics
    /// If the predictions are of another task than [`Task::MultiLabel`].
    pub fn new(predictions: &Predictions, names: &[String], threshold: f64) -> Self {
        let Task::MultiLabel { labels: width } = predictions.task() else {
            panic!("expected predictions of labels, found {}", predictions.task());
        };
        let (mut samples, mut exact, mut wrong) = (0usize, 0usize, 0usize);
        let mut counts = vec![Counts::default(); width];
        for (row, _) in predictions.weighted_rows() {
            let before = wrong;
            for (label, count) in counts.iter_mut().enumerate() {
                let actual = predictions.holds(row, label);
                let predicted = f64::from(predictions.probability(row, label)) > threshold;
                count.add(actual, predicted);
                wrong += usize::from(actual != predicted);
            }
            samples += 1;
            exact += usize::from(before == wrong);
        }
        let share = |part: usize, whole: usize| ratio(part as f64, whole as f64);
        let labels: Vec<LabelScores> = counts
            .iter()
            .enumerate()
            .map(|(label, counts)| {
                let rows = || {
                    let rows = scored(predictions, label).into_iter();
                    rows.map(|row| Scored { weight: 1.0, ..row }).collect()
                };
                let name = match names.len() == width {
                    true => names[label].clone(),
                    false => label.to_string(),
                };
                let (support, scores) = (counts.actual, counts.scores());
                let (roc_auc, pr_auc) = (roc_auc(rows()), average_precision(rows()));
                LabelScores { name, support, scores, roc_auc, pr_auc }
            })
            .collect();
        let mean = |score: fn(&Scores) -> f64| {
            ratio(labels.iter().map(|label| score(&label.scores)).sum(), labels.len() as f64)
        };
        let macro_average = Scores {
            precision: mean(|scores| scores.precision),
            recall: mean(|scores| scores.recall),
            f1: mean(|scores| scores.f1),
        };
        MultiLabelReport {
            samples,
            threshold,
            subset_accuracy: share(exact, samples),
            hamming_loss: share(wrong, samples * width),
            micro_average: counts.iter().fold(Counts::default(), Counts::plus).scores(),
            macro_average,
            labels,
        }
    }
}

#[derive(Clone, Copy, Default)]
struct Counts {
    hits: u64,
    actual: u64,
    predicted: u64,
}

impl Counts {
    fn add(&mut self, actual: bool, predicted: bool) {
        self.hits += u64::from(actual && predicted);
        self.actual += u64::from(actual);
        self.predicted += u64::from(predicted);
    }

    fn plus(self, other: &Counts) -> Counts {
        Counts {
            hits: self.hits + other.hits,
            actual: self.actual + other.actual,
            predicted: self.predicted + other.predicted,
        }
    }

    fn scores(self) -> Scores {
        let share = |part: u64, whole: u64| ratio(part as f64, whole as f64);
        Scores {
            precision: share(self.hits, self.predicted),
            recall: share(self.hits, self.actual),
            f1: share(2 * self.hits, self.actual + self.predicted),
        }
    }
}

impl fmt::Display for MultiLabelReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "all labels right  {:.2} %  of {} samples", 100.0 * self.subset_accuracy, self.samples)?;
        writeln!(f, "labels wrong      {:.2} %", 100.0 * self.hamming_loss)?;
        if self.threshold != 0.5 {
            writeln!(f, "threshold         {:.5}", self.threshold)?;
        }
        let names = self.labels.iter().map(|label| label.name.chars().count());
        let width = names.chain(["label".len()]).max().unwrap_or(0);
        write!(f, "\n{:width$}  precision   recall       F1  ROC AUC   PR AUC  samples", "label")?;
        for label in &self.labels {
            let area = |area: Option<f64>| area.map_or("-".to_string(), |area| format!("{area:.5}"));
            let (roc, pr) = (area(label.roc_auc), area(label.pr_auc));
            write_scores(f, &label.name, width, &label.scores)?;
            write!(f, "  {roc:>7}  {pr:>7}  {:7}", label.support)?;
        }
        for (name, scores) in [("mean", &self.macro_average), ("all", &self.micro_average)] {
            write_scores(f, name, width, scores)?;
        }
        Ok(())
    }
}

fn write_scores(f: &mut fmt::Formatter<'_>, name: &str, width: usize, scores: &Scores) -> fmt::Result {
    let Scores { precision, recall, f1 } = scores;
    write!(f, "\n{name:width$}    {precision:.5}  {recall:.5}  {f1:.5}")
}

//! Measures of a classifier, from the probabilities of all samples.

use serde::Serialize;
use std::fmt;

use crate::metrics::Predictions;
use crate::metrics::curves::{Scored, average_precision, roc_auc};
use crate::metrics::predictions::{argmax, rank};

/// Measures of a classifier over a whole set. Its [`Display`](fmt::Display) is the table that `evaluate` prints.
///
/// A ratio whose denominator is 0 (a class that is never predicted, or never occurs) counts as 0, and a class of which neither
/// is true does not count in a mean, as in scikit-learn.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassificationReport {
    /// Samples.
    pub samples: usize,
    /// Samples predicted right.
    pub correct: usize,
    /// Share of right predictions.
    pub accuracy: f64,
    /// For `k` of 1, 2, ...: the fraction of samples whose class is among the `k` most probable.
    pub top_k_accuracy: Vec<f64>,
    /// Area under the receiver operating characteristic, each class against the rest, mean over the classes; `None`
    /// where a class does not occur, or nothing else does.
    pub roc_auc: Option<f64>,
    /// For two classes: the average precision of the second, the area under precision over recall; `None` where it does
    /// not occur, and for more classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pr_auc: Option<f64>,
    /// For two classes: the probability above which a sample counts as the second. `None` where the most probable class
    /// is predicted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Measures of each class.
    pub classes: Vec<ClassScores>,
    /// Mean over the classes that occur or are predicted.
    pub macro_average: Scores,
    /// Mean over the classes, each weighted by its samples.
    pub weighted_average: Scores,
    /// `[true class][predicted class]`: how many samples.
    pub confusion_matrix: Vec<Vec<u64>>,
}

/// Precision, recall and their harmonic mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Right among those predicted as the class.
    pub precision: f64,
    /// Found among those of the class.
    pub recall: f64,
    /// `2 * precision * recall / (precision + recall)`
    pub f1: f64,
}

/// Measures of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassScores {
    /// The class's name.
    pub name: String,
    /// Samples of the class.
    pub samples: u64,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
}

impl ClassificationReport {
    /// Measures predictions.
    ///
    /// # Shapes
    /// - probabilities: one row for each sample, `[samples][classes]`; any scores in the same order will do for all
    ///   measures, since they only compare
    /// - labels: `[samples]`, each below `names.len()`
    ///
    /// # Panics
    /// If a row has not as many values as there are names, or a label is too large.
    pub fn new(probabilities: &[Vec<f32>], labels: &[u32], names: &[String]) -> Self {
        Self::measure(probabilities, labels, names, None)
    }

    /// Measures predictions of two classes, of which the second is predicted where its probability is above a threshold,
    /// such as one that [`best_threshold_by_f1`](crate::best_threshold_by_f1) has chosen on other samples.
    ///
    /// # Shapes
    /// As for [`new`](Self::new), with two classes.
    ///
    /// # Panics
    /// As [`new`](Self::new), and if there are not two names.
    ///
    /// ```
    /// use fireclay_train::ClassificationReport;
    /// let (rows, names) = ([vec![0.9, 0.1], vec![0.7, 0.3]], ["no".into(), "yes".into()]);
    /// assert_eq!(ClassificationReport::new(&rows, &[0, 1], &names).accuracy, 0.5);
    /// let report = ClassificationReport::with_threshold(&rows, &[0, 1], &names, 0.2);
    /// assert_eq!((report.accuracy, report.threshold), (1.0, Some(0.2)));
    /// ```
    pub fn with_threshold(
        probabilities: &[Vec<f32>],
        labels: &[u32],
        names: &[String],
        threshold: f64,
    ) -> Self {
        assert_eq!(names.len(), 2, "a threshold is for two classes");
        Self::measure(probabilities, labels, names, Some(threshold))
    }

    /// Measures predictions of classes; with a threshold as [`with_threshold`](Self::with_threshold). Where there is not
    /// one name for each class, classes are numbered. Rows of weight 0, such as padding, are left out; all others count
    /// once, since a report counts samples.
    ///
    /// # Panics
    /// If the predictions are not of classes, or there is a threshold and there are not two classes.
    ///
    /// ```
    /// use fireclay_train::{ClassificationReport, PredictionTargets, Predictions, Task};
    /// let predictions = Predictions::new(Task::Binary, vec![-1.0, 2.0], PredictionTargets::Classes(vec![0, 1]));
    /// let report = ClassificationReport::from_predictions(&predictions, &[], None);
    /// assert_eq!((report.accuracy, report.classes[1].name.as_str()), (1.0, "1"));
    /// ```
    pub fn from_predictions(predictions: &Predictions, names: &[String], threshold: Option<f64>) -> Self {
        let task = predictions.task();
        assert!(task.has_classes(), "expected predictions of classes, found {task}");
        let count = task.class_count();
        let (mut rows, mut labels) = (Vec::new(), Vec::new());
        for (row, _) in predictions.weighted_rows() {
            rows.push((0..count).map(|class| predictions.probability(row, class)).collect());
            labels.push(predictions.target_class(row) as u32);
        }
        let numbered = || (0..count).map(|class| class.to_string()).collect();
        let names = if names.len() == count { names.to_vec() } else { numbered() };
        match threshold {
            None => Self::new(&rows, &labels, &names),
            Some(threshold) => Self::with_threshold(&rows, &labels, &names, threshold),
        }
    }

    fn measure(probabilities: &[Vec<f32>], labels: &[u32], names: &[String], threshold: Option<f64>) -> Self {
        let classes = names.len();
        let samples = labels.len();
        assert_eq!(probabilities.len(), samples, "one row for each label");
        let mut confusion_matrix = vec![vec![0u64; classes]; classes];
        let mut ranks = vec![0usize; classes];
        for (row, &label) in probabilities.iter().zip(labels) {
            assert_eq!(row.len(), classes, "one value for each class");
            let label = label as usize;
            let predicted = match threshold {
                None => argmax(row),
                Some(threshold) => usize::from(f64::from(row[1]) > threshold),
            };
            confusion_matrix[label][predicted] += 1;
            ranks[rank(row, label)] += 1;
        }
        let ratio = |part: u64, whole: u64| {
            if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
        };
        let scores: Vec<ClassScores> = names
            .iter()
            .enumerate()
            .map(|(class, name)| {
                let hits = confusion_matrix[class][class];
                let of_class = confusion_matrix[class].iter().sum();
                let predicted = confusion_matrix.iter().map(|row| row[class]).sum();
                let precision = ratio(hits, predicted);
                let recall = ratio(hits, of_class);
                let f1 = ratio(2 * hits, of_class + predicted);
                let scores = Scores { precision, recall, f1 };
                ClassScores { name: name.clone(), samples: of_class, scores }
            })
            .collect();
        let correct = (0..classes).map(|class| confusion_matrix[class][class]).sum::<u64>();
        let occurs: Vec<bool> = (0..classes)
            .map(|class| confusion_matrix.iter().any(|row| row[class] > 0) || scores[class].samples > 0)
            .collect();
        let mut within = 0;
        let top_k_accuracy = ranks
            .iter()
            .map(|count| {
                within += count;
                ratio(within as u64, samples as u64)
            })
            .collect();
        ClassificationReport {
            samples,
            correct: correct as usize,
            accuracy: ratio(correct, samples as u64),
            top_k_accuracy,
            roc_auc: mean_roc_auc(probabilities, labels, classes),
            pr_auc: (classes == 2).then(|| average_precision(scored(probabilities, labels, 1))).flatten(),
            threshold,
            macro_average: average(&scores, |class| f64::from(u8::from(occurs[class]))),
            weighted_average: average(&scores, |class| scores[class].samples as f64),
            classes: scores,
            confusion_matrix,
        }
    }

    /// Share of samples whose class is among the `k` most probable.
    pub fn top_k(&self, k: usize) -> Option<f64> {
        let k = k.min(self.top_k_accuracy.len());
        self.top_k_accuracy.get(k.checked_sub(1)?).copied()
    }
}

fn average(classes: &[ClassScores], weight: impl Fn(usize) -> f64) -> Scores {
    let total: f64 = (0..classes.len()).map(&weight).sum();
    let mean = |value: fn(&Scores) -> f64| {
        let sum: f64 = classes.iter().enumerate().map(|(at, class)| weight(at) * value(&class.scores)).sum();
        if total == 0.0 { 0.0 } else { sum / total }
    };
    Scores {
        precision: mean(|scores| scores.precision),
        recall: mean(|scores| scores.recall),
        f1: mean(|scores| scores.f1),
    }
}

/// Scores of all samples for a class.
fn scored(rows: &[Vec<f32>], labels: &[u32], class: usize) -> Vec<Scored> {
    let pairs = rows.iter().zip(labels);
    pairs
        .map(|(row, label)| Scored { score: row[class], positive: *label as usize == class, weight: 1.0 })
        .collect()
}

/// Each class against the rest, mean over the classes.
fn mean_roc_auc(rows: &[Vec<f32>], labels: &[u32], classes: usize) -> Option<f64> {
    // Of two classes the second says it all, as the first is its mirror image.
    if classes == 2 {
        return roc_auc(scored(rows, labels, 1));
    }
    let areas: Option<Vec<f64>> = (0..classes).map(|class| roc_auc(scored(rows, labels, class))).collect();
    let areas = areas.filter(|areas| !areas.is_empty())?;
    Some(areas.iter().sum::<f64>() / classes as f64)
}

impl fmt::Display for ClassificationReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        writeln!(f, "accuracy {}  ({} of {} right)", percent(self.accuracy), self.correct, self.samples)?;
        if self.classes.len() > 5
            && let Some(top) = self.top_k(3)
        {
            writeln!(f, "top 3    {}", percent(top))?;
        }
        if let Some(area) = self.roc_auc {
            writeln!(f, "ROC AUC  {area:.5}")?;
        }
        if let Some(area) = self.pr_auc {
            writeln!(f, "PR AUC   {area:.5}")?;
        }
        if let Some(threshold) = self.threshold {
            writeln!(
                f,
                "class '{}' is predicted above a probability of {threshold:.5}",
                self.classes[1].name
            )?;
        }
        let averages = [("mean", &self.macro_average), ("weighted", &self.weighted_average)];
        let width = self
            .classes
            .iter()
            .map(|class| class.name.chars().count())
            .chain(averages.iter().map(|(name, _)| name.len()))
            .max()
            .unwrap_or(0);
        writeln!(f, "\n{:width$}  precision   recall       F1  samples", "class")?;
        let line = |f: &mut fmt::Formatter<'_>, name: &str, scores: &Scores, samples: u64| {
            writeln!(
                f,
                "{name:width$}    {:.5}  {:.5}  {:.5}  {samples:7}",
                scores.precision, scores.recall, scores.f1
            )
        };
        for class in &self.classes {
            line(f, &class.name, &class.scores, class.samples)?;
        }
        for (name, scores) in averages {
            line(f, name, scores, self.samples as u64)?;
        }
        let absent: Vec<&str> =
            self.classes.iter().filter(|class| class.samples == 0).map(|class| class.name.as_str()).collect();
        if !absent.is_empty() && self.samples > 0 {
            writeln!(f, "not measured, as there are no samples: {}", absent.join(", "))?;
        }
        self.fmt_confusion(f, width)
    }
}

/// Above this many classes the matrix would not fit a terminal.
const WIDEST_MATRIX: usize = 20;

impl ClassificationReport {
    fn fmt_confusion(&self, f: &mut fmt::Formatter<'_>, width: usize) -> fmt::Result {
        if self.classes.len() > WIDEST_MATRIX {
            return Ok(());
        }
        write!(f, "\nconfusion matrix (row: true class, column: predicted)\n{:width$}", "")?;
        let most = self.confusion_matrix.iter().flatten().max().copied().unwrap_or(0);
        let names = self.classes.iter().map(|class| class.name.chars().count()).max().unwrap_or(0);
        let column = most.to_string().len().max(names.min(8));
        for class in &self.classes {
            write!(f, "  {:>column$}", class.name.chars().take(8).collect::<String>())?;
        }
        for (class, row) in self.classes.iter().zip(&self.confusion_matrix) {
            write!(f, "\n{:width$}", class.name)?;
            for count in row {
                // A dot for nothing lets the mistakes stand out.
                match count {
                    0 => write!(f, "  {:>column$}", "·")?,
                    count => write!(f, "  {count:>column$}")?,
                }
            }
        }
        Ok(())
    }
}

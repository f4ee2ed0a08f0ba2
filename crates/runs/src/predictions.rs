//! What a page says of predictions: the task's part, and which samples are most wrong.

use fireclay_report::{Classification, Intervals, MultiLabel, Regression, RegressionTarget, Scores, Task};
use fireclay_store::PredictionIntervals;
use fireclay_train::{PredictionTargets, Predictions, Task as Kind, argmax, sigmoid, softmax};

/// Parts of the test samples, for each of which intervals are made from the others.
const FOLDS: usize = 5;

/// The part of a page about predictions for the test samples, with the names of the classes, labels or numbers; `None` for tasks that
/// have no predictions sample by sample.
///
/// Of two classes the second is predicted from the probability `threshold` on, if one was chosen. `intervals` are those that the
/// model keeps of predicted numbers, made from these very predictions
/// ([`Trainer::keep_intervals`](fireclay_train::Trainer::keep_intervals)): how often they hold is measured with intervals that are made
/// from other samples each ([`PredictionIntervals::cross_fitted`]).
pub fn task(
    predictions: &Predictions,
    names: &[String],
    threshold: Option<f64>,
    intervals: Option<&PredictionIntervals>,
) -> Option<Task> {
    let width = predictions.width().max(1);
    let rows = || predictions.outputs().chunks_exact(width);
    match (predictions.task(), predictions.targets()) {
        (Kind::Classes { .. } | Kind::Binary, PredictionTargets::Classes(truth)) => {
            let predicted = rows().map(|row| decided(row, threshold)).collect();
            Some(Task::Classification(Classification {
                classes: names.to_vec(),
                truth: truth.iter().map(|class| *class as usize).collect(),
                predicted,
                scores: Some(Scores::Logits(predictions.outputs().to_vec())),
                threshold: threshold.filter(|_| names.len() == 2),
            }))
        }
        (Kind::MultiLabel { .. }, PredictionTargets::Values { values, .. }) => {
            Some(Task::MultiLabel(MultiLabel {
                labels: names.to_vec(),
                truth: values.iter().map(|value| *value > 0.5).collect(),
                predicted: predictions.outputs().iter().map(|logit| *logit > 0.0).collect(),
                scores: Some(Scores::Logits(predictions.outputs().to_vec())),
            }))
        }
        (Kind::Regression { .. }, PredictionTargets::Values { values, .. }) => {
            let column = |values: &[f32], index: usize| -> Vec<f64> {
                values.iter().skip(index).step_by(width).map(|value| f64::from(*value)).collect()
            };
            let target = |index: usize| {
                let predicted = column(predictions.outputs(), index);
                let intervals = intervals.filter(|_| width == 1).and_then(|intervals| {
                    let share = intervals.share;
                    let around =
                        PredictionIntervals::cross_fitted(predictions.outputs(), values, share, FOLDS)?;
                    let end = |end: usize| around.iter().map(|ends| f64::from(ends[end])).collect();
                    Some(Intervals { level: share, lower: end(0), upper: end(1), folds: Some(FOLDS) })
                });
                RegressionTarget {
                    name: names.get(index).cloned().unwrap_or_else(|| format!("number {}", index + 1)),
                    unit: None,
                    truth: column(values, index),
                    predicted,
                    intervals,
                }
            };
            Some(Task::Regression(Regression { targets: (0..width).map(target).collect() }))
        }
        _ => None,
    }
}

fn probabilities(row: &[f32]) -> Vec<f32> {
    let mut row = row.to_vec();
    softmax(&mut row);
    row
}

/// The class that is predicted.
fn decided(row: &[f32], threshold: Option<f64>) -> usize {
    match (row, threshold) {
        ([_, _], Some(threshold)) => usize::from(f64::from(probabilities(row)[1]) >= threshold),
        _ => argmax(row),
    }
}

/// A sample that is wrong, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// Which sample.
    pub index: usize,
    /// What is true of it.
    pub truth: String,
    /// What was predicted.
    pub predicted: String,
    /// The probability of that.
    pub probability: Option<f64>,
}

/// The samples that are wrong with the most confidence, or whose numbers are off by most; the worst first.
pub fn most_wrong(
    predictions: &Predictions,
    names: &[String],
    threshold: Option<f64>,
    most: usize,
) -> Vec<Wrong> {
    let width = predictions.width().max(1);
    let name = |class: usize| names.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
    let rows = predictions.outputs().chunks_exact(width).enumerate();
    let mut wrong: Vec<(f64, Wrong)> = match (predictions.task(), predictions.targets()) {
        (Kind::Classes { .. } | Kind::Binary, PredictionTargets::Classes(truth)) => rows
            .zip(truth)
            .filter_map(|((index, row), truth)| {
                let predicted = decided(row, threshold);
                let probability = f64::from(*probabilities(row).get(predicted)?);
                (predicted != *truth as usize).then(|| {
                    let (truth, predicted) = (name(*truth as usize), name(predicted));
                    (probability, Wrong { index, truth, predicted, probability: Some(probability) })
                })
            })
            .collect(),
        (Kind::MultiLabel { .. }, PredictionTargets::Values { values, .. }) => rows
            .zip(values.chunks_exact(width))
            .filter_map(|((index, row), truth)| {
                // By the label that is wrong with the most confidence.
                let of = |(logit, truth): (&f32, &f32)| {
                    let probability = sigmoid(*logit);
                    f64::from(if *truth > 0.5 { 1.0 - probability } else { probability })
                };
                let worst = row.iter().zip(truth).map(of).fold(0.0, f64::max);
                let labels = |holds: &dyn Fn(usize) -> bool| {
                    let all: Vec<String> = (0..width).filter(|label| holds(*label)).map(name).collect();
                    if all.is_empty() { "none".to_string() } else { all.join(", ") }
                };
                (worst > 0.5).then(|| {
                    let (truth, predicted) =
                        (labels(&|label| truth[label] > 0.5), labels(&|label| row[label] > 0.0));
                    (worst, Wrong { index, truth, predicted, probability: Some(worst) })
                })
            })
            .collect(),
        (Kind::Regression { .. }, PredictionTargets::Values { values, .. }) if width == 1 => rows
            .zip(values)
            .map(|((index, row), truth)| {
                let (truth, predicted) = (truth.to_string(), row[0].to_string());
                let off = f64::from((row[0] - values[index]).abs());
                (off, Wrong { index, truth, predicted, probability: None })
            })
            .collect(),
        _ => Vec::new(),
    };
    wrong.retain(|(badness, _)| badness.is_finite());
    wrong.sort_by(|(a, of_a), (b, of_b)| b.total_cmp(a).then(of_a.index.cmp(&of_b.index)));
    wrong.truncate(most);
    wrong.into_iter().map(|(_, wrong)| wrong).collect()
}

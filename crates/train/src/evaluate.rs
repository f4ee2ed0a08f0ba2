//! Measuring a network on a whole set, and asking it for predictions.

use std::num::NonZeroUsize;
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::{Batch, BatchTargets, Loader, Source, TargetKind};
use fireclay_nn::{Loss, Network, Target};
use serde::Serialize;
use std::fmt;

use crate::TrainError;
use crate::metrics::{
    AnyMetric, ClassificationReport, LanguageReport, PredictionTargets, Predictions, RegressionReport, Task,
    TokenSums, sigmoid,
};
use crate::running_means::count_correct;
use crate::trainer::task;
use crate::upload::upload;

/// Samples in one step of an evaluation. Fixed, because sums of floating-point numbers depend on how they are grouped,
/// and a saved model must give the very numbers it gave before it was saved.
const BATCH_SIZE: NonZeroUsize = NonZeroUsize::new(256).unwrap();

/// The most logits of one step where each token has one for every other: 64 MiB.
const MOST_LOGITS: usize = 1 << 24;

/// What a network does on a set of samples.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Samples.
    pub samples: usize,
    /// Mean loss, of the samples or, where the next tokens are predicted, of the tokens.
    pub loss: f64,
    /// Measures that fit the task.
    #[serde(flatten)]
    pub report: Report,
}

/// Measures of a classifier, of a language model or of a network that predicts numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// For cross-entropy, and for binary cross-entropy with one output.
    Classification(ClassificationReport),
    /// For cross-entropy where the next tokens are predicted.
    Language(LanguageReport),
    /// For all other losses.
    Regression(RegressionReport),
}

impl Evaluation {
    /// Share of right predictions, for classifiers and language models.
    pub fn accuracy(&self) -> Option<f64> {
        match &self.report {
            Report::Classification(report) => Some(report.accuracy),
            Report::Language(report) => Some(report.accuracy),
            Report::Regression(_) => None,
        }
    }

    /// `exp` of the mean cross-entropy of a token, for language models.
    pub fn perplexity(&self) -> Option<f64> {
        match &self.report {
            Report::Language(report) => Some(report.perplexity),
            _ => None,
        }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "loss     {:.6}", self.loss)?;
        match &self.report {
            Report::Classification(report) => report.fmt(f),
            Report::Language(report) => report.fmt(f),
            Report::Regression(report) => report.fmt(f),
        }
    }
}

/// Asks a network for its outputs, logits or numbers, for all samples in order: `[samples][outputs]`, or
/// `[samples * steps][outputs]` from a network with an output at each step.
///
/// Give it `network.valid()` while training. Probabilities of classes are the [`softmax`] of a row.
///
/// # Errors
/// [`TrainError::NoSamples`] for an empty source.
pub fn predict<N: Network>(
    network: &N,
    source: &Arc<dyn Source>,
    device: &Device,
) -> Result<Vec<Vec<f32>>, TrainError> {
    if source.is_empty() {
        return Err(TrainError::NoSamples { purpose: "predict" });
    }
    let mut rows = Vec::with_capacity(source.len());
    for batch in in_order(source) {
        let (input, _) = upload(batch, device);
        extend(&mut rows, network.forward(input));
    }
    Ok(rows)
}

/// Measures a network on all samples of a source, and takes the value of each metric.
pub(crate) fn evaluate<N: Network>(
    network: &N,
    source: &Arc<dyn Source>,
    loss: &Loss,
    names: &[String],
    metrics: &[AnyMetric],
    device: &Device,
) -> Result<(Evaluation, Vec<Option<f64>>), TrainError> {
    let samples = source.len();
    if samples == 0 {
        return Err(TrainError::NoSamples { purpose: "evaluate" });
    }
    if let TargetKind::NextTokens { .. } = source.target_kind() {
        return Ok(evaluate_tokens(network, source, loss, metrics, device));
    }
    let mut rows = Vec::with_capacity(samples);
    let mut labels: Vec<u32> = Vec::new();
    let mut values: Vec<Vec<f32>> = Vec::new();
    let mut total = 0.0;
    for batch in in_order(source) {
        match &batch.targets {
            BatchTargets::Classes(classes) | BatchTargets::NextTokens(classes) => labels.extend(classes),
            BatchTargets::MixedClasses { labels: first, partners, share } => {
                labels.extend(if *share >= 0.5 { first } else { partners });
            }
            BatchTargets::Values { width, values: new } => {
                values.extend(new.chunks((*width).max(1)).map(<[f32]>::to_vec));
            }
        }
        let count = batch.len() as f64;
        let (input, target) = upload(batch, device);
        let output = network.forward(input);
        total += count * f64::from(loss.forward(output.clone(), &target).into_scalar::<f32>());
        extend(&mut rows, output);
    }
    let task = task(loss, source.target_kind());
    let targets = match source.target_kind() {
        TargetKind::Values { width } => {
            PredictionTargets::Values { width, values: values.iter().flatten().copied().collect() }
        }
        _ => PredictionTargets::Classes(labels),
    };
    let predictions = Predictions::new(task, rows.iter().flatten().copied().collect(), targets);
    let report = match task {
        Task::Classes { .. } | Task::Binary => {
            Report::Classification(ClassificationReport::from_predictions(&predictions, names, None))
        }
        Task::MultiLabel { .. } => {
            rows.iter_mut().flatten().for_each(|value| *value = sigmoid(*value));
            Report::Regression(RegressionReport::new(&rows, &values))
        }
        _ => Report::Regression(RegressionReport::new(&rows, &values)),
    };
    let measured = metrics.iter().map(|metric| metric.measure(&predictions)).collect();
    Ok((Evaluation { samples, loss: total / samples as f64, report }, measured))
}

/// Measures a language model, keeping sums and nothing else: the logits of all tokens would be a table of the text times
/// the vocabulary.
fn evaluate_tokens<N: Network>(
    network: &N,
    source: &Arc<dyn Source>,
    loss: &Loss,
    metrics: &[AnyMetric],
    device: &Device,
) -> (Evaluation, Vec<Option<f64>>) {
    let plain = Loss::cross_entropy();
    let (mut total, mut cross_entropy, mut correct, mut tokens) = (0.0, 0.0, 0, 0);
    for batch in in_order(source) {
        let (input, target) = upload(batch, device);
        let output = network.forward(input);
        let [rows, _] = output.dims();
        let sum =
            |loss: &Loss| rows as f64 * f64::from(loss.forward(output.clone(), &target).into_scalar::<f32>());
        let surprise = sum(&plain);
        cross_entropy += surprise;
        total += if *loss == plain { surprise } else { sum(loss) };
        tokens += rows;
        if let Target::Classes(next) = &target {
            correct += count_correct(output, next) as usize;
        }
    }
    let report = Report::Language(LanguageReport::new(cross_entropy, correct, tokens));
    let TargetKind::NextTokens { vocabulary_size } = source.target_kind() else {
        unreachable!("asked for next tokens only")
    };
    let sums = TokenSums { cross_entropy, correct: correct as f64, tokens: tokens as f64 };
    let predictions = Predictions::from_token_sums(vocabulary_size, sums);
    let values = metrics.iter().map(|metric| metric.measure(&predictions)).collect();
    (Evaluation { samples: source.len(), loss: total / tokens.max(1) as f64, report }, values)
}

pub(crate) fn in_order(source: &Arc<dyn Source>) -> impl Iterator<Item = Batch> {
    let order = (0..source.len() as u32).collect();
    Loader::new(source.clone(), order, batch_size(&**source), 0)
}

/// Samples in one step: fewer where the logits of many would not fit into memory.
fn batch_size(source: &dyn Source) -> NonZeroUsize {
    let TargetKind::NextTokens { vocabulary_size } = source.target_kind() else {
        return BATCH_SIZE;
    };
    let tokens: usize = source.sample_shape().iter().product();
    let samples = MOST_LOGITS / tokens.saturating_mul(vocabulary_size).max(1);
    NonZeroUsize::new(samples).unwrap_or(NonZeroUsize::MIN).min(BATCH_SIZE)
}

fn extend(rows: &mut Vec<Vec<f32>>, output: burn::tensor::Tensor<2>) {
    let [_, outputs] = output.dims();
    let values: Vec<f32> = output.into_data().iter::<f32>().collect();
    rows.extend(values.chunks(outputs.max(1)).map(<[f32]>::to_vec));
}

//! Measuring a network on a whole set, and asking it for its outputs.

use std::fmt;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use fireclay_data::{Batch, BatchTargets, DataError, Normalization, Source};
use fireclay_nn::{CrossEntropyLoss, Loss, Network, TargetType, batch_loss};
use serde::Serialize;

use crate::batches::{batches_of, in_order, in_order_part};
use crate::error::TrainError;
use crate::metrics::{
    AnyMetric, ClassificationReport, Collected, LanguageReport, MultiLabelReport, PredictionTargets,
    Predictions, RegressionReport, Task, TokenSums, sigmoid,
};
use crate::objective;
use crate::ranks::{MeasuredBatch, Ranks};
use crate::training_sums::is_first_greatest;
use crate::upload::{Uploaded, check_batch, upload};

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
    /// The trainer's metrics by name, as far as they exist for these samples.
    #[serde(skip)]
    pub metrics: Vec<(String, f64)>,
}

/// Measures of a classifier, of a language model or of a network that predicts numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Report {
    /// For classes, of samples or of steps, and for yes or no.
    Classification(ClassificationReport),
    /// Where a sample may have any number of labels.
    MultiLabel(MultiLabelReport),
    /// Where the next tokens are predicted.
    Language(LanguageReport),
    /// For numbers.
    Regression(RegressionReport),
}

impl Evaluation {
    /// Share of right predictions, for classifiers and language models.
    pub fn accuracy(&self) -> Option<f64> {
        match &self.report {
            Report::Classification(report) => Some(report.accuracy),
            Report::Language(report) => Some(report.accuracy),
            Report::Regression(_) | Report::MultiLabel(_) => None,
        }
    }

    /// `exp` of the mean cross-entropy of a token, for language models.
    pub fn perplexity(&self) -> Option<f64> {
        match &self.report {
            Report::Language(report) => Some(report.perplexity),
            _ => None,
        }
    }

    /// One of the trainer's metrics by its name, such as `f1`; `None` if it is not among them or does not exist for these
    /// samples.
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "loss     {:.6}", self.loss)?;
        match &self.report {
            Report::Classification(report) => report.fmt(f),
            Report::MultiLabel(report) => report.fmt(f),
            Report::Language(report) => report.fmt(f),
            Report::Regression(report) => report.fmt(f),
        }
    }
}

/// Asks a network for its outputs, logits or numbers, for all samples in order: `[samples][outputs]`, or
/// `[samples * steps][outputs]` from a network with an output at each step.
///
/// Give it `network.valid()` while training. Probabilities of classes are the [`softmax`](crate::softmax) of a row.
///
/// # Errors
/// [`TrainError::NoSamples`] for an empty source, and what the source reports.
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
        let batch = batch?;
        check_batch(&batch, &**source, TargetType::Any)?;
        let output = network.forward(upload(batch, &**source, device).input);
        let [_, outputs] = output.dims();
        rows.extend(values(output).chunks(outputs.max(1)).map(<[f32]>::to_vec));
    }
    Ok(rows)
}

/// Batches that a rank measures before it shows the others what came of them.
const BATCHES_AT_ONCE: usize = 8;

/// What is measured with: a loss and metrics, for a task.
pub(crate) struct Measures<'a> {
    /// Among whom the batches are shared, if there are others.
    pub(crate) ranks: Option<&'a Ranks>,
    pub(crate) loss: &'a dyn Loss,
    pub(crate) metrics: &'a [AnyMetric],
    pub(crate) task: Task,
    /// Above which probability the second of two classes is predicted, if that has been chosen.
    pub(crate) threshold: Option<f64>,
}

/// The loss and the metrics of a network on all samples of a source.
pub(crate) struct Measurement {
    pub(crate) loss: f64,
    pub(crate) metrics: Vec<(String, f64)>,
}

impl Measures<'_> {
    /// Measures a network without keeping its outputs, but for metrics that do.
    pub(crate) fn measure<N: Network>(
        &self,
        network: &N,
        source: &Arc<dyn Source>,
        device: &Device,
    ) -> Result<Measurement, TrainError> {
        let mut accumulators: Vec<_> = self.metrics.iter().map(AnyMetric::accumulator).collect();
        let loss = self.pass(network, source, device, |predictions| {
            accumulators.iter_mut().for_each(|accumulator| accumulator.update(predictions));
        })?;
        let metrics = accumulators
            .iter()
            .filter_map(|accumulator| Some((accumulator.metric().name(), accumulator.value()?)))
            .collect();
        Ok(Measurement { loss, metrics })
    }

    /// Measures a network and reports on it in full; with all predictions that the report was made from.
    pub(crate) fn evaluate<N: Network>(
        &self,
        network: &N,
        source: &Arc<dyn Source>,
        device: &Device,
    ) -> Result<(Evaluation, Predictions), TrainError> {
        let mut all = Collected::default();
        let loss = self.pass(network, source, device, |predictions| all.update(predictions))?;
        let all = all.into_predictions().ok_or(TrainError::NoSamples { purpose: "evaluate" })?;
        let metrics =
            (self.metrics.iter()).filter_map(|metric| Some((metric.name(), metric.measure(&all)?))).collect();
        let names = source.metadata().classes;
        let report = match self.task {
            Task::NextToken { .. } => {
                let TokenSums { cross_entropy, correct, tokens } = all.token_sums();
                Report::Language(LanguageReport::new(cross_entropy, correct as usize, tokens as usize))
            }
            Task::Regression { .. } => Report::Regression(self.regression(&all)),
            Task::MultiLabel { .. } => Report::MultiLabel(MultiLabelReport::new(&all, &names, 0.5)),
            _ => {
                let threshold = self.threshold.filter(|_| names.len() == 2);
                Report::Classification(ClassificationReport::from_predictions(&all, &names, threshold))
            }
        };
        Ok((Evaluation { samples: source.len(), loss, report, metrics }, all))
    }

    /// Numbers as they are; of logits that stand for numbers from 0 to 1 these.
    fn regression(&self, all: &Predictions) -> RegressionReport {
        let mut outputs = all.outputs().to_vec();
        if self.loss.targets() == TargetType::Probabilities {
            outputs.iter_mut().for_each(|logit| *logit = sigmoid(*logit));
        }
        let rows =
            |values: &[f32]| values.chunks(all.width().max(1)).map(<[f32]>::to_vec).collect::<Vec<_>>();
        let PredictionTargets::Values { values, .. } = all.targets() else {
            unreachable!("numbers are values")
        };
        RegressionReport::new(&rows(&outputs), &rows(values))
    }

    /// All outputs of a network with what they should have been.
    pub(crate) fn predictions<N: Network>(
        &self,
        network: &N,
        source: &Arc<dyn Source>,
        device: &Device,
    ) -> Result<Predictions, TrainError> {
        let mut all = Collected::default();
        self.pass(network, source, device, |predictions| all.update(predictions))?;
        all.into_predictions().ok_or(TrainError::NoSamples { purpose: "predict" })
    }

    /// Shows all predictions, batch by batch, and returns the mean loss.
    fn pass<N: Network>(
        &self,
        network: &N,
        source: &Arc<dyn Source>,
        device: &Device,
        mut show: impl FnMut(&Predictions),
    ) -> Result<f64, TrainError> {
        if source.is_empty() {
            return Err(TrainError::NoSamples { purpose: "evaluate" });
        }
        let (mut total, mut weight) = (0.0, 0.0);
        let mut take_in = |batch: MeasuredBatch| {
            total += batch.loss;
            weight += batch.counted;
            show(&batch.predictions);
        };
        match self.ranks {
            None => self.each_batch(network, source, device, in_order(source), take_in)?,
            // In rounds, so that no rank holds the outputs of all samples.
            Some(ranks) => {
                let (batches, at_once) = (batches_of(&**source), ranks.size() * BATCHES_AT_ONCE);
                for first in (0..batches).step_by(at_once) {
                    let own = ranks.part((batches - first).min(at_once));
                    let own = in_order_part(source, first + own.start..first + own.end);
                    let mut measured = Vec::new();
                    self.each_batch(network, source, device, own, |batch| measured.push(batch))?;
                    ranks.all_measured(&measured, self.task)?.into_iter().for_each(&mut take_in);
                }
            }
        }
        Ok(if weight > 0.0 { total / weight } else { 0.0 })
    }

    /// Measures some batches.
    fn each_batch<N: Network>(
        &self,
        network: &N,
        source: &Arc<dyn Source>,
        device: &Device,
        batches: impl Iterator<Item = Result<Batch, DataError>>,
        mut take_in: impl FnMut(MeasuredBatch),
    ) -> Result<(), TrainError> {
        let scale = source.metadata().target_scale;
        let needs_outputs = match self.task {
            Task::NextToken { .. } => self.metrics.iter().any(|metric| metric.needs_outputs(self.task)),
            _ => true,
        };
        for batch in batches {
            let batch = batch?;
            check_batch(&batch, &**source, self.loss.targets())?;
            let (targets, row_weights) = (prediction_targets(&batch), batch.weights.clone());
            let Uploaded { input, target, weights } = upload(batch, &**source, device);
            let output = network.forward(input);
            let [rows, _] = output.dims();
            let tensor = weights.as_ref().map(|weights| &weights.tensor);
            let mean = |loss: &dyn Loss| {
                f64::from(batch_loss(loss, output.clone(), &target, tensor).into_scalar::<f32>())
            };
            let counted = weights.as_ref().map_or(rows as f64, |weights| weights.total);
            let loss = mean(self.loss);

            if !needs_outputs && weights.is_none() {
                let Task::NextToken { vocabulary_size } = self.task else { unreachable!("only then") };
                let plain = match objective::has_perplexity(self.loss, self.task) {
                    true => loss,
                    false => mean(&CrossEntropyLoss::new()),
                };
                let correct = correct(&output, &targets) as f64;
                let sums = TokenSums { cross_entropy: counted * plain, correct, tokens: counted };
                let predictions = Predictions::from_token_sums(vocabulary_size, sums);
                take_in(MeasuredBatch { loss: counted * loss, counted, predictions });
                continue;
            }
            let (mut outputs, mut targets) = (values(output), targets);
            if let (Some(scale), PredictionTargets::Values { values, .. }) = (&scale, &mut targets) {
                unscale(&mut outputs, scale);
                unscale(values, scale);
            }
            let mut predictions = Predictions::new(self.task, outputs, targets);
            if let Some(weights) = row_weights {
                predictions = predictions.with_weights(weights);
            }
            take_in(MeasuredBatch { loss: counted * loss, counted, predictions });
        }
        Ok(())
    }
}

/// Numbers in their own units again.
pub(crate) fn unscale(values: &mut [f32], scale: &Normalization) {
    let width = scale.mean.len().max(1);
    for row in values.chunks_exact_mut(width) {
        for ((value, mean), std) in row.iter_mut().zip(&scale.mean).zip(&scale.std) {
            *value = *value * std + mean;
        }
    }
}

fn values(output: Tensor<2>) -> Vec<f32> {
    output.into_data().convert::<f32>().try_into_vec::<f32>().expect("converted just now")
}

/// What outputs are compared with; a sample that is mixed from two counts for the class of which it has more.
fn prediction_targets(batch: &Batch) -> PredictionTargets {
    match &batch.targets {
        BatchTargets::Classes(classes)
        | BatchTargets::StepClasses(classes)
        | BatchTargets::ClassesWithLogits { labels: classes, .. }
        | BatchTargets::NextTokens(classes) => PredictionTargets::Classes(classes.clone()),
        BatchTargets::MixedClasses { labels, partners, share } => {
            PredictionTargets::Classes(if *share >= 0.5 { labels.clone() } else { partners.clone() })
        }
        BatchTargets::Values { width, values } | BatchTargets::Labels { width, values } => {
            PredictionTargets::Values { width: *width, values: values.clone() }
        }
    }
}

/// Counts the rows whose greatest value, the first of equal ones, is that of their class.
fn correct(output: &Tensor<2>, targets: &PredictionTargets) -> usize {
    let PredictionTargets::Classes(classes) = targets else { return 0 };
    let [_, width] = output.dims();
    let values = values(output.clone());
    let rows = values.chunks_exact(width.max(1)).zip(classes);
    rows.filter(|(row, class)| is_first_greatest(row, **class as usize)).count()
}

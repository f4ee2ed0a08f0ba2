//! The JSON Lines that `--json` prints. Each has a `type`; the README of each program lists the fields with what they
//! mean.
#![allow(missing_docs, reason = "the fields are explained for those who read the JSON, in the README files")]

use std::collections::BTreeMap;

use fireclay::data::{DataReport, TextSamples};
use fireclay::nn::Summary;
use fireclay::report::AuditReport;
use fireclay::store::PrivacyCard;
use fireclay::train::{
    AdversarialOptions, AnyMetric, ClassificationReport, Evaluation, LanguageReport, LearningRatePoint,
    ParameterGroup, PrivacyOptions, RegressionReport, Report, SuggestionRule, SweepEnd, TrainingCheck,
};
use serde::Serialize;

/// The training that begins.
#[derive(Serialize)]
#[serde(tag = "type", rename = "training")]
pub struct Training<'a> {
    pub model: &'a str,
    pub parameters: usize,
    pub dataset: &'a str,
    pub limit: Option<u32>,
    pub training_samples: usize,
    pub test_samples: usize,
    pub optimizer: &'a serde_json::Value,
    pub groups: &'a [ParameterGroup],
    pub schedule: String,
    pub warm_up: f64,
    pub accumulate: usize,
    pub averaging: Option<String>,
    pub clip_value: Option<f64>,
    pub clip_norm: Option<f64>,
    pub precision: String,
    pub privacy: Option<PrivacyOptions>,
    pub adversarial: Option<AdversarialOptions>,
    pub sync_batch_norm: bool,
    pub label_smoothing: f32,
    pub class_weights: &'a str,
    pub preprocessing: Vec<String>,
    pub batch_size: usize,
    pub epochs: usize,
    pub validation_split: f64,
    pub metrics: Vec<String>,
    pub keep_best: bool,
    pub monitor: Option<&'a str>,
    pub patience: Option<usize>,
    pub seed: u64,
    pub device: String,
    pub threads: usize,
    pub ranks: usize,
    pub resumed: bool,
}

/// A model's measures on a test set.
#[derive(Serialize)]
#[serde(tag = "type", rename = "evaluation")]
pub struct EvaluationRecord<'a> {
    pub dataset: &'a str,
    pub split: &'a str,
    pub samples: usize,
    pub loss: f64,
    pub report: Option<&'a ClassificationReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'a LanguageReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regression: Option<&'a RegressionReport>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, Option<f64>>,
}

impl<'a> EvaluationRecord<'a> {
    pub fn new(dataset: &'a str, split: &'a str, evaluation: &'a Evaluation, metrics: &[AnyMetric]) -> Self {
        let value = |metric: &AnyMetric| (metric.name(), evaluation.metric(&metric.name()));
        EvaluationRecord {
            dataset,
            split,
            samples: evaluation.samples,
            loss: evaluation.loss,
            report: match &evaluation.report {
                Report::Classification(report) => Some(report),
                _ => None,
            },
            language: match &evaluation.report {
                Report::Language(report) => Some(report),
                _ => None,
            },
            regression: match &evaluation.report {
                Report::Regression(report) => Some(report),
                _ => None,
            },
            metrics: metrics.iter().map(value).collect(),
        }
    }
}

/// What a private training spent.
#[derive(Serialize)]
#[serde(tag = "type", rename = "privacy")]
pub struct PrivacyRecord<'a> {
    #[serde(flatten)]
    pub privacy: &'a PrivacyCard,
}

/// A file that was written.
#[derive(Serialize)]
#[serde(tag = "type", rename = "saved")]
pub struct Saved<'a> {
    pub file: String,
    pub bytes: u64,
    pub dataset: &'a str,
}

/// What a step of a training on several ranks exchanged, as rank 0 saw it.
#[derive(Serialize)]
#[serde(tag = "type", rename = "exchange")]
pub struct ExchangeRecord {
    pub ranks: usize,
    pub steps: u64,
    pub step_seconds: f64,
    pub exchange_seconds: f64,
    pub sent_bytes: f64,
    pub received_bytes: f64,
}

/// What a training left in the folder of its run.
#[derive(Serialize)]
#[serde(tag = "type", rename = "run_saved")]
pub struct RunMade {
    pub name: String,
    pub folder: String,
    pub report: String,
}

/// A run in a list.
#[derive(Serialize)]
#[serde(tag = "type", rename = "run")]
pub struct RunLine {
    pub name: String,
    pub status: &'static str,
    pub dataset: Option<String>,
    pub epochs: usize,
    pub measures: std::collections::BTreeMap<String, Option<f64>>,
    pub started: u64,
    pub seconds: f64,
}

/// Runs that were compared.
#[derive(Serialize)]
#[serde(tag = "type", rename = "compared_runs")]
pub struct ComparedRuns {
    pub runs: Vec<String>,
    pub file: String,
}

/// The losses over growing learning rates.
#[derive(Serialize)]
#[serde(tag = "type", rename = "learning_rate_curve")]
pub struct LearningRateRecord<'a> {
    pub model: &'a str,
    pub parameters: usize,
    pub dataset: &'a str,
    pub limit: Option<u32>,
    pub training_samples: usize,
    pub optimizer: String,
    pub learning_rate: f64,
    pub batch_size: usize,
    pub accumulate: usize,
    pub seed: u64,
    pub device: String,
    pub threads: usize,
    pub min_learning_rate: f64,
    pub max_learning_rate: f64,
    pub steps: usize,
    pub points: &'a [LearningRatePoint],
    pub ended: SweepEnd,
    pub suggestion: Option<f64>,
    pub rule: Option<SuggestionRule>,
    pub steepest_descent: Option<f64>,
    pub reason: Option<String>,
    pub command: Option<&'a str>,
    pub file: Option<String>,
}

/// A check of a training.
#[derive(Default, Serialize)]
#[serde(tag = "type", rename = "training_check")]
pub struct TrainingCheckRecord {
    pub ready: bool,
    pub command: String,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
    pub model: Option<String>,
    pub data: Option<CheckedData>,
    pub devices: Vec<CheckedDevice>,
    pub peak_memory_bytes: Option<u64>,
    pub files: Option<CheckedFiles>,
}

/// The data of a training that was checked.
#[derive(Serialize)]
pub struct CheckedData {
    pub dataset: String,
    pub training_samples: usize,
    pub validation_samples: usize,
    pub test_samples: usize,
    pub classes: usize,
    pub problems: Vec<String>,
    pub warnings: Vec<String>,
}

/// A device that a training was checked on.
#[derive(Serialize)]
pub struct CheckedDevice {
    pub device: String,
    pub problem: Option<String>,
    pub check: Option<TrainingCheck>,
    pub epochs: Option<usize>,
    pub total_seconds: Option<f64>,
}

/// What a training that was checked would write.
#[derive(Serialize)]
pub struct CheckedFiles {
    pub out: String,
    pub runs: Option<String>,
    pub model_bytes: Option<u64>,
    pub checkpoint_bytes: Option<u64>,
    pub needed_bytes: Option<u64>,
    pub free_bytes: Option<u64>,
}

/// A training that was interrupted.
#[derive(Serialize)]
#[serde(tag = "type", rename = "interrupted")]
pub struct Interrupted {
    pub checkpoint: String,
    pub resume: String,
}

/// The prediction for a picture.
#[derive(Serialize)]
#[serde(tag = "type", rename = "prediction")]
pub struct Prediction<'a> {
    pub file: String,
    pub class: &'a str,
    pub top: Vec<ClassProbability<'a>>,
    pub trained_on: Option<&'a str>,
    pub notes: &'a [String],
}

/// A class and its probability.
#[derive(Serialize, Clone, Copy)]
pub struct ClassProbability<'a> {
    pub class: &'a str,
    pub probability: f32,
}

/// A model layer by layer.
#[derive(Serialize)]
#[serde(tag = "type", rename = "summary")]
pub struct SummaryRecord<'a> {
    pub parameters: usize,
    pub frozen: usize,
    pub buffers: usize,
    pub flops: u64,
    pub recipe: Option<&'a str>,
    pub trained_on: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privacy: Option<&'a PrivacyCard>,
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    pub adversarial: serde_json::Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    #[serde(flatten)]
    pub summary: &'a Summary,
}

/// What a data set consists of.
#[derive(Serialize)]
#[serde(tag = "type", rename = "data")]
pub struct DataRecord<'a> {
    pub sheet: Option<String>,
    pub vocabulary: Option<String>,
    pub samples: Option<&'a TextSamples>,
    #[serde(flatten)]
    pub report: &'a DataReport,
}

/// The prediction for a text.
#[derive(Serialize)]
#[serde(tag = "type", rename = "prediction")]
pub struct TextPrediction<'a> {
    pub text: &'a str,
    pub class: &'a str,
    pub top: Vec<ClassProbability<'a>>,
    pub trained_on: Option<&'a str>,
}

/// A text that a language model generated.
#[derive(Serialize)]
#[serde(tag = "type", rename = "generation")]
pub struct Generation<'a> {
    pub prompt: &'a str,
    pub text: &'a str,
    pub words: usize,
    pub temperature: f32,
    pub top_k: Option<usize>,
    pub top_p: f32,
    pub seed: u64,
    pub trained_on: Option<&'a str>,
}

/// The words nearest to one in a model's embedding.
#[derive(Serialize)]
#[serde(tag = "type", rename = "neighbours")]
pub struct Neighbours<'a> {
    pub word: &'a str,
    pub neighbours: Vec<Neighbour<'a>>,
    pub trained_on: Option<&'a str>,
}

/// A word and its cosine similarity to another.
#[derive(Serialize)]
pub struct Neighbour<'a> {
    pub word: &'a str,
    pub cosine: f32,
}

/// A model's measures beside those of simple ones.
#[derive(Serialize)]
#[serde(tag = "type", rename = "comparison")]
pub struct Comparison<'a> {
    pub constant: &'a str,
    pub measures: &'a [Measure],
}

/// A model that was made smaller, beside the one that it was made of.
#[derive(Serialize)]
#[serde(tag = "type", rename = "compression")]
pub struct CompressionRecord<'a> {
    pub file: String,
    #[serde(flatten)]
    pub details: CompressionDetails,
    pub dataset: &'a str,
    pub split: &'a str,
    pub samples: usize,
    pub before: CompressedModel<'a>,
    pub after: CompressedModel<'a>,
}

/// How it was made smaller.
#[derive(Serialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum CompressionDetails {
    /// Computing in 8-bit whole numbers.
    Int8 { training_samples: usize, compared_samples: usize, lost: f64, layers: Vec<CompressedLayer> },
    /// With weights in two bytes each.
    Bf16 {},
    /// Without channels.
    Prune { training_samples: usize, score: &'static str, channels: Vec<PrunedChannels>, epochs: usize },
    /// With single weights at 0.
    Sparsity { share: f64, tensors: Vec<SparseWeights>, epochs: usize },
    /// Taught by another model.
    Distill { teacher: String, temperature: f32, teacher_share: f32, epochs: usize },
}

/// How many weights of a tensor are 0.
#[derive(Serialize)]
pub struct SparseWeights {
    pub name: String,
    pub weights: usize,
    pub zeros: usize,
}

/// What became of a layer.
#[derive(Serialize)]
pub struct CompressedLayer {
    pub name: String,
    pub computes_in: &'static str,
    pub weights: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<f64>,
}

/// Channels that go together, before and after.
#[derive(Serialize)]
pub struct PrunedChannels {
    pub layers: Vec<String>,
    pub before: usize,
    pub after: usize,
}

/// Size, speed and measures of a model; the latency is in seconds.
#[derive(Serialize)]
pub struct CompressedModel<'a> {
    pub bytes: u64,
    pub parameters: usize,
    pub flops: u64,
    pub latency: f64,
    pub samples_per_second: f64,
    pub measures: &'a [Measure],
}

/// One measure of a model, and of a linear model and a constant answer.
#[derive(Serialize)]
pub struct Measure {
    pub name: String,
    pub model: Option<f64>,
    pub interval: Option<[f64; 2]>,
    pub linear: Option<f64>,
    pub constant: Option<f64>,
}

/// What an audit found.
#[derive(Serialize)]
#[serde(tag = "type", rename = "audit")]
pub struct AuditRecord {
    pub file: String,
    pub weights_sha256: Option<String>,
    #[serde(flatten)]
    pub report: AuditReport,
}

impl AuditRecord {
    /// Without the points of curves and without pictures, which are for the page.
    pub fn new(file: &std::path::Path, weights_sha256: Option<String>, mut report: AuditReport) -> Self {
        if let Some(privacy) = &mut report.privacy {
            privacy.attacks.iter_mut().for_each(|attack| attack.curve.clear());
        }
        if let Some(robustness) = &mut report.robustness {
            robustness.pictures.clear();
        }
        AuditRecord { file: file.display().to_string(), weights_sha256, report }
    }
}

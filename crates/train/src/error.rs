//! What can go wrong while training.

use fireclay_data::{DataError, TargetKind};
use fireclay_distribute::GroupError;
use fireclay_nn::{InputSpec, NnError};
use fireclay_store::StoreError;

/// Why a training, an evaluation or a prediction could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A network that is not to be trained.
    #[error("the network cannot be trained: {reason}")]
    OnlyAnswers {
        /// Why, and what to do.
        reason: &'static str,
    },
    /// A setting outside its range.
    #[error("{setting} is {found}; expected {expected}")]
    Setting {
        /// The setting's name, as the flags spell it.
        setting: &'static str,
        /// The value as given.
        found: String,
        /// The values that are accepted.
        expected: &'static str,
    },
    /// A private training of what would give away more than is counted.
    #[error("the training cannot be private: {reason}")]
    NotPrivate {
        /// Why, and what to do.
        reason: String,
    },
    /// Samples that are to be changed as pictures, and are none.
    #[error(
        "samples are {shape:?} numbers; an adversarial change is of pictures, of channels, height and width"
    )]
    NotPictures {
        /// The shape of a sample.
        shape: Vec<usize>,
    },
    /// The operating system gave no random numbers for the noise of a private training.
    #[error("no random numbers for the noise of a private training: {reason}")]
    Noise {
        /// What it reported.
        reason: String,
    },
    /// A group of parameters that the network does not have.
    #[error("no parameter is called '{pattern}'; the network has {}", known.join(", "))]
    Parameters {
        /// The name or pattern.
        pattern: String,
        /// Names that there are, not all of them if they are many.
        known: Vec<String>,
    },
    /// A data set without samples.
    #[error("there are no samples to {purpose}; expected 1 or more")]
    NoSamples {
        /// `train on`, `evaluate`, ...
        purpose: &'static str,
    },
    /// The network gives another number of outputs than the data has classes or targets.
    #[error("the network gives {found} outputs for each sample; the data needs {expected}")]
    Outputs {
        /// Outputs of the network.
        found: usize,
        /// What the data needs, in words.
        expected: String,
    },
    /// The network gives its outputs at each step and the data has one target for a sample, or the reverse.
    #[error(
        "the network gives {found} rows of outputs for a sample; the data needs {expected}: one for each sample of a classifier or a regression, one for each step where the next tokens are predicted"
    )]
    OutputSteps {
        /// Rows of the network's outputs for one sample.
        found: usize,
        /// Rows that the data needs.
        expected: usize,
    },
    /// The data has another shape than the network takes.
    #[error("a sample of the data is {found}; the network takes {expected}")]
    Inputs {
        /// One sample.
        found: InputSpec,
        /// What the network takes.
        expected: InputSpec,
    },
    /// Samples that are neither rows nor sequences nor images nor tokens.
    #[error(
        "a sample of the data is {found:?}; expected [features], [steps, features], [channels, height, width] or [tokens]"
    )]
    Rank {
        /// Shape of one sample.
        found: Vec<usize>,
    },
    /// The data has tokens that the network does not know.
    #[error(
        "the data has a vocabulary of {found} tokens; the network's embedding knows {expected}, so set num_embeddings to {found} or more, or number fewer words"
    )]
    Vocabulary {
        /// Tokens of the data.
        found: usize,
        /// Tokens of the network.
        expected: usize,
    },
    /// The loss does not go with the kind of targets.
    #[error("the loss '{loss}' needs {expected} as targets; the data has {found}")]
    Targets {
        /// The loss.
        loss: String,
        /// The kind that it needs.
        expected: &'static str,
        /// The kind that the data has.
        found: &'static str,
    },
    /// A source gave a batch that is not what it says.
    #[error("a batch of the source has {found} {what}; expected {expected}")]
    Batch {
        /// What there is too much or too little of.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A source gave tokens and says that it has numbers, or the reverse.
    #[error(
        "a batch of the source has tokens as '{name}' where its `feature_kind` says numbers, or the reverse"
    )]
    BatchFeatures {
        /// The input.
        name: String,
    },
    /// A source gave other targets than it says.
    #[error(
        "a batch of the source has targets of another kind than its `target_kind`, which says {expected:?}"
    )]
    BatchTargets {
        /// What it says.
        expected: TargetKind,
    },
    /// A class that does not exist.
    #[error("sample {sample} is of class {class}; there are {classes} classes, counted from 0")]
    ClassOutOfRange {
        /// Which sample of the source.
        sample: u32,
        /// Its class.
        class: u32,
        /// How many there are.
        classes: usize,
    },
    /// A target that the loss does not take.
    #[error("sample {sample} has {value} as its target; the loss needs numbers that are {expected}")]
    TargetOutOfRange {
        /// Which sample of the source.
        sample: u32,
        /// Its target.
        value: f32,
        /// What is needed.
        expected: &'static str,
    },
    /// A weight of a sample that cannot be.
    #[error("sample {sample} has weight {weight}; expected a finite number that is 0 or more")]
    Weight {
        /// Which sample of the source.
        sample: u32,
        /// Its weight.
        weight: f32,
    },
    /// A part of the training that is the user's own and was not given.
    #[error(
        "the {part} is '{expected}', which is not built in, and the trainer has '{found}'; give it with `Trainer::{part}`"
    )]
    OwnPart {
        /// `loss`, `optimizer` or `schedule`.
        part: &'static str,
        /// The name in the file.
        expected: String,
        /// The name of what the trainer has.
        found: String,
    },
    /// Validation samples given in two ways.
    #[error(
        "validation samples are given by `Trainer::validation` and `validation_split` is {split}; use one of the two"
    )]
    TwoValidations {
        /// The share that would be split off.
        split: f64,
    },
    /// The loss became NaN or infinite.
    #[error(
        "the loss became {loss} in epoch {epoch} at step {step}, with learning rate {learning_rate}; first not finite: {culprit}; the network is as it was {kept}, so try a lower learning rate"
    )]
    NotFinite {
        /// The loss.
        loss: f64,
        /// The epoch, counted from 1.
        epoch: usize,
        /// The step within the epoch, counted from 1.
        step: usize,
        /// The learning rate of that step.
        learning_rate: f64,
        /// The layer or the weight where it was first seen.
        culprit: String,
        /// `before training` or `at the end of epoch 3`.
        kept: String,
    },
    /// A callback watches a value that is not measured.
    #[error(
        "nothing called '{found}' is measured; there are {known} (values with 'val_' need validation samples: a validation split, or `Trainer::validation`)"
    )]
    UnknownMetric {
        /// The name as given.
        found: String,
        /// The names that there are, separated by commas.
        known: String,
    },
    /// The checkpoint was made on other data.
    #[error(
        "the checkpoint was made on {expected}, and this is {found}; resume with the same data and settings"
    )]
    OtherData {
        /// What the checkpoint was made on.
        expected: String,
        /// What was offered.
        found: String,
    },
    /// A checkpoint that contradicts itself.
    #[error("the checkpoint is broken: its {field} {problem}; start again, or go on from another checkpoint")]
    Checkpoint {
        /// What is wrong.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A network without anything to train.
    #[error("the network has no parameters that training could change; are all layers frozen?")]
    NothingToTrain,
    /// A name that no metric has.
    #[error("no metric is called '{found}'{suggestion}; there are {known}")]
    MetricName {
        /// The name as given.
        found: String,
        /// `; did you mean '...'?`, or nothing.
        suggestion: String,
        /// The names that there are, separated by commas.
        known: String,
    },
    /// A metric that the task does not have.
    #[error("{metric} cannot be measured for {task}; choose {known}")]
    Metric {
        /// The metric.
        metric: String,
        /// The task.
        task: String,
        /// Built-in metrics of that task.
        known: String,
    },
    /// Data prepared in another way than the data that the network was trained on.
    #[error(
        "the network was trained on data normalised by mean {expected_mean:?} and deviation {expected_std:?}, and this data is normalised by mean {found_mean:?} and deviation {found_std:?}; prepare it alike with `with_normalization`"
    )]
    Preprocessing {
        /// Mean at the training.
        expected_mean: Vec<f32>,
        /// Deviation at the training.
        expected_std: Vec<f32>,
        /// Mean of this data.
        found_mean: Vec<f32>,
        /// Deviation of this data.
        found_std: Vec<f32>,
    },
    /// Data whose batches are shorter than the network can take.
    #[error(
        "the network takes {expected} and no fewer, as it lays them out side by side; leave the data without `bucketed_by_length`"
    )]
    Bucketed {
        /// What it takes.
        expected: InputSpec,
    },
    /// Texts that were encoded in another way than those that the network was trained on.
    #[error(
        "the network was trained on texts encoded with a vocabulary of {expected} tokens, and these are encoded in another way, with one of {found}; encode them with `Trainer::text_preprocessing`"
    )]
    TextPreprocessing {
        /// Tokens of the vocabulary at the training.
        expected: usize,
        /// Tokens of the vocabulary of this data.
        found: usize,
    },
    /// Rows of a table that were encoded in another way than those that the network was trained on.
    #[error(
        "the network was trained on rows of a table that were encoded in another way than these; encode them with `Trainer::table_preprocessing`"
    )]
    TablePreprocessing,
    /// Ranks that do not do the same.
    #[error(
        "rank {rank} has {found} as its {what}, and rank 0 has {expected}; start all ranks with the same program, settings and data"
    )]
    UnlikeRanks {
        /// The rank that differs from rank 0.
        rank: usize,
        /// In what, such as `settings.options.seed`.
        what: String,
        /// What it has.
        found: String,
        /// What rank 0 has.
        expected: String,
    },
    /// A training that cannot be done on several ranks.
    #[error("the training cannot be done on several ranks: {reason}")]
    NotOnRanks {
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Ranks that do not understand each other.
    #[error("a rank sent something that this one cannot read; start all ranks with the same program")]
    RankMessage,
    /// A rank is lost or has ended.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The optimiser's state in a checkpoint cannot be read.
    #[error("the optimiser's state in the checkpoint cannot be read: {reason}")]
    OptimizerState {
        /// What the reader said.
        reason: String,
    },
    /// A checkpoint was asked for where a run cannot be resumed.
    #[error("a checkpoint can be taken at `Event::Resumable` only")]
    NoCheckpoint,
    /// A text, a picture or a row that the model does not take.
    #[error("the model takes {expected}, found {found}")]
    PredictorInput {
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// A data set cannot be split or read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Weights do not fit the network.
    #[error(transparent)]
    Model(#[from] NnError),
    /// A file cannot be written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A callback of the user's own failed.
    #[error("a callback failed: {0}")]
    Callback(#[source] Box<dyn std::error::Error + Send + Sync>),
}

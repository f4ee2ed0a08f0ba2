//! The trainer: a network with everything that training needs.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_backend::Precision;
use fireclay_data::{Batch, DataError, FeatureKind, Source, Subset, TargetKind};
use fireclay_distribute::Group;
use fireclay_nn::{
    BinaryCrossEntropyLoss, CrossEntropyLoss, InputSpec, Loss, Model, MseLoss, Network, NnError, Stored,
    Target, TargetType, check_forward, load_state,
};
use fireclay_store::{ModelCard, PredictionIntervals, StoreError, save_model};
use fireclay_tabular::TablePreprocessing;
use fireclay_text::TextPreprocessing;

use crate::callback::Callback;
use crate::checkpoint::{Checkpoint, Tensors, part};
use crate::error::TrainError;
use crate::evaluate::{Evaluation, Measures, predict};
use crate::history::{EpochRecord, History, Stopped};
use crate::metadata::ModelMetadata;
use crate::metrics::{
    Accuracy, AnyMetric, F1, IntoMetrics, Mae, Perplexity, PredictionTargets, Predictions, Task,
};
use crate::objective;
use crate::optimizer::{AnyOptimizer, ParameterGroup, check_groups, resolve_groups};
use crate::options::FitOptions;
use crate::private;
use crate::ranks::{Ranks, StepTraffic};
use crate::resume::Resumed;
use crate::run::RunSettings;
use crate::schedule::Schedule;
use crate::upload::{check_batch, rows_per_sample, upload};

/// A network with its loss, its optimiser, what it is measured by and who listens.
///
/// ```
/// use fireclay_datasets::DrawnDigits;
/// use fireclay_nn::{Device, ModelSpec};
/// use fireclay_train::{Adam, EarlyStopping, FitOptions, Trainer};
///
/// let (train, test) = DrawnDigits::new(0).train_and_test(512, 128);
/// let model = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10).build(&Device::default())?;
/// let mut trainer = Trainer::classification(model)
///     .optimizer(Adam::new(3e-3))
///     .validation(&test)
///     .callback(EarlyStopping::on("val_accuracy").patience(2));
/// let history = trainer.fit(&train, &FitOptions { epochs: 4, batch_size: 32, ..FitOptions::default() })?;
/// assert_eq!(history.course("val_accuracy").len(), history.epochs.len());
/// assert!(trainer.evaluate(&test)?.accuracy() > Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Trainer<N: Network> {
    pub(crate) network: N,
    pub(crate) device: Device,
    pub(crate) loss: Arc<dyn Loss>,
    pub(crate) optimizer: AnyOptimizer,
    pub(crate) groups: Vec<ParameterGroup>,
    pub(crate) schedule: Option<Arc<dyn Schedule>>,
    pub(crate) metrics: Vec<AnyMetric>,
    pub(crate) callbacks: Vec<Box<dyn Callback>>,
    pub(crate) validation: Option<Arc<dyn Source>>,
    /// The other processes that train the same network, if there are any.
    pub(crate) ranks: Option<Arc<Ranks>>,
    /// What the last data set said about itself; it goes into the model file.
    pub(crate) metadata: ModelMetadata,
}

/// Training samples, and validation samples if there are any.
pub(crate) type Parts = (Arc<dyn Source>, Option<Arc<dyn Source>>);

/// What was found out about a source before a run.
pub(crate) struct Checked {
    pub(crate) task: Task,
    pub(crate) warning: Option<String>,
}

impl<N: Network> Trainer<N> {
    /// Trains a classifier: one logit for each class, cross-entropy, accuracy.
    pub fn classification(network: N) -> Self {
        Trainer::new(network, CrossEntropyLoss::new()).metrics([Accuracy])
    }

    /// Trains a network with one logit for yes or no: targets are 0 and 1, the loss binary cross-entropy.
    pub fn binary(network: N) -> Self {
        Trainer::new(network, BinaryCrossEntropyLoss::new()).metrics([Accuracy])
    }

    /// Trains a network with one logit for each of several labels, any number of which a sample may have
    /// ([`Targets::Labels`](fireclay_data::Targets::Labels)): binary cross-entropy, F1.
    pub fn multi_label(network: N) -> Self {
        Trainer::new(network, BinaryCrossEntropyLoss::new()).metrics([F1])
    }

    /// Trains a network that gives one logit for each class at each step of a sequence
    /// ([`Targets::StepClasses`](fireclay_data::Targets::StepClasses)): cross-entropy, accuracy. Steps that are padding do
    /// not count.
    pub fn step_classification(network: N) -> Self {
        Trainer::new(network, CrossEntropyLoss::new()).metrics([Accuracy])
    }

    /// Trains a network that predicts numbers, or images as rows of numbers: mean squared error.
    pub fn regression(network: N) -> Self {
        Trainer::new(network, MseLoss).metrics([Mae])
    }

    /// Trains a network that predicts at each step of a text the token that comes next, on data from
    /// [`TextDataset::next_tokens`](fireclay_text::TextDataset::next_tokens): cross-entropy over the vocabulary, perplexity.
    pub fn language_model(network: N) -> Self {
        Trainer::new(network, CrossEntropyLoss::new()).metrics([Perplexity])
    }

    /// Trains with any loss, built in or of one's own. The network stays on the device it was built on.
    pub fn new(network: N, loss: impl Loss) -> Self {
        let network = network.valid();
        let device = network.devices().into_iter().next().unwrap_or_default().without_autodiff();
        Trainer {
            network,
            device,
            loss: Arc::new(loss),
            optimizer: AnyOptimizer::default(),
            groups: Vec::new(),
            schedule: None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            validation: None,
            ranks: None,
            metadata: ModelMetadata::default(),
        }
    }

    /// Sets the loss.
    pub fn loss(mut self, loss: impl Loss) -> Self {
        self.loss = Arc::new(loss);
        self
    }

    /// Sets the optimiser; Adam with learning rate 1e-3 by default, and for a model that was loaded the one that its file
    /// names.
    pub fn optimizer(mut self, optimizer: impl Into<AnyOptimizer>) -> Self {
        self.optimizer = optimizer.into();
        self
    }

    /// Gives some parameters optimisers of their own; of two groups that hold a parameter the later one has it.
    pub fn groups(mut self, groups: impl IntoIterator<Item = ParameterGroup>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    /// Sets how the learning rate changes, by a schedule of one's own; those that are built in have their place in
    /// [`FitOptions::schedule`], which this one replaces.
    pub fn schedule(mut self, schedule: impl Schedule) -> Self {
        self.schedule = Some(Arc::new(schedule));
        self
    }

    /// Sets what is measured on the validation samples after each epoch, besides the loss, and by
    /// [`evaluate`](Self::evaluate).
    pub fn metrics(mut self, metrics: impl IntoMetrics) -> Self {
        self.metrics = metrics.into_metrics();
        self
    }

    /// Adds to what is measured.
    pub fn metric(mut self, metric: impl Into<AnyMetric>) -> Self {
        self.metrics.push(metric.into());
        self
    }

    /// Sets the samples that are measured after each epoch, instead of a
    /// [validation split](FitOptions::validation_split) of the training samples.
    pub fn validation<S: Source + Clone + 'static>(mut self, source: &S) -> Self {
        self.validation = Some(Arc::new(source.clone()));
        self
    }

    /// Adds a listener.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Trains together with other processes, the ranks of a group, each of which makes the same call on the same data with the same
    /// settings.
    ///
    /// Each batch is one of all ranks: a rank computes the gradients of its part, and all take the same step, so that they have the same
    /// weights at any time. What comes out is what one process gives, but for rounding: sums are added in the order of the ranks, so
    /// that the same number of ranks gives the same bits. Batch norm normalises by the statistics of a rank's part; its running statistics are averaged.
    /// A loss of one's own must be a mean over samples, weighted by their weights at most, as the mean of a batch is made of those of its parts.
    /// Losses and metrics are those of all ranks together. Callbacks are called on each rank, and what those of rank 0 ask
    /// for is done on all; a break or a checkpoint is also done if one of another rank asks for it. A callback that writes, such as
    /// [`CheckpointWriter`](crate::CheckpointWriter), belongs to rank 0 alone.
    ///
    /// A run that was broken off is resumed by all ranks from the same checkpoint, also by another number of them. A group of one rank is none.
    ///
    /// ```
    /// use fireclay_data::{Dataset, Provenance, Targets};
    /// use fireclay_distribute::Threads;
    /// use fireclay_nn::{Device, ModelSpec, state};
    /// use fireclay_train::{FitOptions, Trainer};
    ///
    /// // The ranks are threads here; processes are connected by `fireclay_distribute::connect`.
    /// let ranks: Vec<_> = Threads::new(2).into_iter().map(|group| std::thread::spawn(move || {
    ///     let targets = Targets::Values { width: 1, values: (0..8).map(|x| 2.0 * x as f32).collect() };
    ///     let data = Dataset::from_f32(&[1], (0..8).map(|x| x as f32).collect(), targets, Provenance::default()).unwrap();
    ///     let model = ModelSpec::new([1]).dense(1).build_seeded(0, &Device::default()).unwrap();
    ///     let mut trainer = Trainer::regression(model).group(group);
    ///     trainer.fit(&data, &FitOptions { epochs: 2, batch_size: 4, ..FitOptions::default() }).unwrap();
    ///     state(trainer.network())
    /// })).collect();
    /// let weights: Vec<_> = ranks.into_iter().map(|rank| rank.join().unwrap()).collect();
    /// assert_eq!(weights[0], weights[1]);
    /// ```
    pub fn group(mut self, group: impl Group + 'static) -> Self {
        self.ranks = Ranks::new(Box::new(group)).map(Arc::new);
        self
    }

    /// What this process exchanged with the other ranks in the steps so far, if there are others.
    pub fn step_traffic(&self) -> Option<StepTraffic> {
        self.ranks.as_ref().map(|ranks| ranks.step_traffic())
    }

    /// Takes over what a data set says of itself, its classes, its preprocessing and where it came from, as [`fit`](Self::fit) does with
    /// these settings, and lets the data set those layers that are not learnt: for a network that is saved before it is trained, or
    /// trained elsewhere.
    ///
    /// # Errors
    /// [`TrainError`] for data that does not fit the network.
    pub fn prepare<S: Source + Clone + 'static>(
        &mut self,
        data: &S,
        options: &FitOptions,
    ) -> Result<(), TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        self.check_source(&source, "train on")?;
        if self.network.adapts() {
            self.adapt(&source)?;
        }
        let metadata = ModelMetadata::of(data.metadata(), data.len());
        let settings = self.settings(options, &metadata, data.len());
        let history = History { epochs: Vec::new(), stopped: Stopped::Completed };
        self.metadata = metadata.trained(&settings, &history, None);
        Ok(())
    }

    /// The network, without gradients.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// Takes the network out.
    pub fn into_network(self) -> N {
        self.network
    }

    /// Trains on a [`Dataset`](fireclay_data::Dataset) or any other [`Source`]; one that cannot be cloned goes into an
    /// [`Arc`].
    ///
    /// The same seed and the same number of threads give the same weights, bit for bit, on a CPU, unless noise of a private training comes
    /// from the operating system.
    ///
    /// # Errors
    /// [`TrainError`] for settings out of range, data that does not fit, a loss that is no longer finite, and what
    /// the source and callbacks report. After an error the network is as it was at the end of the last whole epoch.
    pub fn fit<S: Source + Clone + 'static>(
        &mut self,
        train: &S,
        options: &FitOptions,
    ) -> Result<History, TrainError> {
        let checked = self.check_settings(options);
        let fitted = checked.and_then(|()| self.fit_from(Arc::new(train.clone()), options, None));
        self.or_leave(fitted)
    }

    /// A result, of which the other ranks hear if it is an error.
    fn or_leave<T>(&self, result: Result<T, TrainError>) -> Result<T, TrainError> {
        if let (Err(error), Some(ranks)) = (&result, &self.ranks) {
            ranks.leave(error);
        }
        result
    }

    /// A trainer of another network, with the same loss and optimiser, and nobody who listens.
    pub(crate) fn copy(&self, network: N) -> Self {
        Trainer {
            network,
            device: self.device.clone(),
            loss: self.loss.clone(),
            optimizer: self.optimizer.clone(),
            groups: self.groups.clone(),
            schedule: self.schedule.clone(),
            metrics: Vec::new(),
            callbacks: Vec::new(),
            validation: None,
            ranks: None,
            metadata: ModelMetadata::default(),
        }
    }

    /// Refuses settings that no run can have.
    pub(crate) fn check_settings(&self, options: &FitOptions) -> Result<(), TrainError> {
        options.check()?;
        if let Some(reason) = self.network.only_answers() {
            return Err(TrainError::OnlyAnswers { reason });
        }
        if let Some(schedule) = &self.schedule {
            schedule.check()?;
        }
        self.optimizer.check()?;
        check_groups(&self.network, &self.groups)
    }

    /// Goes on with a run from its checkpoint, with the checkpoint's options, optimiser, loss and metrics, on the same
    /// data. The result is what the run would have given without the break, bit for bit on a CPU but for noise that comes from the operating system. A loss, an optimiser, a
    /// schedule or metrics of the user's own must be given to this trainer as they were given to the one before.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), [`TrainError::OtherData`] if the data cannot be the same, and
    /// [`TrainError::OwnPart`] if a part of the user's own is missing.
    pub fn resume<S: Source + Clone + 'static>(
        &mut self,
        train: &S,
        checkpoint: Checkpoint,
    ) -> Result<History, TrainError> {
        let fitted = self.resume_from(Arc::new(train.clone()), checkpoint);
        self.or_leave(fitted)
    }

    fn resume_from(&mut self, train: Arc<dyn Source>, checkpoint: Checkpoint) -> Result<History, TrainError> {
        let Checkpoint { progress, tensors, optimizer } = checkpoint;
        self.take_up(&progress.settings)?;
        let Tensors { weights, best, average } = part(tensors);
        // `valid` and not `clone`: clones share their running statistics, so filling one would change the other.
        self.network = load_state(self.network.valid(), weights)?;
        let best = match progress.state.has_best {
            true => Some(load_state(self.network.valid(), best)?),
            false => None,
        };
        let average = match progress.state.averaged {
            0 => None,
            _ => Some(load_state(self.network.valid(), average)?),
        };
        let options = progress.settings.options.clone();
        let network = self.network.valid();
        let resumed = Resumed { progress, optimizer, network, best, average };
        self.fit_from(train, &options, Some(resumed))
    }

    /// Takes over how a run was set up, as far as it is built in; the rest must be here already.
    fn take_up(&mut self, settings: &RunSettings) -> Result<(), TrainError> {
        settings.options.check()?;
        let own = |part, expected: &str, found: String| match found == expected {
            true => Ok(()),
            false => Err(TrainError::OwnPart { part, expected: expected.to_string(), found }),
        };
        self.optimizer = settings.optimizer.resolve(&self.optimizer);
        self.optimizer.check()?;
        match &settings.loss {
            Stored::BuiltIn(loss) => self.loss = Arc::new(loss.clone()),
            Stored::Custom { name } => own("loss", name, self.loss.name())?,
        }
        match (&settings.schedule, &self.schedule) {
            (Some(name), Some(schedule)) => own("schedule", name, schedule.name())?,
            (Some(name), None) => own("schedule", name, settings.options.schedule.name())?,
            (None, _) => self.schedule = None,
        }
        self.groups = resolve_groups(&settings.groups, &self.groups);
        self.metrics = (settings.metrics.iter())
            .map(|name| AnyMetric::find(name, &self.metrics))
            .collect::<Result<_, _>>()?;
        check_groups(&self.network, &self.groups)
    }

    pub(crate) fn fit_from(
        &mut self,
        data: Arc<dyn Source>,
        options: &FitOptions,
        resumed: Option<Resumed<N>>,
    ) -> Result<History, TrainError> {
        if options.privacy.is_some() {
            private::check_network(&self.network)?;
            private::check_targets(data.target_kind())?;
        }
        let (train, validation) = self.parts(data, options)?;
        let metadata = ModelMetadata::of(train.metadata(), train.len());
        let mut settings = self.settings(options, &metadata, train.len());
        let asked = options.precision;
        let warning = if !fireclay_backend::supports(&self.device, asked) {
            settings.options.precision = Precision::F32;
            Some(format!("this device cannot multiply in {asked}, so the training goes on in f32"))
        } else if asked != Precision::F32 && !fireclay_backend::speeds_up(&self.device, asked) {
            Some(format!(
                "this CPU multiplies in {asked} no faster than in f32, so the training takes less memory but not less time"
            ))
        } else {
            None
        };
        let _scope = fireclay_backend::in_precision(settings.options.precision);
        let (history, privacy) = self.run(&train, validation.as_ref(), &settings, resumed, warning)?;
        self.metadata = metadata.trained(&settings, &history, privacy);
        Ok(history)
    }

    /// The samples to train on, and those to validate on: given, or split off.
    pub(crate) fn parts(&self, data: Arc<dyn Source>, options: &FitOptions) -> Result<Parts, TrainError> {
        let split = options.validation_split;
        match (&self.validation, split > 0.0) {
            (Some(_), true) => Err(TrainError::TwoValidations { split }),
            (Some(validation), false) => Ok((data, Some(validation.clone()))),
            (None, false) => Ok((data, None)),
            (None, true) => {
                let (train, validation) = match data.split(split, options.seed)? {
                    Some(parts) => parts,
                    None => {
                        let (train, validation) = Subset::split(data, split, options.seed)?;
                        (Arc::new(train) as _, Arc::new(validation) as _)
                    }
                };
                Ok((train, Some(validation)))
            }
        }
    }

    /// How a run on such data is set up.
    fn settings(&self, options: &FitOptions, metadata: &ModelMetadata, samples: usize) -> RunSettings {
        RunSettings {
            options: options.clone(),
            optimizer: self.optimizer.clone(),
            groups: self.groups.clone(),
            loss: Stored::of(self.loss.built_in(), || self.loss.name()),
            schedule: self.schedule.as_ref().map(|schedule| schedule.name()),
            metrics: self.metrics.iter().map(AnyMetric::name).collect(),
            samples,
            classes: metadata.classes.clone(),
            dataset: metadata.dataset.clone(),
        }
    }

    /// What learning rates are multiplied by in a step: what the trainer's schedule says, or else the options'.
    pub(crate) fn rate_factor(
        &self,
        options: &FitOptions,
        epoch: usize,
        step: usize,
        steps: usize,
        history: &[EpochRecord],
    ) -> f64 {
        match &self.schedule {
            Some(schedule) => options.rate_factor_by(&**schedule, epoch, step, steps, history),
            None => options.rate_factor(epoch, step, steps, history),
        }
    }

    /// Measures the network on all samples of a [`Dataset`](fireclay_data::Dataset) or any other [`Source`].
    ///
    /// # Errors
    /// [`TrainError`] for a source without samples, or one that does not fit the network.
    pub fn evaluate<S: Source + Clone + 'static>(&self, data: &S) -> Result<Evaluation, TrainError> {
        Ok(self.evaluate_with_predictions(data)?.0)
    }

    /// As [`evaluate`](Self::evaluate), with the [`predictions`](Self::predictions) that were measured, in one pass over the samples.
    /// Of a language model these are sums over its tokens.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn evaluate_with_predictions<S: Source + Clone + 'static>(
        &self,
        data: &S,
    ) -> Result<(Evaluation, Predictions), TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        let task = self.check_source(&source, "evaluate")?.task;
        self.check_preprocessing(&*source)?;
        let metrics: Vec<AnyMetric> =
            self.metrics.iter().filter(|metric| metric.supports(task)).cloned().collect();
        let threshold = self.metadata.threshold;
        let measures = Measures { ranks: None, loss: &*self.loss, metrics: &metrics, task, threshold };
        measures.evaluate(&self.network, &source, &self.device)
    }

    /// The network's outputs for all samples with what they should have been, as metrics read them.
    ///
    /// # Errors
    /// As [`evaluate`](Self::evaluate).
    pub fn predictions<S: Source + Clone + 'static>(&self, data: &S) -> Result<Predictions, TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        let task = self.check_source(&source, "evaluate")?.task;
        self.check_preprocessing(&*source)?;
        let measures = Measures { ranks: None, loss: &*self.loss, metrics: &[], task, threshold: None };
        measures.predictions(&self.network, &source, &self.device)
    }

    /// The network's outputs, logits or numbers, for all samples in order: `[samples][outputs]`, or
    /// `[samples * steps][outputs]` from a network with an output at each step. For one sample at a time, in the units of
    /// the data, see [`Predictor`](crate::Predictor).
    ///
    /// # Errors
    /// [`TrainError`] for a source without samples, or one that does not fit the network.
    pub fn predict<S: Source + Clone + 'static>(&self, data: &S) -> Result<Vec<Vec<f32>>, TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        self.check_shape(&source, "predict")?;
        self.check_preprocessing(&*source)?;
        predict(&self.network, &source, &self.device)
    }

    /// Refuses data that is normalised in another way than the network has learnt to see it.
    fn check_preprocessing(&self, source: &dyn Source) -> Result<(), TrainError> {
        let found = ModelMetadata::of(source.metadata(), source.len());
        match (&self.metadata.preprocessing, found.preprocessing) {
            (Some(expected), Some(found)) if *expected != found => Err(TrainError::Preprocessing {
                expected_mean: expected.mean.clone(),
                expected_std: expected.std.clone(),
                found_mean: found.mean,
                found_std: found.std,
            }),
            _ => {
                if let (Some(expected), Some(found)) = (self.text_preprocessing(), found.text.as_deref())
                    && expected != found
                {
                    return Err(TrainError::TextPreprocessing {
                        expected: expected.encoder.vocabulary_size(),
                        found: found.encoder.vocabulary_size(),
                    });
                }
                match (self.table_preprocessing(), found.table.as_deref()) {
                    (Some(expected), Some(found)) if expected != found => Err(TrainError::TablePreprocessing),
                    _ => Ok(()),
                }
            }
        }
    }

    /// How texts become what the network reads, if it was trained on texts.
    pub fn text_preprocessing(&self) -> Option<&TextPreprocessing> {
        self.metadata.text.as_deref()
    }

    /// Keeps how far truths lie from predictions, for [`Prediction::interval`](crate::Prediction::interval), from what the network
    /// predicts for samples that it was not trained on. Nothing is kept where more than one number is predicted, or too
    /// few samples are given for the share.
    pub fn keep_intervals(&mut self, unseen: &Predictions, share: f64) {
        self.metadata.intervals = match (unseen.targets(), unseen.task()) {
            (PredictionTargets::Values { values, .. }, Task::Regression { outputs: 1 }) => {
                PredictionIntervals::of(unseen.outputs(), values, share)
            }
            _ => None,
        };
    }

    /// Keeps the probability above which the second of two classes is predicted from now on, such as
    /// [`best_threshold_by_f1`](crate::best_threshold_by_f1) of samples that the network was not trained on.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if there are not two classes, or it is not from 0 to 1.
    pub fn keep_threshold(&mut self, threshold: f64) -> Result<(), TrainError> {
        if self.metadata.classes.len() != 2 || !(0.0..=1.0).contains(&threshold) {
            return Err(TrainError::Setting {
                setting: "threshold",
                found: format!("{threshold} between {} classes", self.metadata.classes.len()),
                expected: "0 to 1, between 2 classes",
            });
        }
        self.metadata.threshold = Some(threshold);
        Ok(())
    }

    /// How rows of a table become what the network reads, if it was trained on a table.
    pub fn table_preprocessing(&self) -> Option<&TablePreprocessing> {
        self.metadata.table.as_deref()
    }

    /// Refuses an empty source, and samples or tokens that the network does not take.
    fn check_shape(&self, source: &Arc<dyn Source>, purpose: &'static str) -> Result<(), TrainError> {
        if source.is_empty() {
            return Err(TrainError::NoSamples { purpose });
        }
        // Samples are counted in 32 bits wherever they are gathered; a source of one's own may claim more.
        if u32::try_from(source.len()).is_err() {
            return Err(DataError::TooManySamples { samples: source.len() }.into());
        }
        let shape = source.sample_shape();
        let found = match (source.feature_kind(), shape) {
            (FeatureKind::Tokens { .. }, &[tokens]) => InputSpec::Tokens(tokens),
            (FeatureKind::Values, [_] | [_, _] | [_, _, _]) => InputSpec::from(shape),
            _ => return Err(TrainError::Rank { found: shape.to_vec() }),
        };
        if let Some(expected) = self.network.input_spec().filter(|expected| **expected != found) {
            return Err(TrainError::Inputs { found, expected: expected.clone() });
        }
        if !source.has_fixed_shape() && !self.network.supports_variable_length() {
            return Err(TrainError::Bucketed { expected: found });
        }
        match (source.feature_kind(), self.network.vocabulary_size()) {
            (FeatureKind::Tokens { vocabulary_size: found }, Some(expected)) if found > expected => {
                Err(TrainError::Vocabulary { found, expected })
            }
            _ => Ok(()),
        }
    }

    /// Refuses data that loss or network cannot take, before any work. One sample goes through the network, so that
    /// this holds for networks of the user's own too.
    pub(crate) fn check_source(
        &self,
        source: &Arc<dyn Source>,
        purpose: &'static str,
    ) -> Result<Checked, TrainError> {
        self.check_shape(source, purpose)?;
        let targets = source.target_kind();
        let task = objective::task(&*self.loss, targets)?;
        let mut batch = Batch::default();
        source.gather(&[0], &mut batch)?;
        check_batch(&batch, &**source, TargetType::Any)?;
        let input = upload(batch, &**source, &self.device).input;
        let [rows, outputs] = check_forward(&self.network, input.clone())?;
        let expected = rows_per_sample(&**source);
        if rows != expected {
            return Err(TrainError::OutputSteps { found: rows, expected });
        }
        let (wanted, needed) = match targets {
            TargetKind::Classes { count } | TargetKind::StepClasses { count, .. } => {
                (count, format!("{count}, one for each class"))
            }
            TargetKind::Labels { count } => (count, format!("{count}, one for each label")),
            TargetKind::Values { width } => (width, format!("{width}, one for each target")),
            TargetKind::NextTokens { vocabulary_size } => {
                (vocabulary_size, format!("{vocabulary_size}, one for each token of the vocabulary"))
            }
        };
        if outputs != wanted {
            return Err(TrainError::Outputs { found: outputs, expected: needed });
        }
        self.loss.check(outputs)?;
        if self.network.num_params() == 0 {
            return Err(TrainError::NothingToTrain);
        }
        let warning = objective::are_probabilities(&*self.loss, &self.network.forward(input)).then(|| {
            format!(
                "the network's outputs are probabilities already, and the loss '{}' takes logits; leave the softmax at its end out",
                self.loss.name()
            )
        });
        Ok(Checked { task, warning })
    }
}

impl Trainer<Model> {
    /// Saves the model with its architecture, its classes, its preprocessing, and the data and settings of its
    /// training; returns the size of the file in bytes.
    ///
    /// # Errors
    /// [`TrainError::Store`] if the file cannot be written or a weight is not finite.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<u64, TrainError> {
        Ok(save_model(path, &self.network, &self.card())?)
    }

    /// What [`save`](Self::save) writes about the model.
    pub fn card(&self) -> ModelCard {
        self.metadata.card(self.network.spec().clone())
    }

    /// Loads a saved model, ready to be evaluated, asked, or trained further with the loss, the optimiser and the groups
    /// that its file names. Those of the user's own have to be given anew.
    ///
    /// # Errors
    /// A [`StoreError`] that names the file.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let (model, metadata) = ModelMetadata::load(path, device)?;
        let is_language_model = model.spec().output_steps().is_ok_and(|steps| steps.is_some());
        let mut trainer = Trainer::new(model, CrossEntropyLoss::new());
        if let Some(training) = &metadata.training {
            let wrong = |source| StoreError::Card { path: path.to_path_buf(), source };
            match &training.loss {
                Stored::BuiltIn(loss) => trainer = trainer.loss(loss.clone()),
                Stored::Custom { name } => trainer = trainer.loss(MissingLoss { name: name.clone() }),
            }
            trainer.optimizer = serde_json::from_value(training.optimizer.clone()).map_err(wrong)?;
            let groups = training.groups.iter().cloned().map(serde_json::from_value);
            trainer.groups = groups.collect::<Result<_, _>>().map_err(wrong)?;
        }
        let metric: AnyMetric = match trainer.loss.targets() {
            TargetType::Classes if is_language_model && metadata.text.is_some() => Perplexity.into(),
            TargetType::Classes => Accuracy.into(),
            _ => {
                trainer.metadata = metadata;
                return Ok(trainer);
            }
        };
        trainer.metrics = vec![metric];
        trainer.metadata = metadata;
        Ok(trainer)
    }
}

/// In the place of a loss of the user's own, which a file knows only by its name.
struct MissingLoss {
    name: String,
}

impl Loss for MissingLoss {
    fn name(&self) -> String {
        "none".into()
    }

    fn each(&self, _: burn::tensor::Tensor<2>, _: &Target) -> burn::tensor::Tensor<1> {
        unreachable!("`check` refuses it")
    }

    fn check(&self, _: usize) -> Result<(), NnError> {
        Err(NnError::Loss {
            setting: "loss",
            found: format!("'{}', which is not built in", self.name),
            expected: "that it is given, with `Trainer::loss`".into(),
        })
    }
}

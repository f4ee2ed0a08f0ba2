//! The trainer: a network with everything that training needs.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use fireclay_data::{Dataset, FeatureKind, Source, TargetKind, TextPreprocessing};
use fireclay_nn::{InputSpec, Loss, Model, Network, load_state};
use fireclay_store::{
    DatasetCard, ModelCard, Preprocessing, StoreError, TrainingCard, load_model, save_model,
};

use crate::checkpoint::{Checkpoint, Resumed, part};
use crate::evaluate::{Evaluation, evaluate, predict};
use crate::metrics::Kind;
use crate::optimizer::check_groups;
use crate::{Callback, FitOptions, History, Metric, Optimizer, ParameterGroup, TrainError};

/// A network with its loss, its optimiser and its listeners.
pub struct Trainer<N: Network> {
    pub(crate) network: N,
    pub(crate) device: Device,
    pub(crate) loss: Loss,
    pub(crate) optimizer: Optimizer,
    pub(crate) groups: Vec<ParameterGroup>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) callbacks: Vec<Box<dyn Callback>>,
    /// What the last data set said about itself; it goes into the model file.
    pub(crate) about: About,
}

/// What a model file says about the data and the training.
#[derive(Clone, Default)]
pub(crate) struct About {
    pub(crate) classes: Vec<String>,
    pub(crate) preprocessing: Option<Preprocessing>,
    pub(crate) text: Option<Arc<TextPreprocessing>>,
    pub(crate) dataset: Option<DatasetCard>,
    pub(crate) training: Option<TrainingCard>,
}

impl<N: Network> Trainer<N> {
    /// Trains a classifier: one logit for each class, cross-entropy, accuracy.
    pub fn classification(network: N) -> Self {
        Trainer::new(network, Loss::cross_entropy()).metrics([Metric::Accuracy])
    }

    /// Trains a network with one logit for yes or no: targets are 0 and 1, the loss binary cross-entropy.
    pub fn binary(network: N) -> Self {
        Trainer::new(network, Loss::BinaryCrossEntropy {}).metrics([Metric::Accuracy])
    }

    /// Trains a network that predicts numbers: mean squared error.
    pub fn regression(network: N) -> Self {
        Trainer::new(network, Loss::Mse {}).metrics([Metric::Mae])
    }

    /// Trains a network that predicts at each step of a text the token that comes next, on data from
    /// [`Dataset::next_tokens`]: cross-entropy over the vocabulary, perplexity.
    pub fn language_model(network: N) -> Self {
        Trainer::new(network, Loss::cross_entropy()).metrics([Metric::Perplexity])
    }

    /// Trains with any loss. The network stays on the device it was built on.
    pub fn new(network: N, loss: Loss) -> Self {
        let network = network.valid();
        let device = network.devices().into_iter().next().unwrap_or_default().without_autodiff();
        Trainer {
            network,
            device,
            loss,
            optimizer: Optimizer::default(),
            groups: Vec::new(),
            metrics: Vec::new(),
            callbacks: Vec::new(),
            about: About::default(),
        }
    }

    /// Sets the loss.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
        self
    }

    /// Sets the optimiser; Adam with learning rate 1e-3 by default.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.optimizer = optimizer.into();
        self
    }

    /// Gives some parameters optimisers of their own; of two groups that hold a parameter the later one has it.
    pub fn groups(mut self, groups: impl IntoIterator<Item = ParameterGroup>) -> Self {
        self.groups = groups.into_iter().collect();
        self
    }

    /// Sets what is measured on the validation samples after each epoch, besides the loss.
    pub fn metrics(mut self, metrics: impl IntoIterator<Item = Metric>) -> Self {
        self.metrics = metrics.into_iter().collect();
        self
    }

    /// Adds a listener.
    pub fn callback(mut self, callback: impl Callback + 'static) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// The network, without gradients.
    pub fn network(&self) -> &N {
        &self.network
    }

    /// Takes the network out.
    pub fn into_network(self) -> N {
        self.network
    }

    /// Trains. With a validation split, a share of the samples is set aside and measured after each epoch.
    ///
    /// The same seed and the same number of threads give the same weights, bit for bit, on a CPU.
    ///
    /// # Errors
    /// [`TrainError`] for settings out of range, data that does not fit, a loss that is no longer finite, and what
    /// callbacks report. After an error the network is as it was at the end of the last whole epoch.
    pub fn fit(&mut self, train: &Dataset, options: &FitOptions) -> Result<History, TrainError> {
        options.check()?;
        self.optimizer.check()?;
        check_groups(&self.network, &self.groups)?;
        self.fit_from(train, options, None)
    }

    /// Goes on with a run from its checkpoint, with the checkpoint's options, optimiser, loss and metrics, on the same
    /// data. The result is what the run would have given without the break, bit for bit on a CPU.
    ///
    /// # Errors
    /// As for [`fit`](Self::fit), and [`TrainError::OtherData`] if the data cannot be the same.
    pub fn resume(&mut self, train: &Dataset, checkpoint: Checkpoint) -> Result<History, TrainError> {
        let Checkpoint { progress, tensors, optimizer } = checkpoint;
        progress.options.check()?;
        progress.optimizer.check()?;
        check_groups(&self.network, &progress.groups)?;
        let (weights, best) = part(tensors);
        // `valid` and not `clone`: clones share their running statistics, so filling one would change the other.
        self.network = load_state(self.network.valid(), weights)?;
        let best = match progress.has_best {
            true => Some(load_state(self.network.valid(), best)?),
            false => None,
        };
        self.optimizer = progress.optimizer.clone();
        self.groups = progress.groups.clone();
        self.loss = progress.loss.clone();
        self.metrics = progress.metrics.clone();
        let options = progress.options.clone();
        let network = self.network.valid();
        self.fit_from(train, &options, Some(Resumed { progress, optimizer, network, best }))
    }

    fn fit_from(
        &mut self,
        data: &Dataset,
        options: &FitOptions,
        resumed: Option<Resumed<N>>,
    ) -> Result<History, TrainError> {
        let (train, validation) = match options.validation_split > 0.0 {
            false => (data.clone(), None),
            true => {
                let (train, validation) = data.split(options.validation_split, options.seed)?;
                (train, Some(Arc::new(validation) as Arc<dyn Source>))
            }
        };
        let mut about = About {
            classes: train.class_names().to_vec(),
            preprocessing: preprocessing(&train),
            text: train.text_preprocessing().cloned().map(Arc::new),
            dataset: Some(dataset_card(&train)),
            training: None,
        };
        let source: Arc<dyn Source> = Arc::new(train);
        let history = self.run(&source, validation.as_ref(), options, &about, resumed)?;
        about.training = Some(TrainingCard {
            loss: self.loss.clone(),
            optimizer: serde_json::to_value(&self.optimizer).unwrap_or_default(),
            groups: (self.groups.iter())
                .map(|group| serde_json::to_value(group).unwrap_or_default())
                .collect(),
            schedule: serde_json::to_value(options.schedule).unwrap_or_default(),
            warm_up: options.warm_up,
            clip_norm: options.clip_norm,
            epochs: history.epochs.len(),
            batch_size: options.batch_size,
            validation_split: options.validation_split,
            seed: options.seed,
        });
        self.about = about;
        Ok(history)
    }

    /// Measures the network on all samples.
    ///
    /// # Errors
    /// [`TrainError`] for an empty data set, or one that does not fit the network.
    pub fn evaluate(&self, data: &Dataset) -> Result<Evaluation, TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        self.check_source(&source, "evaluate")?;
        self.check_preprocessing(data)?;
        evaluate(&self.network, &source, &self.loss, data.class_names(), &self.device)
    }

    /// The network's outputs, logits or numbers, for all samples in order: `[samples][outputs]`, or
    /// `[samples * steps][outputs]` from a network with an output at each step.
    ///
    /// # Errors
    /// [`TrainError`] for an empty data set, or one that does not fit the network.
    pub fn predict(&self, data: &Dataset) -> Result<Vec<Vec<f32>>, TrainError> {
        let source: Arc<dyn Source> = Arc::new(data.clone());
        self.check_shape(&source, "predict")?;
        self.check_preprocessing(data)?;
        predict(&self.network, &source, &self.device)
    }

    /// Refuses data that is normalised in another way than the network has learnt to see it.
    fn check_preprocessing(&self, data: &Dataset) -> Result<(), TrainError> {
        match (&self.about.preprocessing, preprocessing(data)) {
            (Some(expected), Some(found)) if *expected != found => Err(TrainError::Preprocessing {
                expected_mean: expected.mean.clone(),
                expected_std: expected.std.clone(),
                found_mean: found.mean,
                found_std: found.std,
            }),
            _ => match (self.text_preprocessing(), data.text_preprocessing()) {
                (Some(expected), Some(found)) if expected != found => Err(TrainError::TextPreprocessing {
                    expected: expected.encoder.vocabulary_size(),
                    found: found.encoder.vocabulary_size(),
                }),
                _ => Ok(()),
            },
        }
    }

    /// How texts become what the network reads, if it was trained on texts.
    pub fn text_preprocessing(&self) -> Option<&TextPreprocessing> {
        self.about.text.as_deref()
    }

    /// Refuses an empty source, and samples or tokens that the network does not take.
    fn check_shape(&self, source: &Arc<dyn Source>, purpose: &'static str) -> Result<(), TrainError> {
        if source.is_empty() {
            return Err(TrainError::NoSamples { purpose });
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

    /// Refuses metrics that the task does not have.
    pub(crate) fn check_metrics(&self, source: &Arc<dyn Source>) -> Result<(), TrainError> {
        let kind = match (&self.loss, source.target_kind()) {
            (Loss::CrossEntropy { .. }, TargetKind::NextTokens { .. }) => Kind::NextTokens,
            (Loss::CrossEntropy { .. }, _)
            | (Loss::BinaryCrossEntropy {}, TargetKind::Values { width: 1 }) => Kind::Classification,
            _ => Kind::Regression,
        };
        match self.metrics.iter().find(|metric| !metric.is_for(kind)) {
            None => Ok(()),
            Some(metric) => Err(TrainError::Metric {
                metric: metric.to_string(),
                loss: format!("{:?}", self.loss),
                task: kind.name(),
            }),
        }
    }

    /// Refuses data that loss or network cannot take, before any work. One sample goes through the network, so that
    /// this holds for networks of the user's own too.
    pub(crate) fn check_source(
        &self,
        source: &Arc<dyn Source>,
        purpose: &'static str,
    ) -> Result<(), TrainError> {
        self.check_shape(source, purpose)?;
        let (found, needed) = match source.target_kind() {
            TargetKind::Classes { count } => ("classes", format!("{count}, one for each class")),
            TargetKind::Values { width } => ("values", format!("{width}, one for each target")),
            TargetKind::NextTokens { vocabulary_size } => {
                ("classes", format!("{vocabulary_size}, one for each token of the vocabulary"))
            }
        };
        let expected = if self.loss.takes_classes() { "classes" } else { "values" };
        if found != expected {
            return Err(TrainError::Targets { loss: format!("{:?}", self.loss), expected, found });
        }
        let mut batch = fireclay_data::Batch::default();
        source.gather(&[0], &mut batch);
        let (input, _) = crate::upload::upload(batch, &self.device);
        let [rows, outputs] = self.network.forward(input).dims();
        let expected = targets_per_sample(&**source);
        if rows != expected {
            return Err(TrainError::OutputSteps { found: rows, expected });
        }
        let wanted = match source.target_kind() {
            TargetKind::Classes { count } => count,
            TargetKind::Values { width } => width,
            TargetKind::NextTokens { vocabulary_size } => vocabulary_size,
        };
        if outputs != wanted {
            return Err(TrainError::Outputs { found: outputs, expected: needed });
        }
        self.loss.check(outputs)?;
        match self.network.num_params() {
            0 => Err(TrainError::NothingToTrain),
            _ => Ok(()),
        }
    }
}

/// How many targets a sample has, each with a row of the network's outputs.
pub(crate) fn targets_per_sample(source: &dyn Source) -> usize {
    match source.target_kind() {
        TargetKind::NextTokens { .. } => source.sample_shape().iter().product(),
        _ => 1,
    }
}

/// How numbers were normalised; tokens are not.
fn preprocessing(data: &Dataset) -> Option<Preprocessing> {
    let normalization = data.normalization();
    let preprocessing = Preprocessing { mean: normalization.mean.clone(), std: normalization.std.clone() };
    (data.feature_kind() == FeatureKind::Values).then_some(preprocessing)
}

/// How a model wants its texts, if it reads texts.
///
/// # Errors
/// A [`StoreError`] that names the file, if its card says it in another way than this version reads, or what it says
/// does not go with the model.
pub fn text_preprocessing(path: &Path, card: &ModelCard) -> Result<Option<TextPreprocessing>, StoreError> {
    let Some(value) = &card.text else {
        return Ok(None);
    };
    let wrong = |source| StoreError::Card { path: path.to_path_buf(), source };
    let text: TextPreprocessing = serde_json::from_value(value.clone()).map_err(wrong)?;
    let tokens = text.padding.length;
    match card.spec.input {
        InputSpec::Tokens(expected) if expected == tokens && text.check().is_ok() => Ok(Some(text)),
        _ => Err(StoreError::Count {
            path: path.to_path_buf(),
            what: "tokens of a text",
            found: tokens,
            expected: format!("{}, as the model takes", card.spec.input),
        }),
    }
}

fn dataset_card(data: &Dataset) -> DatasetCard {
    let provenance = data.provenance();
    DatasetCard {
        name: provenance.name.clone(),
        split: provenance.split.clone(),
        source: provenance.source.clone(),
        samples: data.len(),
        sha256: provenance.sha256.clone(),
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
        ModelCard {
            classes: self.about.classes.clone(),
            preprocessing: self.about.preprocessing.clone(),
            // What was read from JSON, or can always be written as it.
            text: self.about.text.as_ref().and_then(|text| serde_json::to_value(text.as_ref()).ok()),
            dataset: self.about.dataset.clone(),
            training: self.about.training.clone(),
            ..ModelCard::new(self.network.spec().clone())
        }
    }

    /// Loads a saved model, ready to be evaluated, asked, or trained further.
    ///
    /// # Errors
    /// A [`StoreError`] that names the file.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let (model, card) = load_model(path, device)?;
        let text = text_preprocessing(path, &card)?;
        let loss = card.training.as_ref().map_or(Loss::cross_entropy(), |training| training.loss.clone());
        let mut trainer = Trainer::new(model, loss);
        if trainer.loss.takes_classes() {
            let is_language_model = card.spec.output_steps().is_ok_and(|steps| steps.is_some());
            trainer.metrics = vec![if is_language_model { Metric::Perplexity } else { Metric::Accuracy }];
        }
        trainer.about = About {
            classes: card.classes,
            preprocessing: card.preprocessing,
            text: text.map(Arc::new),
            dataset: card.dataset,
            training: card.training,
        };
        Ok(trainer)
    }
}

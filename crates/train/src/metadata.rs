//! What a model file says about its data and its training.

use std::path::Path;
use std::sync::Arc;

use fireclay_backend::Precision;
use fireclay_data::{Normalization, PictureForm, SampleDigests, SourceMetadata};
use fireclay_nn::{InputSpec, Model, ModelSpec};
use fireclay_store::{
    DatasetCard, ModelCard, PredictionIntervals, Preprocessing, PrivacyCard, ReferenceDistributions,
    StoreError, TrainingCard, load_model,
};
use fireclay_tabular::TablePreprocessing;
use fireclay_text::TextPreprocessing;

use crate::history::History;
use crate::run::RunSettings;

/// What a model file says about the data and the training.
#[derive(Clone, Default)]
pub(crate) struct ModelMetadata {
    pub(crate) classes: Vec<String>,
    pub(crate) preprocessing: Option<Preprocessing>,
    pub(crate) text: Option<Arc<TextPreprocessing>>,
    pub(crate) table: Option<Arc<TablePreprocessing>>,
    pub(crate) pictures: Option<PictureForm>,
    pub(crate) seen: Option<SampleDigests>,
    /// How target values were standardised; mean and standard deviation for each output.
    pub(crate) target_scale: Option<Normalization>,
    /// Above which probability the second of two classes is predicted.
    pub(crate) threshold: Option<f64>,
    /// Between which numbers the truth lies.
    pub(crate) intervals: Option<PredictionIntervals>,
    /// How samples and predictions were distributed.
    pub(crate) reference: Option<ReferenceDistributions>,
    pub(crate) dataset: Option<DatasetCard>,
    pub(crate) training: Option<TrainingCard>,
}

impl ModelMetadata {
    /// What a source of `samples` samples says about itself.
    pub(crate) fn of(source: SourceMetadata, samples: usize) -> Self {
        ModelMetadata {
            classes: source.classes,
            preprocessing: source
                .normalization
                .map(|Normalization { mean, std }| Preprocessing { mean, std }),
            text: source.preprocessing.clone().and_then(|made| made.downcast().ok()),
            table: source.preprocessing.clone().and_then(|made| made.downcast().ok()),
            pictures: source.preprocessing.and_then(|made| made.downcast_ref().copied()),
            seen: source.digests,
            target_scale: source.target_scale,
            threshold: None,
            intervals: None,
            reference: None,
            dataset: source.provenance.map(|provenance| DatasetCard {
                name: provenance.name,
                split: provenance.split,
                source: provenance.source,
                samples,
                sha256: provenance.sha256,
                own: provenance.own,
            }),
            training: None,
        }
    }

    /// Adds how the training went.
    pub(crate) fn trained(
        mut self,
        settings: &RunSettings,
        history: &History,
        privacy: Option<PrivacyCard>,
    ) -> Self {
        let options = &settings.options;
        if privacy.is_some() {
            // They would tell of a sample whether it was there: that of all samples whoever knows the others.
            self.seen = None;
            if let Some(dataset) = self.dataset.as_mut().filter(|dataset| dataset.own) {
                dataset.sha256 = None;
            }
        }
        self.training = Some(TrainingCard {
            loss: settings.loss.clone(),
            optimizer: serde_json::to_value(&settings.optimizer).unwrap_or_default(),
            groups: (settings.groups.iter())
                .map(|group| serde_json::to_value(group).unwrap_or_default())
                .collect(),
            schedule: match &settings.schedule {
                Some(name) => serde_json::json!({ "type": "custom", "name": name }),
                None => serde_json::to_value(&options.schedule).unwrap_or_default(),
            },
            warm_up: options.warm_up,
            accumulate: (options.accumulate > 1).then_some(options.accumulate),
            averaging: options.averaging.map(|averaging| averaging.to_string()),
            clip_value: options.clip_value,
            clip_norm: options.clip_norm,
            precision: (options.precision != Precision::default()).then(|| options.precision.to_string()),
            privacy,
            adversarial: (options.adversarial.as_ref())
                .map(|adversarial| serde_json::to_value(adversarial).unwrap_or_default())
                .unwrap_or_default(),
            epochs: history.epochs.len(),
            batch_size: options.batch_size,
            validation_split: options.validation_split,
            seed: options.seed,
        });
        self
    }

    /// What a file says about a model of this description.
    pub(crate) fn card(&self, spec: ModelSpec) -> ModelCard {
        ModelCard {
            classes: self.classes.clone(),
            preprocessing: self.preprocessing.clone(),
            // What was read from JSON, or can always be written as it.
            text: self.text.as_ref().and_then(|text| serde_json::to_value(text.as_ref()).ok()),
            table: self.table.as_ref().and_then(|table| serde_json::to_value(table.as_ref()).ok()),
            pictures: self.pictures,
            seen: self.seen.clone(),
            target_scale: (self.target_scale.clone())
                .map(|Normalization { mean, std }| Preprocessing { mean, std }),
            threshold: self.threshold,
            intervals: self.intervals.clone(),
            reference: self.reference.clone(),
            dataset: self.dataset.clone(),
            training: self.training.clone(),
            ..ModelCard::new(spec)
        }
    }

    /// Bytes that it takes in a file.
    pub(crate) fn bytes(&self) -> u64 {
        let card = self.card(ModelSpec::new([1]));
        serde_json::to_vec(&card).map_or(0, |text| text.len() as u64)
    }

    /// What the file at `path` says.
    fn of_card(path: &Path, card: ModelCard) -> Result<Self, StoreError> {
        let text = text_preprocessing(path, &card)?;
        let table = table_preprocessing(path, &card)?;
        Ok(ModelMetadata {
            classes: card.classes,
            preprocessing: card.preprocessing,
            text: text.map(Arc::new),
            table: table.map(Arc::new),
            pictures: card.pictures,
            seen: card.seen,
            target_scale: (card.target_scale).map(|Preprocessing { mean, std }| Normalization { mean, std }),
            threshold: card.threshold,
            intervals: card.intervals,
            reference: card.reference,
            dataset: card.dataset,
            training: card.training,
        })
    }

    /// A model with what its file says about it.
    pub(crate) fn load(path: &Path, device: &burn::tensor::Device) -> Result<(Model, Self), StoreError> {
        let (model, card) = load_model(path, device)?;
        Ok((model, Self::of_card(path, card)?))
    }
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

/// How a model wants the rows of its table, if it reads tables.
///
/// # Errors
/// A [`StoreError`] that names the file, if its card says it in another way than this version reads, or what it says
/// does not go with the model.
pub fn table_preprocessing(path: &Path, card: &ModelCard) -> Result<Option<TablePreprocessing>, StoreError> {
    let Some(value) = &card.table else {
        return Ok(None);
    };
    let wrong = |source| StoreError::Card { path: path.to_path_buf(), source };
    let table: TablePreprocessing = serde_json::from_value(value.clone()).map_err(wrong)?;
    table.check().map_err(|problem| wrong(serde::de::Error::custom(problem)))?;
    match card.spec.input.shape() {
        [features] if *features == table.width() => Ok(Some(table)),
        _ => Err(StoreError::Count {
            path: path.to_path_buf(),
            what: "numbers of a row",
            found: table.width(),
            expected: format!("{}, as the model takes", card.spec.input),
        }),
    }
}

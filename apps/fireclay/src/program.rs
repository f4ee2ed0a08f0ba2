//! What `fireclay` is, besides the commands that all programs share.

use std::sync::Arc;

use clap::Args;
use fireclay::data::DatasetsError;
use fireclay::nn::InputSpec;
use fireclay::prelude::*;
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay_cli::{
    DataSpec, Fallback, ImagePreprocessing, Limit, Output, Part, Preprocessing, Program, PublishedImages,
    TextSource, TokenPreprocessing, TrainingArgs, UsageError, usual_texts,
};
use serde::{Deserialize, Serialize};

use crate::error::AppError;
use crate::networks::AnyNetwork;
use crate::source::{AnySource, DataArgs};

/// The program.
#[derive(Debug)]
pub struct FireclayProgram;

/// How samples are prepared: images and texts have flags, how columns become numbers is found in the table.
#[derive(Args, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnyPreprocessing {
    /// Images.
    #[command(flatten)]
    pub images: Option<ImagePreprocessing>,
    /// Texts.
    #[command(flatten)]
    pub texts: Option<TokenPreprocessing>,
}

impl Preprocessing for AnyPreprocessing {
    fn merge(self, defaults: Self) -> Self {
        AnyPreprocessing {
            images: merge(self.images, defaults.images),
            texts: merge(self.texts, defaults.texts),
        }
    }

    fn describe(&self) -> Vec<String> {
        let images = self.images.iter().flat_map(Preprocessing::describe);
        images.chain(self.texts.iter().flat_map(Preprocessing::describe)).collect()
    }
}

fn merge<P: Preprocessing>(given: Option<P>, default: Option<P>) -> Option<P> {
    match (given, default) {
        (Some(given), Some(default)) => Some(given.merge(default)),
        (given, default) => given.or(default),
    }
}

impl Program for FireclayProgram {
    const NAME: &'static str = "fireclay";
    const MODEL_FILE: &'static str = "model.fireclay";

    type Model = AnyNetwork;
    type SourceArgs = DataArgs;
    type Preprocessing = AnyPreprocessing;

    fn samples(data: &Dataset) -> &'static str {
        match (data.vocabulary_size(), data.shape()) {
            (Some(_), _) => "texts",
            (None, [_, _, _]) => "images",
            _ => "rows",
        }
    }

    fn next_command(data: &Dataset) -> &'static str {
        match Self::samples(data) {
            "texts" => "predict --text 'some words'",
            "images" => "predict PICTURE.png",
            _ => "predict TABLE.csv",
        }
    }

    fn known_source(dataset: &str) -> Option<AnySource> {
        let images = [PublishedImages::Mnist, PublishedImages::Cifar].into_iter().find_map(|family| {
            let source = family.known_source(dataset)?;
            Some(AnySource::Images { source, family, shape: family.shape(), validation: None })
        });
        let texts = TextSource::known(dataset).map(|source| AnySource::Texts { source, validation: None });
        images.or(texts)
    }

    fn look(source: AnySource, output: &Output) -> anyhow::Result<AnySource> {
        match source {
            AnySource::Asked(asked) => asked.look(output),
            known => Ok(known),
        }
    }

    fn choose(
        model: AnyNetwork,
        source: &AnySource,
        training: &TrainingArgs,
        output: &Output,
    ) -> anyhow::Result<AnyNetwork> {
        model.choose(source, training, output)
    }

    fn default_preprocessing(model: AnyNetwork) -> AnyPreprocessing {
        let (images, texts) = match model.usual() {
            AnyNetwork::Digit(network) => (Some(network.preprocessing()), None),
            AnyNetwork::Object(network) => (Some(network.preprocessing()), None),
            AnyNetwork::Text(network) => (None, Some(TokenPreprocessing::for_network(network))),
            AnyNetwork::Table(_) | AnyNetwork::Auto | AnyNetwork::Named(_) => (None, None),
        };
        AnyPreprocessing { images, texts }
    }

    fn default_data(model: AnyNetwork) -> DataSpec {
        match model.usual() {
            AnyNetwork::Digit(_) => DataSpec::images(PublishedImages::Mnist.shape(), 10),
            AnyNetwork::Object(_) => DataSpec::images(PublishedImages::Cifar.shape(), 10),
            AnyNetwork::Text(network) => usual_texts(network),
            _ => {
                let input = InputSpec::from([10].as_slice());
                DataSpec { input, vocabulary_size: 0, classes: 2, samples: 1_000 }
            }
        }
    }

    fn resolve(
        preprocessing: AnyPreprocessing,
        language_model: bool,
        source: &AnySource,
    ) -> anyhow::Result<AnyPreprocessing> {
        let wrong = |flag: &str, for_what| {
            let (path, kind) = ("the data".into(), "of another kind");
            Err(UsageError::of(AppError::OtherFlag { flag: flag.into(), for_what, path, kind }))
        };
        match (source, &preprocessing.images, preprocessing.texts.clone()) {
            (AnySource::Asked(_), ..) => Ok(preprocessing),
            (AnySource::Table(_) | AnySource::Texts { .. }, Some(_), _) => {
                wrong("--standardize or --augment", "images")
            }
            (AnySource::Texts { .. }, None, texts) => {
                let texts = Some(texts.unwrap_or_default().resolve(language_model));
                Ok(AnyPreprocessing { images: None, texts })
            }
            (_, _, Some(_)) => wrong("--max-words, --length, --ngrams or --min-count", "texts"),
            (_, _, None) => Ok(preprocessing),
        }
    }

    fn load(
        source: &AnySource,
        limit: Limit,
        preprocessing: &AnyPreprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError> {
        source.load(limit, preprocessing, output)
    }

    fn holds_out_test(source: &AnySource) -> bool {
        source.holds_out_test()
    }

    fn has_validation(source: &AnySource) -> bool {
        source.has_validation()
    }

    fn load_validation(
        source: &AnySource,
        train: &Dataset,
        output: &Output,
    ) -> anyhow::Result<Option<Dataset>> {
        source.load_validation(train, output)
    }

    fn settings(
        source: &AnySource,
        preprocessing: &AnyPreprocessing,
        train: &Dataset,
    ) -> Vec<(&'static str, toml::Value)> {
        let mut settings = source.settings(train);
        if let Some(images) = &preprocessing.images {
            settings.push(("standardize", images.standardize.unwrap_or(false).into()));
            let augment = images.augment.as_ref().map_or("none".to_owned(), ToString::to_string);
            settings.push(("augment", augment.into()));
        }
        if let Some(texts) = &preprocessing.texts {
            let whole = |name, value: Option<u32>| value.map(|value| (name, i64::from(value).into()));
            settings.extend(whole("max-words", texts.max_words));
            settings.extend(whole("length", texts.length));
            settings.extend(whole("ngrams", texts.ngrams));
            settings.extend(whole("min-count", texts.min_count));
        }
        settings
    }

    fn fallback() -> Option<Fallback<AnySource>> {
        None
    }

    fn originals(source: &AnySource, limit: Limit, test: &Dataset, indices: &[usize]) -> Vec<Content> {
        source.originals(limit, test, indices)
    }

    fn cells(
        source: &AnySource,
        column: &str,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Option<Vec<String>>> {
        source.cells(column, card, output)
    }

    fn texts_to_measure(
        source: &AnySource,
        limit: Limit,
        card: &ModelCard,
    ) -> anyhow::Result<Option<Vec<String>>> {
        source.texts_to_measure(limit, card)
    }

    fn load_part(
        source: &AnySource,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset> {
        source.load_part(part, limit, card, output)
    }
}

//! What a program gives to the shared commands: its models, its data and a few words.

use std::fmt::Debug;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fireclay::data::{DatasetsError, TextPreprocessing, Texts};
use fireclay::nn::InputSpec;
use fireclay::prelude::{Dataset, ModelSpec};
use fireclay::report::Content;
use fireclay::store::ModelCard;
use fireclay::tune::{Domain, Setting, Settings};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limit::Limit;
use crate::output::Output;
use crate::recipe::{Recipe, TrainingArgs};

/// A program that trains models on a kind of data.
pub trait Program: Debug + Sized + 'static {
    /// How it is called: `mnist`.
    const NAME: &'static str;
    /// The default model file: `mnist.fireclay`.
    const MODEL_FILE: &'static str;

    /// Its models.
    type Model: ModelName;
    /// Flags that say where the data comes from.
    type SourceArgs: DataSourceArgs;
    /// Flags that say how the data is prepared for training; a checkpoint and a model file keep what they decide.
    type Preprocessing: Preprocessing;

    /// What samples are called: `images`.
    fn samples(data: &Dataset) -> &'static str;

    /// What to try with a model that was trained on some data: `predict PICTURE.png`.
    fn next_command(data: &Dataset) -> &'static str;

    /// Where a data set is that a model file names, if the program finds it by itself or makes it.
    fn known_source(dataset: &str) -> Option<SourceOf<Self>>;

    /// Finds out, before anything is loaded, what flags do not say of the data.
    ///
    /// # Errors
    /// If it cannot be found out.
    fn look(source: SourceOf<Self>, output: &Output) -> anyhow::Result<SourceOf<Self>> {
        let _ = output;
        Ok(source)
    }

    /// The model for some data, where flags leave that open.
    ///
    /// # Errors
    /// If the model that was asked for does not read such data.
    fn choose(
        model: Self::Model,
        source: &SourceOf<Self>,
        training: &TrainingArgs,
        output: &Output,
    ) -> anyhow::Result<Self::Model> {
        let _ = (source, training, output);
        Ok(model)
    }

    /// How the data is prepared for a model where flags do not say it.
    fn default_preprocessing(model: Self::Model) -> Self::Preprocessing {
        let _ = model;
        Self::Preprocessing::default()
    }

    /// What its usual data asks of one of the models, for a summary without data.
    fn default_data(model: Self::Model) -> DataSpec;

    /// Preprocessing with every default filled in, for a classifier or a language model.
    ///
    /// # Errors
    /// If it is none that such data has.
    fn resolve(
        preprocessing: Self::Preprocessing,
        language_model: bool,
        source: &SourceOf<Self>,
    ) -> anyhow::Result<Self::Preprocessing> {
        let _ = (language_model, source);
        Ok(preprocessing)
    }

    /// Loads training and test samples, prepared. Data that was named and is missing or damaged is an error, and so is
    /// having neither files nor a network.
    ///
    /// # Errors
    /// What is wrong with the data.
    fn load(
        source: &SourceOf<Self>,
        limit: Limit,
        preprocessing: &Self::Preprocessing,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError>;

    /// Whether the test samples are held out of the data that was named, as none were named for the test.
    fn holds_out_test(source: &SourceOf<Self>) -> bool {
        let _ = source;
        false
    }

    /// Whether the source has validation samples of its own.
    fn has_validation(source: &SourceOf<Self>) -> bool {
        let _ = source;
        false
    }

    /// The validation samples that the source names, prepared as the training samples are.
    ///
    /// # Errors
    /// What is wrong with them.
    fn load_validation(
        source: &SourceOf<Self>,
        train: &Dataset,
        output: &Output,
    ) -> anyhow::Result<Option<Dataset>> {
        let _ = (source, train, output);
        Ok(None)
    }

    /// What flags say of data and preprocessing, by their names, with what was found out filled in.
    fn settings(
        source: &SourceOf<Self>,
        preprocessing: &Self::Preprocessing,
        train: &Dataset,
    ) -> Vec<(&'static str, toml::Value)> {
        let _ = (source, preprocessing, train);
        Vec::new()
    }

    /// Synthetic data for a machine without files and network, and what to tell the user; `None` where there is none.
    fn fallback() -> Option<Fallback<SourceOf<Self>>>;

    /// Test samples as people see them, where a data set holds only what became of them: texts, and rows of tables. Empty if they
    /// cannot be had again.
    fn originals(source: &SourceOf<Self>, limit: Limit, test: &Dataset, indices: &[usize]) -> Vec<Content> {
        let _ = (source, limit, test, indices);
        Vec::new()
    }

    /// The cells of a column, of all rows that [`load_part`](Self::load_part) gives for a measurement; `None` where samples are no rows of a
    /// table.
    ///
    /// # Errors
    /// What is wrong with the data, or that there is no such column.
    fn cells(
        source: &SourceOf<Self>,
        column: &str,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let _ = (source, column, card, output);
        Ok(None)
    }

    /// All texts that [`load_part`](Self::load_part) gives for a measurement, in that order; `None` where samples are no texts.
    ///
    /// # Errors
    /// What is wrong with the data.
    fn texts_to_measure(
        source: &SourceOf<Self>,
        limit: Limit,
        card: &ModelCard,
    ) -> anyhow::Result<Option<Vec<String>>> {
        let _ = (source, limit, card);
        Ok(None)
    }

    /// Loads a part of the samples for a saved model, prepared as the model file says.
    ///
    /// # Errors
    /// What is wrong with the data, or why it does not go with the model.
    fn load_part(
        source: &SourceOf<Self>,
        part: Part,
        limit: Limit,
        card: &ModelCard,
        output: &Arc<Output>,
    ) -> anyhow::Result<Dataset>;
}

/// Which samples a saved model is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those that it was trained on, as far as data of the user's own and the model file tell which these were.
    Train,
    /// Those of an owner who trains it together with others: the training part, or where the owner's data has no parts all of it, whatever
    /// the model has seen.
    Own,
    /// Those that it is measured on: the test part, or where the user's own data has no parts all of it, as the model knows which
    /// samples it has seen.
    Test,
}

/// A program that reads images.
pub trait ImageProgram: Program {
    /// The help of `predict`, in a line.
    const PREDICT_ABOUT: &'static str;
    /// The numbers of channels that its pictures are read with.
    const CHANNELS: &'static [usize];
}

/// A program that reads texts.
pub trait TextProgram: Program {
    /// Loads training and test texts, as [`Program::load`] does.
    ///
    /// # Errors
    /// What is wrong with the data.
    fn load_texts(
        source: &SourceOf<Self>,
        limit: Limit,
        output: &Arc<Output>,
    ) -> Result<(Texts, Texts), DatasetsError>;

    /// How the texts become tokens, the words being those of the training texts.
    ///
    /// # Errors
    /// If a setting is out of range.
    fn text_preprocessing(
        preprocessing: &Self::Preprocessing,
        train: &Texts,
    ) -> Result<TextPreprocessing, DatasetsError>;
}

/// What a program keeps in checkpoints of where its data comes from.
pub type SourceOf<P> = <<P as Program>::SourceArgs as DataSourceArgs>::Source;

/// Flags that say where the data comes from.
pub trait DataSourceArgs: Args + Clone + Debug + Send + Sync + 'static {
    /// All that is needed to load the same data again, from any working directory.
    type Source: Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned;

    /// What the flags say; paths are absolute.
    fn source(&self) -> Self::Source;

    /// Whether a flag was given, so that it takes precedence over a checkpoint or a model file.
    fn is_given(&self) -> bool;

    /// Whether a flag names validation samples.
    fn names_validation(&self) -> bool {
        false
    }
}

/// Flags that say how data is prepared. [`Default`] is what they are when none is given.
pub trait Preprocessing:
    Args + Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// These settings, and where they are not given the defaults.
    fn merge(self, defaults: Self) -> Self;

    /// In words, as flags give it; empty if nothing is done.
    fn describe(&self) -> Vec<String>;
}

/// Synthetic data that is used where there are no files and no network.
#[derive(Clone, Debug)]
pub struct Fallback<S> {
    /// How to load it.
    pub source: S,
    /// The name of its data set: `drawn digits`.
    pub dataset: &'static str,
    /// What is missing: `MNIST`.
    pub missing: &'static str,
    /// How the user gives the real data: `give MNIST's files with --data-dir FOLDER`.
    pub remedy: &'static str,
}

/// The models of a program by name, each with the recipe that it is trained by.
pub trait ModelName: ValueEnum + Copy + Default + Debug + Send + Sync + 'static {
    /// The network for some data.
    fn spec(self, data: &DataSpec) -> ModelSpec;

    /// How the network is trained on some data unless flags say otherwise.
    fn recipe(self, data: &DataSpec) -> Recipe;

    /// What a search may change of the network itself, and within which bounds, with what the usual network has.
    fn tunable(self, data: &DataSpec) -> Vec<(&'static str, Domain, Setting)> {
        let _ = data;
        Vec::new()
    }

    /// The network with such settings as [`tunable`](Self::tunable) names.
    fn tuned(self, data: &DataSpec, settings: &Settings) -> ModelSpec {
        let _ = settings;
        self.spec(data)
    }

    /// Whether the network predicts the next token at each step of a text.
    fn is_language_model(self) -> bool {
        false
    }

    /// The value of `--model`.
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

/// What data asks of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct DataSpec {
    /// What one sample is.
    pub input: InputSpec,
    /// How many different tokens there are; 0 where samples are numbers.
    pub vocabulary_size: usize,
    /// How many classes there are.
    pub classes: usize,
    /// How many training samples there are, about.
    pub samples: usize,
}

impl DataSpec {
    /// What a data set asks of a model.
    pub fn of(data: &Dataset) -> Self {
        let (input, vocabulary_size) = match (data.vocabulary_size(), data.shape()) {
            (Some(vocabulary_size), &[tokens]) => (InputSpec::Tokens(tokens), vocabulary_size),
            (_, shape) => (InputSpec::from(shape), 0),
        };
        DataSpec { input, vocabulary_size, classes: data.class_names().len(), samples: data.len() }
    }

    /// Images with classes.
    pub fn images(shape: [usize; 3], classes: usize) -> Self {
        DataSpec { input: InputSpec::from(shape.as_slice()), vocabulary_size: 0, classes, samples: 50_000 }
    }

    /// A network without layers yet that takes the samples.
    pub fn model(&self) -> ModelSpec {
        match &self.input {
            InputSpec::Tokens(tokens) => ModelSpec::tokens(*tokens),
            other => ModelSpec::new(other.shape()),
        }
    }
}

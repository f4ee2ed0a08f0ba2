//! What makes a program of the shared commands: its models, its data, its words.

use std::fmt::Debug;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use fireclay::data::{DatasetsError, TextPreprocessing, Texts};
use fireclay::nn::InputSpec;
use fireclay::prelude::{Dataset, ModelSpec};
use fireclay::store::ModelCard;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Output, Recipe};

/// A program that trains models on a kind of data.
pub trait Program: Debug + Sized {
    /// How it is called: `mnist`.
    const NAME: &'static str;
    /// Where a model is saved and looked for unless said otherwise: `mnist.fireclay`.
    const MODEL_FILE: &'static str;
    /// What its samples are called: `images`.
    const SAMPLES: &'static str;
    /// What to try with a saved model: `predict PICTURE.png`.
    const TRY: &'static str;

    /// The data sets that it finds by itself, by name, besides the one that stands in.
    const DATASETS: &'static [&'static str];

    /// Its models.
    type Model: ModelName;
    /// Flags that say where the data comes from.
    type Place: PlaceFlags;
    /// Flags that say how the data is prepared for training; a checkpoint and a model file keep what they decide.
    type Preparation: Preparation;

    /// How the data is prepared for a model where flags do not say it.
    fn preparation(model: Self::Model) -> Self::Preparation {
        let _ = model;
        Self::Preparation::default()
    }

    /// What its usual data asks of a model, for a summary without data.
    fn usual_task() -> Task;

    /// What it asks of one of the models, where that is not the same for all.
    fn usual_task_of(model: Self::Model) -> Task {
        let _ = model;
        Self::usual_task()
    }

    /// The preparation that flags ask for, with what they leave to the model: whether that predicts next tokens.
    fn settled(preparation: Self::Preparation, next_tokens: bool) -> Self::Preparation {
        let _ = next_tokens;
        preparation
    }

    /// What to try with a saved model that predicts next tokens.
    const TRY_NEXT_TOKENS: &'static str = Self::TRY;

    /// Loads training and test samples, prepared. Data that was named and is missing or damaged is an error, and so is
    /// having neither files nor a network.
    ///
    /// # Errors
    /// What is wrong with the data.
    fn load(
        place: &PlaceOf<Self>,
        preparation: &Self::Preparation,
        output: &Arc<Output>,
    ) -> Result<(Dataset, Dataset), DatasetsError>;

    /// What stands in for data that is neither here nor to be had, and what to tell the user.
    fn stand_in() -> StandIn<PlaceOf<Self>>;

    /// Loads the test samples to measure a saved model on, as the model wants them.
    ///
    /// # Errors
    /// What is wrong with the data, or why it does not go with the model.
    fn load_test(place: &PlaceOf<Self>, card: &ModelCard, output: &Arc<Output>) -> anyhow::Result<Dataset>;
}

/// A program that reads texts.
pub trait TextProgram: Program {
    /// Loads training and test texts, as [`Program::load`] does.
    ///
    /// # Errors
    /// What is wrong with the data.
    fn load_texts(place: &PlaceOf<Self>, output: &Arc<Output>) -> Result<(Texts, Texts), DatasetsError>;

    /// How the texts become tokens, the words being those of the training texts.
    ///
    /// # Errors
    /// If the flags ask for what cannot be.
    fn preprocessing(
        preparation: &Self::Preparation,
        train: &Texts,
    ) -> Result<TextPreprocessing, DatasetsError>;
}

/// What a program keeps in checkpoints of where its data comes from.
pub type PlaceOf<P> = <<P as Program>::Place as PlaceFlags>::Place;

/// Flags that say where the data comes from.
pub trait PlaceFlags: Args + Clone + Debug {
    /// All that is needed to load the same data again, from anywhere.
    type Place: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// What the flags say; a folder is kept by its whole path.
    fn place(&self) -> Self::Place;

    /// Whether a flag says anything, so that it goes before what a checkpoint or a model says.
    fn is_given(&self) -> bool;
}

/// Flags that say how data is prepared. [`Default`] is what they are when none is given.
pub trait Preparation: Args + Clone + Debug + Default + PartialEq + Serialize + DeserializeOwned {
    /// What these flags say, and where they say nothing what the recipe says.
    fn or(self, recipe: Self) -> Self;

    /// In words, as flags give it; empty if nothing is done.
    fn describe(&self) -> Vec<String>;
}

/// Data that stands in where there are no files and no network.
#[derive(Clone, Debug)]
pub struct StandIn<P> {
    /// How to load it.
    pub place: P,
    /// The name of its data set: `drawn digits`.
    pub dataset: &'static str,
    /// What is missing: `MNIST`.
    pub missing: &'static str,
    /// How the user gives the real data: `give MNIST's files with --data-dir FOLDER`.
    pub remedy: &'static str,
}

/// The models of a program by name, each with the recipe that it is trained by.
pub trait ModelName: ValueEnum + Copy + Default + Debug + Send + Sync + 'static {
    /// The network for a task.
    fn spec(self, task: &Task) -> ModelSpec;

    /// How the network is trained unless flags say otherwise.
    fn recipe(self) -> Recipe;

    /// Whether the network predicts at each step of a text the token that comes next.
    fn predicts_next_tokens(self) -> bool {
        false
    }

    /// The word on the command line.
    fn word(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_string()).unwrap_or_default()
    }
}

/// What data asks of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// What one sample is.
    pub input: InputSpec,
    /// How many different tokens there are; 0 where samples are numbers.
    pub vocabulary_size: usize,
    /// How many classes there are.
    pub classes: usize,
}

impl Task {
    /// What a data set asks of a model.
    pub fn of(data: &Dataset) -> Self {
        let (input, vocabulary_size) = match (data.vocabulary_size(), data.shape()) {
            (Some(vocabulary_size), &[tokens]) => (InputSpec::Tokens(tokens), vocabulary_size),
            (_, shape) => (InputSpec::from(shape), 0),
        };
        Task { input, vocabulary_size, classes: data.class_names().len() }
    }

    /// A task of images.
    pub fn images(shape: [usize; 3], classes: usize) -> Self {
        Task { input: InputSpec::from(shape.as_slice()), vocabulary_size: 0, classes }
    }

    /// A network without layers yet that takes the samples.
    pub fn model(&self) -> ModelSpec {
        match &self.input {
            InputSpec::Tokens(tokens) => ModelSpec::tokens(*tokens),
            other => ModelSpec::new(other.shape()),
        }
    }
}

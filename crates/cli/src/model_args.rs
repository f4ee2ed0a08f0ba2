//! Which model: one of the program's by name, or a description of the user's own.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use fireclay::prelude::{Dataset, ModelSpec};

use crate::error::CommandError;
use crate::exit::UsageError;
use crate::program::{ModelName, Preprocessing, Program, SourceOf};
use crate::recipe::Recipe;

/// Which model.
#[derive(Args, Debug)]
pub struct ModelArgs<P: Program> {
    /// Network by name
    #[arg(long, value_name = "NAME", value_enum, default_value_t = P::Model::default())]
    pub model: P::Model,
    /// Network of your own, described in TOML or JSON (`summary --toml` prints one to begin with)
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub spec: Option<PathBuf>,
}

impl<P: Program> ModelArgs<P> {
    /// The user's own description, if one is named.
    ///
    /// # Errors
    /// A [`UsageError`] if it cannot be read, or its shapes do not fit.
    pub fn own_spec(&self) -> anyhow::Result<Option<ModelSpec>> {
        self.spec.as_deref().map(read_spec).transpose()
    }

    /// The recipe that is used where nothing is known of the data.
    pub fn usual_recipe(&self) -> Recipe {
        let model = self.trained_as();
        model.recipe(&P::default_data(model))
    }

    /// The model whose recipe is used: one of the user's own is trained as the program's default model is.
    pub fn trained_as(&self) -> P::Model {
        match self.spec {
            Some(_) => P::Model::default(),
            None => self.model,
        }
    }
}

/// Reads a description in TOML or JSON and checks its shapes.
///
/// # Errors
/// A [`UsageError`] that names the file.
pub fn read_spec(path: &Path) -> anyhow::Result<ModelSpec> {
    if path.exists() && !path.is_file() {
        return Err(UsageError::of(CommandError::NotAFile { path: path.to_path_buf() }));
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(UsageError::of)?;
    let read = match text.trim_start().starts_with('{') {
        true => ModelSpec::from_json(&text),
        false => ModelSpec::from_toml(&text),
    };
    let spec = read.and_then(|spec| spec.summary().map(|_| spec));
    spec.with_context(|| path.display().to_string()).map_err(UsageError::of)
}

/// How data is prepared for one of the models: as flags say, and where they say nothing as its recipe does.
///
/// # Errors
/// If flags say what such data does not have.
pub fn preprocessing_for<P: Program>(
    given: P::Preprocessing,
    model: P::Model,
    source: &SourceOf<P>,
) -> anyhow::Result<P::Preprocessing> {
    P::resolve(given.merge(P::default_preprocessing(model)), model.is_language_model(), source)
}

/// A recipe and how data is prepared, in a line.
pub fn describe(recipe: &Recipe, preprocessing: &impl Preprocessing) -> String {
    [recipe.describe(), preprocessing.describe()].concat().join(", ")
}

/// Texts of similar length together in a batch, if the network takes batches shorter than its input; images stay as they are.
///
/// # Errors
/// If the shapes of the description do not fit.
pub fn bucketed(data: Dataset, spec: &ModelSpec) -> anyhow::Result<Dataset> {
    match spec.supports_variable_length()? {
        true => Ok(data.bucketed_by_length()),
        false => Ok(data),
    }
}

//! What a training and a search begin with: model, data and recipe, as flags say them.

use std::sync::Arc;

use clap::Args;
use fireclay::prelude::{Dataset, ModelSpec};

use crate::device::DeviceArgs;
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::fallback::load_or_fall_back;
use crate::limit::Limit;
use crate::model_args::{ModelArgs, preprocessing_for};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{DataSourceArgs, DataSpec, ModelName, Program, SourceOf};
use crate::recipe::{Recipe, TrainingArgs};

/// Flags that say model, data and recipe.
#[derive(Args, Debug)]
pub struct SetupArgs<P: Program> {
    /// Which model.
    #[command(flatten)]
    pub model: ModelArgs<P>,
    /// Which data.
    #[command(flatten)]
    pub source: P::SourceArgs,
    /// How much of it.
    #[command(flatten)]
    pub limit: Limit,
    /// How it is prepared.
    #[command(flatten)]
    pub preprocessing: P::Preprocessing,
    /// How to train.
    #[command(flatten)]
    pub training: TrainingArgs,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceArgs,
}

/// Data that is loaded, with the model and the recipe for it.
pub struct Prepared<P: Program> {
    pub train: Dataset,
    pub test: Dataset,
    /// Where the data came from.
    pub data: SourceOf<P>,
    pub preprocessing: P::Preprocessing,
    /// The model, or the one whose recipe is used.
    pub chosen: P::Model,
    pub recipe: Recipe,
}

impl<P: Program> SetupArgs<P> {
    /// Finds out what flags leave open, and loads the data; `own` is the user's own description.
    ///
    /// # Errors
    /// What is wrong with flags or data.
    pub fn prepare(&self, own: Option<&ModelSpec>, output: &Arc<Output>) -> anyhow::Result<Prepared<P>> {
        let source = P::look(self.source.source(), output)?;
        let chosen = P::choose(self.model.trained_as(), &source, &self.training, output)?;
        let given = self.preprocessing.clone();
        let preprocessing = match own {
            Some(spec) => P::resolve(given, spec.output_steps()?.is_some(), &source)?,
            None => preprocessing_for::<P>(given, chosen, &source)?,
        };
        let ((train, test), data) = load_or_fall_back::<P, _>(source, output, |source| {
            P::load(source, self.limit, &preprocessing, output)
        })?;
        let has_validation = P::has_validation(&data);
        let usual = Recipe { has_validation, ..chosen.recipe(&DataSpec::of(&train)) };
        let recipe = self.training.apply(usual).map_err(UsageError::of)?;
        if recipe.balanced && Objective::of(&train) != Objective::Classification {
            return Err(UsageError::of(CommandError::NoClasses));
        }
        let recipe = Recipe { precision: self.device.precision, ..recipe };
        Ok(Prepared { train, test, data, preprocessing, chosen, recipe })
    }
}

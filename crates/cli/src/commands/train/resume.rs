//! A training that is resumed from its checkpoint.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use fireclay::store::load_checkpoint;
use fireclay::train::{Checkpoint, checkpoint_shapes};

use super::flags::Train;
use super::job::{Job, ProgramState, StateOf, check_out};
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::model_args::bucketed;
use crate::objective::label_smoothing;
use crate::output::Output;
use crate::program::{DataSourceArgs, Preprocessing, Program};
use crate::recipe::Recipe;

/// A training that is resumed.
pub fn resume<P: Program>(path: &Path, flags: &Train<P>, output: &Arc<Output>) -> anyhow::Result<Job<P>> {
    let checkpoint: Checkpoint = load_checkpoint(path)?;
    let progress = &checkpoint.progress;
    // Another program's data may not even be readable here, so its name is checked first.
    if let Some(other) = progress.program["program"].as_str().filter(|name| *name != P::NAME) {
        let (path, found) = (path.to_path_buf(), other.to_string());
        return Err(CommandError::OtherProgram { path, expected: P::NAME, found }.into());
    }
    let state: StateOf<P> = serde_json::from_value(progress.program.clone())
        .with_context(|| format!("{} is not a checkpoint of this program", path.display()))?;
    check_out(&state.out)?;
    // Before the model is built, which takes as much memory as the description asks for.
    fireclay::nn::check_weights(&state.spec, &checkpoint_shapes(&checkpoint))
        .with_context(|| path.display().to_string())?;
    if flags.preprocessing.clone().merge(state.preprocessing.clone()) != state.preprocessing {
        return Err(UsageError::of(CommandError::OtherPreprocessing { path: path.to_path_buf() }));
    }
    let data = match flags.source.is_given() {
        true => flags.source.source(),
        false => state.data.clone(),
    };
    let (train, test) = P::load(&data, state.limit, &state.preprocessing, output)?;
    let train = bucketed(train, &state.spec)?;
    let settings = &progress.settings;
    let options = &settings.options;
    let optimizer = settings.optimizer.built_in().ok_or_else(|| CommandError::OwnOptimizer {
        path: path.to_path_buf(),
        name: settings.optimizer.name(),
    })?;
    let recipe = Recipe {
        groups: settings.groups.clone(),
        schedule: options.schedule,
        warm_up: options.warm_up,
        clip_norm: options.clip_norm,
        precision: options.precision,
        label_smoothing: label_smoothing(&settings.loss),
        validation_split: options.validation_split,
        best: state.best,
        ..Recipe::new(optimizer, options.batch_size, options.epochs)
    };
    let seed = options.seed;
    Ok(Job {
        state: ProgramState { data, ..state },
        train,
        test,
        recipe,
        seed,
        checkpoint_path: path.to_path_buf(),
        checkpoint: Some(checkpoint),
    })
}

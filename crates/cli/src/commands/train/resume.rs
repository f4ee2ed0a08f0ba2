//! A training that is resumed from its checkpoint.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use fireclay::prelude::Device;
use fireclay::runs::{RunFolder, RunRecord, Status};
use fireclay::store::{load_card, load_checkpoint};
use fireclay::train::{Checkpoint, checkpoint_shapes};
use serde_json::Value;

use super::flags::Train;
use super::job::{Job, ProgramState, StateOf, check_out};
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::format::called;
use crate::model_args::bucketed;
use crate::objective::{is_balanced, label_smoothing};
use crate::output::Output;
use crate::program::{DataSourceArgs, Preprocessing, Program};
use crate::recipe::Recipe;

/// A training that is resumed, and the device that it goes on with.
pub fn resume<P: Program>(
    path: &Path,
    flags: &mut Train<P>,
    output: &Arc<Output>,
) -> anyhow::Result<(Device, Job<P>)> {
    if let Some(found) = flags.learning_rate_factor.filter(|factor| !(*factor > 0.0 && factor.is_finite())) {
        return Err(UsageError::of(CommandError::LearningRateFactor { found }));
    }
    let of_run = match path.is_dir() {
        true => Some(checkpoint_of_run::<P>(path)?),
        false => None,
    };
    let path = of_run.as_deref().unwrap_or(path);
    let mut checkpoint: Checkpoint = match load_checkpoint(path) {
        // A model file is where a checkpoint was, when the training has ended.
        Err(_) if load_card(path).is_ok() => {
            let (path, program) = (path.to_path_buf(), called(P::NAME));
            return Err(UsageError::of(CommandError::Finished { path, program }));
        }
        checkpoint => checkpoint?,
    };
    let progress = &checkpoint.progress;
    // Another program's data may not even be readable here, so its name is checked first.
    if let Some(other) = progress.program["program"].as_str().filter(|name| *name != P::NAME) {
        let (path, found) = (path.to_path_buf(), other.to_string());
        return Err(CommandError::OtherProgram { path, expected: P::NAME, found }.into());
    }
    let (path, written) = (std::path::absolute(path)?, progress.program.clone());
    let read = |written| -> anyhow::Result<StateOf<P>> {
        serde_json::from_value(written)
            .with_context(|| format!("{} is not a checkpoint of this program", path.display()))
    };
    let mut state = read(written.clone())?;
    if let (Some(before), Some(now)) = (state.out.parent(), moved_to(&state, &path))
        && !before.exists()
        && !flags.other_rank
    {
        output.note(format!(
            "{} is gone, so what lay in it is taken from {} instead",
            before.display(),
            now.display()
        ));
        state = read(moved(written, before, now))?;
    }
    if let Some(out) = &flags.out {
        state.out = std::path::absolute(out).unwrap_or_else(|_| out.clone());
    }
    let path = path.as_path();
    if flags.other_rank {
        // What is kept of the run is kept by rank 0, maybe on another host.
        state.run = None;
    } else {
        check_out(&state.out)?;
    }
    let device = match &state.computed_on {
        Some(before) => flags.setup.device.open_again(before, path, output)?,
        None => flags.setup.device.open()?,
    };
    state.computed_on = Some(flags.setup.device.computed_on());
    let run = match &state.run {
        Some(folder) => {
            // Moved by itself, it is where its checkpoint is.
            let now = path.parent().and_then(Path::parent).filter(|_| !folder.exists());
            let folder = RunFolder::open(now.unwrap_or(folder))?;
            state.run = Some(folder.path().to_path_buf());
            Some(folder)
        }
        None => None,
    };
    // Before the model is built, which takes as much memory as the description asks for.
    fireclay::nn::check_weights(&state.spec, &checkpoint_shapes(&checkpoint))
        .with_context(|| path.display().to_string())?;
    if flags.setup.preprocessing.clone().merge(state.preprocessing.clone()) != state.preprocessing {
        return Err(UsageError::of(CommandError::OtherPreprocessing { path: path.to_path_buf() }));
    }
    let data = match flags.setup.source.is_given() {
        true => P::look(flags.setup.source.source(), output)?,
        false => state.data.clone(),
    };
    let (train, test) = P::load(&data, state.limit, &state.preprocessing, output)?;
    let validation = P::load_validation(&data, &train, output)?;
    let train = bucketed(train, &state.spec)?;
    let settings = &progress.settings;
    let options = &settings.options;
    let optimizer = settings.optimizer.built_in().ok_or_else(|| CommandError::OwnOptimizer {
        path: path.to_path_buf(),
        name: settings.optimizer.name(),
    })?;
    let recipe = Recipe {
        groups: settings.groups.clone(),
        schedule: options.schedule.clone(),
        warm_up: options.warm_up,
        accumulate: options.accumulate,
        averaging: options.averaging,
        clip_value: options.clip_value,
        clip_norm: options.clip_norm,
        precision: options.precision,
        label_smoothing: label_smoothing(&settings.loss),
        balanced: is_balanced(&settings.loss),
        has_validation: validation.is_some(),
        validation_split: options.validation_split,
        best: state.best,
        privacy: options.privacy,
        adversarial: options.adversarial,
        sync_batch_norm: options.sync_batch_norm,
        ..Recipe::new(optimizer, options.batch_size, options.epochs)
    };
    let seed = options.seed;
    if let Some(factor) = flags.learning_rate_factor {
        let scale = &mut checkpoint.progress.state.learning_rate_scale;
        *scale *= factor;
        if !(*scale > 0.0 && scale.is_finite()) {
            return Err(UsageError::of(CommandError::LearningRateFactor { found: factor }));
        }
    }
    let job = Job {
        state: ProgramState { data, ..state },
        train,
        test,
        validation,
        recipe,
        seed,
        run,
        checkpoint_path: path.to_path_buf(),
        checkpoint: Some(checkpoint),
    };
    Ok((device, job))
}

/// Where the folder is now that the model file was to be written to, by where its checkpoint is: beside the file, or in the folder of
/// the run below it.
fn moved_to<'a, S, R>(state: &ProgramState<S, R>, checkpoint: &'a Path) -> Option<&'a Path> {
    let before = state.out.parent()?;
    let below = state.run.as_ref().and_then(|run| run.strip_prefix(before).ok());
    let folders = below.map_or(0, |run| run.join(RunFolder::CHECKPOINTS).components().count());
    checkpoint.ancestors().nth(1 + folders)
}

/// The checkpoint in the folder of a run.
pub fn checkpoint_of_run<P: Program>(folder: &Path) -> anyhow::Result<PathBuf> {
    let run = RunFolder::open(folder).map_err(UsageError::of)?;
    if RunRecord::load(&run)?.status == Status::Completed {
        let (path, program) = (folder.to_path_buf(), called(P::NAME));
        return Err(UsageError::of(CommandError::Finished { path, program }));
    }
    match run.last_checkpoint() {
        checkpoint if checkpoint.exists() => Ok(checkpoint),
        _ => Err(UsageError::of(CommandError::NoCheckpoint {
            path: folder.to_path_buf(),
            program: called(P::NAME),
        })),
    }
}

/// What a checkpoint says, with all paths in the folder `before` in the folder `now` instead.
fn moved(said: Value, before: &Path, now: &Path) -> Value {
    match said {
        Value::String(text) => match Path::new(&text).strip_prefix(before) {
            Ok(rest) => Value::String(now.join(rest).to_string_lossy().into_owned()),
            Err(_) => Value::String(text),
        },
        Value::Array(items) => items.into_iter().map(|item| moved(item, before, now)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (name, moved(value, before, now))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_a_folder_move_with_it_and_others_stay() {
        let said = serde_json::json!({
            "out": "/home/ada/project/m.fireclay", "data": {"folder": "/home/ada/project/pics"},
            "other": ["/home/ada/projects", "project", 3, null],
        });
        let expected = serde_json::json!({
            "out": "/tmp/renamed/m.fireclay", "data": {"folder": "/tmp/renamed/pics"},
            "other": ["/home/ada/projects", "project", 3, null],
        });
        assert_eq!(moved(said, Path::new("/home/ada/project"), Path::new("/tmp/renamed")), expected);
    }
}

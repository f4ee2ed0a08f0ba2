//! A training from the beginning.

use std::path::PathBuf;
use std::sync::Arc;

use fireclay::prelude::ModelSpec;

use super::flags::Train;
use super::job::{Job, ProgramState, check_out, checkpoint_beside, resume_command};
use crate::error::CommandError;
use crate::exit::UsageError;
use crate::fallback::load_or_fall_back;
use crate::format::shown;
use crate::model_args::{bucketed, preprocessing_for};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{DataSourceArgs, DataSpec, ModelName, Program};
use crate::recipe::Recipe;

/// A training from the beginning; `own` is the user's own description.
pub fn begin<P: Program>(
    own: Option<ModelSpec>,
    flags: &Train<P>,
    output: &Arc<Output>,
) -> anyhow::Result<Job<P>> {
    let out = flags.out.clone().unwrap_or_else(|| PathBuf::from(P::MODEL_FILE));
    let out = std::path::absolute(&out).unwrap_or(out);
    check_out(&out)?;
    let checkpoint_path = checkpoint_beside(&out);
    if checkpoint_path.exists() {
        output.note(format!(
            "note: {} holds a training that was interrupted and will be overwritten; to resume it instead: {}",
            shown(&checkpoint_path),
            resume_command::<P>(&checkpoint_path, flags)
        ));
    }
    let source = P::look(flags.source.source(), output)?;
    let chosen = P::choose(flags.model.trained_as(), &source, flags.training.preset(), output)?;
    let given = flags.preprocessing.clone();
    let preprocessing = match &own {
        Some(spec) => P::resolve(given, spec.output_steps()?.is_some(), &source)?,
        None => preprocessing_for::<P>(given, chosen, &source)?,
    };
    let limit = flags.limit;
    let ((train, test), data) =
        load_or_fall_back::<P, _>(source, output, |source| P::load(source, limit, &preprocessing, output))?;
    let found = DataSpec::of(&train);
    let (model, spec) = match own {
        Some(spec) => ("your own".to_string(), spec),
        None => (chosen.name(), chosen.spec(&found)),
    };
    let recipe = flags
        .training
        .apply(Recipe { has_validation: P::has_validation(&data), ..chosen.recipe(&found) })
        .map_err(UsageError::of)?;
    if recipe.balanced && Objective::of(&train) != Objective::Classification {
        return Err(UsageError::of(CommandError::NoClasses));
    }
    let recipe = Recipe { precision: flags.device.precision, ..recipe };
    let validation = P::load_validation(&data, &train, output)?;
    let train = bucketed(train, &spec)?;
    let best = recipe.best;
    let state = ProgramState { program: P::NAME.into(), model, spec, data, limit, preprocessing, best, out };
    Ok(Job {
        state,
        train,
        test,
        validation,
        recipe,
        seed: flags.training.seed,
        checkpoint_path,
        checkpoint: None,
    })
}

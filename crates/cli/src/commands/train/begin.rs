//! A training from the beginning.

use std::path::PathBuf;
use std::sync::Arc;

use fireclay::prelude::ModelSpec;

use super::flags::Train;
use super::job::{Job, ProgramState, check_out, checkpoint_beside, resume_command};
use crate::format::shown;
use crate::model_args::bucketed;
use crate::output::Output;
use crate::program::{DataSpec, ModelName, Program};
use crate::setup::Prepared;

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
    // With a folder of its own nothing is overwritten.
    let overwrites = flags.out.is_some() && flags.logging.run.is_none();
    if overwrites && checkpoint_path.exists() {
        output.note(format!(
            "note: {} holds a training that was interrupted and will be overwritten; to resume it instead: {}",
            shown(&checkpoint_path),
            resume_command::<P>(&checkpoint_path)
        ));
    }
    let setup = &flags.setup;
    let Prepared { train, test, data, preprocessing, chosen, recipe } =
        setup.prepare(own.as_ref(), output)?;
    let limit = setup.limit;
    let (model, spec) = match own {
        Some(spec) => ("your own".to_string(), spec),
        None => (chosen.name(), chosen.spec(&DataSpec::of(&train))),
    };
    let validation = P::load_validation(&data, &train, output)?;
    let train = bucketed(train, &spec)?;
    let mut metrics = flags.measured.find(&train)?;
    let monitor = flags.monitored.find(&train, &mut metrics)?;
    let best = recipe.best;
    let state = ProgramState {
        program: P::NAME.into(),
        model,
        spec,
        data,
        limit,
        preprocessing,
        best,
        metrics,
        monitor,
        out,
        run: None,
        logging: flags.logging.logging(),
        computed_on: Some(flags.setup.device.computed_on()),
    };
    Ok(Job {
        state,
        train,
        test,
        validation,
        recipe,
        seed: setup.training.seed,
        run: None,
        checkpoint_path,
        checkpoint: None,
    })
}

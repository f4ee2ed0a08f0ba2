//! `mnist train`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use fireclay::prelude::*;
use fireclay::store::load_checkpoint;
use fireclay::train::{Checkpoint, Stopped, TrainError};
use fireclay_cli::{Exit, FitFlags, InterruptOnCtrlC, Output, Progress, UsageError, bytes, count};
use serde::{Deserialize, Serialize};

use crate::cli::{ModelFlags, TrainFlags};
use crate::data::Choice;
use crate::models::{ModelName, Recipe};
use crate::{evaluate, records};

/// What a checkpoint must know besides the training itself.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    /// Always `mnist`, so that another program's checkpoint is recognised.
    program: String,
    model: String,
    spec: ModelSpec,
    data: Choice,
    out: PathBuf,
}

pub fn run(flags: TrainFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let interrupt = InterruptOnCtrlC::install()?;
    let resumed = flags.resume.as_deref().map(read_checkpoint).transpose()?;
    // Whatever the flags alone decide is checked before any work.
    let settings = match &resumed {
        None => Some(settings(&flags.fit, recipe(&flags.model)).map_err(UsageError::of)?),
        Some(_) => None,
    };
    let described = match &flags.model.spec {
        Some(path) => Some(read_spec(path)?),
        None => None,
    };
    let device = flags.device.open()?;
    check_folder(&flags.out)?;

    let choice = match &resumed {
        Some((_, program)) if flags.data.data_dir.is_none() && !flags.data.drawn => program.data.clone(),
        _ => Choice::of(&flags.data),
    };
    let (train, test, choice) = choice.load(output)?;
    let (model, spec, out) = match &resumed {
        Some((_, program)) => (program.model.clone(), program.spec.clone(), program.out.clone()),
        None => {
            let (name, spec) = match described {
                Some(spec) => ("your own".to_string(), spec),
                None => {
                    let model = flags.model.model;
                    (model.word().to_string(), model.spec(train.shape(), train.class_names().len()))
                }
            };
            (name, spec, flags.out.clone())
        }
    };
    let checkpoint_path = checkpoint_beside(&out);
    let program = Program { program: "mnist".into(), model, spec, data: choice, out };

    let seed = resumed.as_ref().map_or(flags.fit.seed, |(checkpoint, _)| checkpoint.progress.options.seed);
    device.seed(seed);
    let network = program.spec.build(&device).map_err(UsageError::of)?;
    let mut trainer = Trainer::classification(network)
        .callback(Progress::new(output.clone()))
        .callback(interrupt)
        .callback(CheckpointWriter::new(&checkpoint_path).program(serde_json::to_value(&program)?));
    let history = match resumed {
        Some((checkpoint, _)) => {
            let progress = &checkpoint.progress;
            announce(&program, &progress.options, &progress.optimizer, &train, &test, &flags, true, output)?;
            trainer.resume(&train, checkpoint)?
        }
        None => {
            let Some((optimizer, options)) = settings else {
                unreachable!("settings are missing only for a training that goes on")
            };
            announce(&program, &options, &optimizer, &train, &test, &flags, false, output)?;
            trainer = trainer.optimizer(optimizer);
            trainer.fit(&train, &options)?
        }
    };
    if history.stopped == Stopped::Interrupted {
        let checkpoint = checkpoint_path.display().to_string();
        let resume = format!("mnist train --resume {}", quoted(&checkpoint));
        output.line(format!("broken off; go on with: {resume}"));
        output.record(&records::Interrupted { checkpoint, resume });
        return Ok(Exit::Interrupted);
    }
    if let Stopped::Early(reason) = &history.stopped {
        output.progress_line(format!("stopped: {reason}"));
    }

    evaluate::print(&trainer.evaluate(&test)?, &test, output);
    let size = trainer.save(&program.out)?;
    // The model is safe, so the checkpoint has done its work. One that cannot be removed does no harm.
    let _ = std::fs::remove_file(&checkpoint_path);
    let file = program.out.display().to_string();
    output.line(format!(
        "\nsaved {file} ({}), trained on {}; try: mnist predict PICTURE.png{}",
        bytes(size),
        train.provenance().name,
        if file == crate::cli::MODEL_FILE { String::new() } else { format!(" --from {}", quoted(&file)) }
    ));
    output.record(&records::Saved { file, bytes: size });
    Ok(Exit::Done)
}

/// A model of one's own is trained as the CNN is.
fn recipe(flags: &ModelFlags) -> Recipe {
    match flags.spec {
        Some(_) => ModelName::Cnn.recipe(),
        None => flags.model.recipe(),
    }
}

/// The recipe with what the flags change, checked.
fn settings(flags: &FitFlags, recipe: Recipe) -> Result<(Optimizer, FitOptions), TrainError> {
    let name = flags.optimizer.as_deref().unwrap_or(recipe.optimizer);
    let optimizer = Optimizer::by_name(name, flags.learning_rate.unwrap_or(recipe.learning_rate))?;
    let options = FitOptions {
        epochs: flags.epochs.unwrap_or(recipe.epochs),
        batch_size: flags.batch_size.unwrap_or(recipe.batch_size),
        seed: flags.seed,
        validation_split: flags.validation_split,
    };
    optimizer.check()?;
    options.check()?;
    Ok((optimizer, options))
}

/// Refuses a folder that does not exist before the training rather than after it.
fn check_folder(out: &Path) -> anyhow::Result<()> {
    let Some(folder) = out.parent().filter(|folder| *folder != Path::new("")) else {
        return Ok(());
    };
    match folder.is_dir() {
        true => Ok(()),
        false => Err(UsageError::of(anyhow::anyhow!(
            "cannot write {}: the folder {} does not exist; make it, or choose another --out",
            out.display(),
            folder.display()
        ))),
    }
}

/// Reads a description and checks its shapes.
pub fn read_spec(path: &Path) -> anyhow::Result<ModelSpec> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(UsageError::of)?;
    let spec = ModelSpec::from_toml(&text).and_then(|spec| spec.summary().map(|_| spec));
    spec.with_context(|| path.display().to_string()).map_err(UsageError::of)
}

fn read_checkpoint(path: &Path) -> anyhow::Result<(Checkpoint, Program)> {
    let checkpoint: Checkpoint = load_checkpoint(path)?;
    let program: Program = serde_json::from_value(checkpoint.progress.program.clone())
        .with_context(|| format!("{} is not a checkpoint of this program", path.display()))?;
    anyhow::ensure!(
        program.program == "mnist",
        "{} is a checkpoint of '{}', not of mnist",
        path.display(),
        program.program
    );
    Ok((checkpoint, program))
}

/// `mnist.fireclay` has its checkpoint in `mnist.checkpoint`.
fn checkpoint_beside(out: &Path) -> PathBuf {
    out.with_extension("checkpoint")
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_string(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

#[allow(clippy::too_many_arguments, reason = "they are what it says")]
fn announce(
    program: &Program,
    options: &FitOptions,
    optimizer: &Optimizer,
    train: &Dataset,
    test: &Dataset,
    flags: &TrainFlags,
    resumed: bool,
    output: &Output,
) -> anyhow::Result<()> {
    let parameters = program.spec.summary()?.parameters();
    let settings = serde_json::to_value(optimizer)?;
    let name = settings.get("type").and_then(|name| name.as_str()).unwrap_or_default();
    let provenance = train.provenance();
    output.progress_line(format!(
        "{}: {} training and {} test images ({})",
        provenance.name,
        count(train.len()),
        count(test.len()),
        provenance.source
    ));
    output.progress_line(format!(
        "{}: {} parameters; {name}, learning rate {}, batch {}, {} epochs, seed {}, {}{}",
        program.model,
        count(parameters),
        optimizer.learning_rate(),
        options.batch_size,
        options.epochs,
        options.seed,
        flags.device.describe(),
        if resumed { "; going on from the checkpoint" } else { "" }
    ));
    output.record(&records::Training {
        model: &program.model,
        parameters,
        dataset: &provenance.name,
        training_samples: train.len(),
        test_samples: test.len(),
        optimizer: &settings,
        batch_size: options.batch_size,
        epochs: options.epochs,
        seed: options.seed,
        device: flags.device.device.to_string(),
        threads: threads(),
        resumed,
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_is_quoted_for_the_shell() {
        assert_eq!(quoted("runs/a-1.checkpoint"), "runs/a-1.checkpoint");
        assert_eq!(quoted("my runs/it's"), r"'my runs/it'\''s'");
    }
}

//! `mnist train`

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use fireclay::prelude::*;
use fireclay::store::load_checkpoint;
use fireclay::train::{Checkpoint, Stopped, TrainError, checkpoint_shapes};
use fireclay_cli::{Exit, FitFlags, InterruptOnCtrlC, Output, Progress, UsageError, bytes, count};
use serde::{Deserialize, Serialize};

use crate::cli::{ModelFlags, TrainFlags};
use crate::data::Choice;
use crate::models::{ModelName, Recipe};
use crate::{evaluate, records};

/// What a checkpoint must know besides the training itself.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    /// Always `mnist`, so that another program's checkpoint is recognised.
    program: String,
    model: String,
    spec: ModelSpec,
    data: Choice,
    out: PathBuf,
}

/// A run that is about to begin or to go on.
struct Job {
    program: Program,
    train: Dataset,
    test: Dataset,
    optimizer: Optimizer,
    options: FitOptions,
    /// Where the checkpoint is written while the training runs.
    checkpoint_path: PathBuf,
    /// The checkpoint to go on from.
    checkpoint: Option<Checkpoint>,
}

pub fn run(flags: TrainFlags, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let interrupt = InterruptOnCtrlC::install()?;
    // Whatever the flags alone decide is checked before any work.
    let fresh = match flags.resume {
        Some(_) => None,
        None => Some(settings(&flags.fit, recipe(&flags.model)).map_err(UsageError::of)?),
    };
    let own = flags.model.spec.as_deref().map(read_spec).transpose()?;
    let device = flags.device.open()?;
    let job = match (&flags.resume, fresh) {
        (Some(path), _) => resumed_job(path, &flags, output)?,
        (None, Some(settings)) => fresh_job(settings, own, &flags, output)?,
        (None, None) => unreachable!("settings are missing only for a training that goes on"),
    };
    announce(&job, &flags, output)?;

    let Job { program, train, test, optimizer, options, checkpoint_path, checkpoint } = job;
    device.seed(options.seed);
    let network = program.spec.build(&device).map_err(UsageError::of)?;
    let mut trainer = Trainer::classification(network)
        .optimizer(optimizer)
        .callback(Progress::new(output.clone()))
        .callback(interrupt)
        .callback(CheckpointWriter::new(&checkpoint_path).program(serde_json::to_value(&program)?));
    let history = match checkpoint {
        Some(checkpoint) => trainer
            .resume(&train, checkpoint)
            .with_context(|| format!("cannot go on from {}", checkpoint_path.display()))?,
        None => trainer.fit(&train, &options)?,
    };
    if history.stopped == Stopped::Interrupted {
        let resume = resume_command(&checkpoint_path, &flags);
        output.line(format!("broken off; go on with: {resume}"));
        let checkpoint = checkpoint_path.display().to_string();
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
    let dataset = &train.provenance().name;
    let file = shown(&program.out);
    let from = match file == crate::cli::MODEL_FILE {
        true => String::new(),
        false => format!(" --from {}", quoted(&file)),
    };
    output.line(format!(
        "\nsaved {file} ({}), trained on {dataset}; try: {} predict PICTURE.png{from}",
        bytes(size),
        program_name()
    ));
    output.record(&records::Saved { file, bytes: size, dataset });
    Ok(Exit::Done)
}

/// A training from the beginning.
fn fresh_job(
    (optimizer, options): (Optimizer, FitOptions),
    own: Option<ModelSpec>,
    flags: &TrainFlags,
    output: &Arc<Output>,
) -> anyhow::Result<Job> {
    let out = std::path::absolute(&flags.out).unwrap_or_else(|_| flags.out.clone());
    check_out(&out)?;
    let checkpoint_path = checkpoint_beside(&out);
    if checkpoint_path.exists() {
        output.note(format!(
            "note: {} holds a training that was broken off and will be written over; to go on with it instead: {}",
            shown(&checkpoint_path),
            resume_command(&checkpoint_path, flags)
        ));
    }
    let (train, test, data) = Choice::of(&flags.data).load_or_draw(output)?;
    let (model, spec) = match own {
        Some(spec) => ("your own".to_string(), spec),
        None => {
            let model = flags.model.model;
            (model.word().to_string(), model.spec(train.shape(), train.class_names().len()))
        }
    };
    let program = Program { program: "mnist".into(), model, spec, data, out };
    Ok(Job { program, train, test, optimizer, options, checkpoint_path, checkpoint: None })
}

/// A training that goes on.
fn resumed_job(path: &Path, flags: &TrainFlags, output: &Arc<Output>) -> anyhow::Result<Job> {
    let checkpoint: Checkpoint = load_checkpoint(path)?;
    let progress = &checkpoint.progress;
    let program: Program = serde_json::from_value(progress.program.clone())
        .with_context(|| format!("{} is not a checkpoint of this program", path.display()))?;
    anyhow::ensure!(
        program.program == "mnist",
        "{} is a checkpoint of '{}', not of mnist",
        path.display(),
        program.program
    );
    check_out(&program.out)?;
    // Before the model is built, which takes as much memory as the description asks for.
    fireclay::nn::check_weights(&program.spec, &checkpoint_shapes(&checkpoint))
        .with_context(|| path.display().to_string())?;
    let data = match Choice::of(&flags.data) {
        Choice::Usual => program.data.clone(),
        choice => choice,
    };
    let (train, test) = data.load(output)?;
    Ok(Job {
        program: Program { data, ..program },
        train,
        test,
        optimizer: progress.optimizer.clone(),
        options: progress.options.clone(),
        checkpoint_path: path.to_path_buf(),
        checkpoint: Some(checkpoint),
    })
}

/// The command that goes on, as the user can type it.
fn resume_command(checkpoint: &Path, flags: &TrainFlags) -> String {
    let mut command = format!("{} train --resume {}", program_name(), quoted(&shown(checkpoint)));
    // The same bytes come out only on the same device and number of threads.
    if flags.device.device != DeviceName::default() {
        command.push_str(&format!(" --device {}", flags.device.device));
    }
    if let Some(threads) = flags.device.threads {
        command.push_str(&format!(" --threads {threads}"));
    }
    command
}

/// How the user calls this program: by its name, or through Cargo, which then says so in the environment.
fn program_name() -> &'static str {
    match std::env::var_os("CARGO") {
        Some(_) => "cargo run --release -p mnist --",
        None => "mnist",
    }
}

/// A path as short as it can be said from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
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

/// Refuses a place where no file can be written, before the training rather than after it.
fn check_out(out: &Path) -> anyhow::Result<()> {
    let wrong = |problem: String| {
        Err(UsageError::of(anyhow::anyhow!(
            "cannot write {}: {problem}; choose another --out",
            out.display()
        )))
    };
    if out.is_dir() || out.file_name().is_none() {
        return wrong("it is a folder".into());
    }
    match out.parent().filter(|folder| *folder != Path::new("")) {
        Some(folder) if !folder.is_dir() => wrong(format!("the folder {} does not exist", folder.display())),
        _ => Ok(()),
    }
}

/// Reads a description and checks its shapes.
pub fn read_spec(path: &Path) -> anyhow::Result<ModelSpec> {
    if path.exists() && !path.is_file() {
        return Err(UsageError::of(anyhow::anyhow!("{} is not a file", path.display())));
    }
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read {}", path.display()))
        .map_err(UsageError::of)?;
    let spec = ModelSpec::from_toml(&text).and_then(|spec| spec.summary().map(|_| spec));
    spec.with_context(|| path.display().to_string()).map_err(UsageError::of)
}

/// `mnist.fireclay` has its checkpoint in `mnist.fireclay.checkpoint`.
fn checkpoint_beside(out: &Path) -> PathBuf {
    let mut path = out.as_os_str().to_owned();
    path.push(".checkpoint");
    PathBuf::from(path)
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@".contains(c);
    match !path.is_empty() && path.chars().all(plain) {
        true => path.to_string(),
        false => format!("'{}'", path.replace('\'', r"'\''")),
    }
}

/// Says what is about to be trained.
fn announce(job: &Job, flags: &TrainFlags, output: &Output) -> anyhow::Result<()> {
    let Job { program, train, test, optimizer, options, checkpoint, .. } = job;
    let resumed = checkpoint.is_some();
    let parameters = program.spec.summary()?.parameters();
    let settings = serde_json::to_value(optimizer)?;
    let name = settings.get("type").and_then(|name| name.as_str()).unwrap_or_default();
    let provenance = train.provenance();
    output.progress_line(format!(
        "{}: {} training and {} test images ({})",
        provenance.name,
        count(train.len() as u64),
        count(test.len() as u64),
        provenance.source
    ));
    output.progress_line(format!(
        "{}: {} parameters; {name}, learning rate {}, batch {}, {} epochs, seed {}, {}{}",
        program.model,
        count(parameters as u64),
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
        validation_split: options.validation_split,
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

//! `train`: trains a model, measures it on the test split and saves it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use fireclay::nn::Loss;
use fireclay::prelude::*;
use fireclay::store::load_checkpoint;
use fireclay::train::{Checkpoint, EarlyStopping, Stopped, checkpoint_shapes};
use serde::{Deserialize, Serialize};

use super::evaluate;
use crate::program::{ModelName, PlaceFlags, PlaceOf, Preparation, Program, Task};
use crate::words::{called, quoted, shown};
use crate::{
    Best, DeviceFlags, Exit, FitFlags, InterruptOnCtrlC, Output, Progress, Recipe, UsageError, bytes, count,
    load_or_stand_in, records,
};

/// The flags of `train`.
#[derive(Args, Debug)]
pub struct TrainFlags<P: Program> {
    /// Which model.
    #[command(flatten)]
    pub model: ModelFlags<P>,
    /// Which data.
    #[command(flatten)]
    pub place: P::Place,
    /// How it is prepared.
    #[command(flatten)]
    pub preparation: P::Preparation,
    /// How to train.
    #[command(flatten)]
    pub fit: FitFlags,
    /// Where to compute.
    #[command(flatten)]
    pub device: DeviceFlags,
    /// Model file to write; while the training runs a checkpoint stands beside it, FILE.checkpoint
    #[arg(long, value_name = "FILE", default_value = P::MODEL_FILE)]
    pub out: PathBuf,
    /// Go on with a training that was broken off, from its checkpoint and with its settings
    #[arg(long, value_name = "CHECKPOINT", conflicts_with_all = [
        "model", "spec", "epochs", "batch_size", "optimizer", "learning_rate", "weight_decay", "schedule", "warm_up",
        "clip_norm", "label_smoothing", "seed", "validation_split", "keep_best", "patience", "out"
    ])]
    pub resume: Option<PathBuf>,
}

/// Which model.
#[derive(Args, Debug)]
pub struct ModelFlags<P: Program> {
    /// Network to train
    #[arg(long, value_name = "NAME", value_enum, default_value_t = P::Model::default())]
    pub model: P::Model,
    /// Network of your own, described in TOML (`summary --toml` prints one to begin with)
    #[arg(long, value_name = "FILE", conflicts_with = "model")]
    pub spec: Option<PathBuf>,
}

/// What a checkpoint must know besides the training itself.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About<D, R> {
    /// The program's name, so that another program's checkpoint is recognised.
    program: String,
    model: String,
    spec: ModelSpec,
    data: D,
    preparation: R,
    #[serde(default)]
    best: Best,
    out: PathBuf,
}

/// That of a program.
type AboutOf<P> = About<PlaceOf<P>, <P as Program>::Preparation>;

/// A run that is about to begin or to go on.
struct Job<P: Program> {
    about: AboutOf<P>,
    train: Dataset,
    test: Dataset,
    recipe: Recipe,
    seed: u64,
    /// Where the checkpoint is written while the training runs.
    checkpoint_path: PathBuf,
    /// The checkpoint to go on from.
    checkpoint: Option<Checkpoint>,
}

/// Trains a model, or goes on with a training.
///
/// # Errors
/// A [`UsageError`] for flags that cannot be, before any work; else what went wrong.
pub fn run<P: Program>(flags: TrainFlags<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let interrupt = InterruptOnCtrlC::install()?;
    // Whatever the flags alone decide is checked before any work.
    let fresh = match flags.resume {
        Some(_) => None,
        None => Some(flags.fit.change(recipe(&flags.model)).map_err(UsageError::of)?),
    };
    let own = flags.model.spec.as_deref().map(read_spec).transpose()?;
    let device = flags.device.open()?;
    let job = match (&flags.resume, fresh) {
        (Some(path), _) => resumed_job::<P>(path, &flags, output)?,
        (None, Some(recipe)) => fresh_job::<P>(recipe, own, &flags, output)?,
        (None, None) => unreachable!("a recipe is missing only for a training that goes on"),
    };
    announce::<P>(&job, &flags, output)?;

    let Job { about, train, test, recipe, seed, checkpoint_path, checkpoint } = job;
    device.seed(seed);
    let network = about.spec.build(&device).map_err(UsageError::of)?;
    let options = recipe.options(seed);
    let loss = Loss::CrossEntropy { label_smoothing: recipe.label_smoothing, class_weights: None };
    let next_tokens = train.predicts_next_tokens();
    let trainer = match next_tokens {
        true => Trainer::language_model(network),
        false => Trainer::classification(network),
    };
    let mut trainer = trainer
        .loss(loss)
        .optimizer(recipe.optimizer)
        .groups(recipe.groups)
        .callback(Progress::new(output.clone()))
        .callback(interrupt);
    if about.best.keep {
        let watched = if next_tokens { "val_loss" } else { "val_accuracy" };
        let patience = about.best.patience.unwrap_or(usize::MAX);
        trainer = trainer.callback(EarlyStopping::on(watched).patience(patience));
    }
    let mut trainer =
        trainer.callback(CheckpointWriter::new(&checkpoint_path).program(serde_json::to_value(&about)?));
    let history = match checkpoint {
        Some(checkpoint) => trainer
            .resume(&train, checkpoint)
            .with_context(|| format!("cannot go on from {}", checkpoint_path.display()))?,
        None => trainer.fit(&train, &options)?,
    };
    if history.stopped == Stopped::Interrupted {
        let resume = resume_command::<P>(&checkpoint_path, &flags);
        output.line(format!("broken off; go on with: {resume}"));
        let checkpoint = checkpoint_path.display().to_string();
        output.record(&records::Interrupted { checkpoint, resume });
        return Ok(Exit::Interrupted);
    }
    if let Stopped::Early(reason) = &history.stopped {
        output.progress_line(format!("stopped: {reason}"));
    }

    evaluate::print::<P>(&trainer.evaluate(&test)?, &test, output);
    let size = trainer.save(&about.out)?;
    // The model is safe, so the checkpoint has done its work. One that cannot be removed does no harm.
    let _ = std::fs::remove_file(&checkpoint_path);
    let dataset = &train.provenance().name;
    let file = shown(&about.out);
    let from = match file == P::MODEL_FILE {
        true => String::new(),
        false => format!(" --from {}", quoted(&file)),
    };
    output.line(format!(
        "\nsaved {file} ({}), trained on {dataset}; try: {} {}{from}",
        bytes(size),
        called(P::NAME),
        if train.predicts_next_tokens() { P::TRY_NEXT_TOKENS } else { P::TRY }
    ));
    output.record(&records::Saved { file, bytes: size, dataset });
    Ok(Exit::Done)
}

/// A training from the beginning.
fn fresh_job<P: Program>(
    recipe: Recipe,
    own: Option<ModelSpec>,
    flags: &TrainFlags<P>,
    output: &Arc<Output>,
) -> anyhow::Result<Job<P>> {
    let out = std::path::absolute(&flags.out).unwrap_or_else(|_| flags.out.clone());
    check_out(&out)?;
    let checkpoint_path = checkpoint_beside(&out);
    if checkpoint_path.exists() {
        output.note(format!(
            "note: {} holds a training that was broken off and will be written over; to go on with it instead: {}",
            shown(&checkpoint_path),
            resume_command::<P>(&checkpoint_path, flags)
        ));
    }
    let preparation = match &own {
        Some(spec) => P::settled(flags.preparation.clone(), spec.output_steps()?.is_some()),
        None => preparation::<P>(flags.preparation.clone(), flags.model.model),
    };
    let ((train, test), data) =
        load_or_stand_in::<P, _>(flags.place.place(), output, |place| P::load(place, &preparation, output))?;
    let (model, spec) = match own {
        Some(spec) => ("your own".to_string(), spec),
        None => {
            let model = flags.model.model;
            (model.word(), model.spec(&Task::of(&train)))
        }
    };
    let train = bucketed(train, &spec)?;
    let about = About { program: P::NAME.into(), model, spec, data, preparation, best: recipe.best, out };
    Ok(Job { about, train, test, recipe, seed: flags.fit.seed, checkpoint_path, checkpoint: None })
}

/// A training that goes on.
fn resumed_job<P: Program>(
    path: &Path,
    flags: &TrainFlags<P>,
    output: &Arc<Output>,
) -> anyhow::Result<Job<P>> {
    let checkpoint: Checkpoint = load_checkpoint(path)?;
    let progress = &checkpoint.progress;
    // Another program's data may not even be readable here, so its name is looked at first.
    if let Some(other) = progress.program["program"].as_str().filter(|name| *name != P::NAME) {
        anyhow::bail!("{} is a checkpoint of '{other}', not of {}", path.display(), P::NAME);
    }
    let about: AboutOf<P> = serde_json::from_value(progress.program.clone())
        .with_context(|| format!("{} is not a checkpoint of this program", path.display()))?;
    check_out(&about.out)?;
    // Before the model is built, which takes as much memory as the description asks for.
    fireclay::nn::check_weights(&about.spec, &checkpoint_shapes(&checkpoint))
        .with_context(|| path.display().to_string())?;
    if flags.preparation.clone().or(about.preparation.clone()) != about.preparation {
        return Err(UsageError::of(anyhow::anyhow!(
            "{} says how the data is prepared; leave the flags that say it in another way out",
            path.display()
        )));
    }
    let data = match flags.place.is_given() {
        true => flags.place.place(),
        false => about.data.clone(),
    };
    let (train, test) = P::load(&data, &about.preparation, output)?;
    let train = bucketed(train, &about.spec)?;
    let options = &progress.options;
    let recipe = Recipe {
        groups: progress.groups.clone(),
        schedule: options.schedule,
        warm_up: options.warm_up,
        clip_norm: options.clip_norm,
        label_smoothing: match progress.loss {
            Loss::CrossEntropy { label_smoothing, .. } => label_smoothing,
            _ => 0.0,
        },
        validation_split: options.validation_split,
        best: about.best,
        ..Recipe::new(progress.optimizer.clone(), options.batch_size, options.epochs)
    };
    Ok(Job {
        about: About { data, ..about },
        train,
        test,
        recipe,
        seed: progress.options.seed,
        checkpoint_path: path.to_path_buf(),
        checkpoint: Some(checkpoint),
    })
}

/// Texts of about one length together, if the network takes batches shorter than its input; images stay as they are.
pub(super) fn bucketed(data: Dataset, spec: &ModelSpec) -> anyhow::Result<Dataset> {
    match spec.supports_variable_length()? {
        true => Ok(data.bucketed_by_length()),
        false => Ok(data),
    }
}

/// The command that goes on, as the user can type it.
fn resume_command<P: Program>(checkpoint: &Path, flags: &TrainFlags<P>) -> String {
    let mut command = format!("{} train --resume {}", called(P::NAME), quoted(&shown(checkpoint)));
    // The same bytes come out only on the same device and number of threads.
    if flags.device.device != DeviceName::default() {
        command.push_str(&format!(" --device {}", flags.device.device));
    }
    if let Some(threads) = flags.device.threads {
        command.push_str(&format!(" --threads {threads}"));
    }
    command
}

/// A model of one's own is trained as the program's first model is.
fn recipe<P: Program>(flags: &ModelFlags<P>) -> Recipe {
    match flags.spec {
        Some(_) => P::Model::default().recipe(),
        None => flags.model.recipe(),
    }
}

/// How data is prepared for one of the models: as flags say, and where they say nothing as its recipe does.
pub(super) fn preparation<P: Program>(given: P::Preparation, model: P::Model) -> P::Preparation {
    P::settled(given.or(P::preparation(model)), model.predicts_next_tokens())
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
pub(crate) fn read_spec(path: &Path) -> anyhow::Result<ModelSpec> {
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

/// A recipe and how data is prepared, in a line.
pub(super) fn described(recipe: &Recipe, preparation: &impl Preparation) -> String {
    [recipe.describe(), preparation.describe()].concat().join(", ")
}

/// Says what is about to be trained.
fn announce<P: Program>(job: &Job<P>, flags: &TrainFlags<P>, output: &Output) -> anyhow::Result<()> {
    let Job { about, train, test, recipe, seed, checkpoint, .. } = job;
    let resumed = checkpoint.is_some();
    let parameters = about.spec.summary()?.parameters();
    let settings = serde_json::to_value(&recipe.optimizer)?;
    let provenance = train.provenance();
    output.progress_line(format!(
        "{}: {} training and {} test {} ({})",
        provenance.name,
        count(train.len() as u64),
        count(test.len() as u64),
        evaluate::samples_of::<P>(train),
        provenance.source
    ));
    output.progress_line(format!(
        "{}: {} parameters, seed {seed}, {}{}",
        about.model,
        count(parameters as u64),
        flags.device.describe(),
        if resumed { "; going on from the checkpoint" } else { "" }
    ));
    output.progress_line(format!("recipe: {}", described(recipe, &about.preparation)));
    output.record(&records::Training {
        model: &about.model,
        parameters,
        dataset: &provenance.name,
        training_samples: train.len(),
        test_samples: test.len(),
        optimizer: &settings,
        groups: &recipe.groups,
        schedule: recipe.schedule.to_string(),
        warm_up: recipe.warm_up,
        clip_norm: recipe.clip_norm,
        label_smoothing: recipe.label_smoothing,
        preparation: about.preparation.describe(),
        batch_size: recipe.batch_size,
        epochs: recipe.epochs,
        validation_split: recipe.validation_split,
        keep_best: recipe.best.keep,
        patience: recipe.best.patience,
        seed: *seed,
        device: flags.device.device.to_string(),
        threads: threads(),
        resumed,
    });
    Ok(())
}

//! From flags to a saved model.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use fireclay::backend::in_precision;
use fireclay::data::DataCheck;
use fireclay::nn::Model;
use fireclay::prelude::{CheckpointWriter, Dataset, Device, ModelSpec, Trainer};
use fireclay::train::{BinaryCounts, EarlyStopping, StepTraffic, Stopped, TrainError, best_threshold};

use super::announce::announce;
use super::begin::begin;
use super::diverged::LastCheckpoint;
use super::flags::{CheckpointEvery, Train};
use super::job::{Job, resume_command};
use super::print_config::print_config;
use super::recording::{Outcome, Recording};
use super::resume::{checkpoint_of_run, resume};
use super::within::within;
use crate::baselines::{Baselines, measures_of};
use crate::dashboard::{Dashboard, DashboardInfo};
use crate::error::CommandError;
use crate::evaluation::print_evaluation;
use crate::exit::{Exit, UsageError};
use crate::format::{bytes, called, count, duration, quoted, shown};
use crate::interrupt::InterruptOnCtrlC;
use crate::objective::Objective;
use crate::output::Output;
use crate::program::{DataSourceArgs, Program};
use crate::progress::Progress;
use crate::ranks::{Rank, TellsLauncher, is_launched, mind_the_launcher};
use crate::recipe::{Recipe, privacy_spent};
use crate::records::{ExchangeRecord, Interrupted, PrivacyRecord, Saved};

/// The share of truths that lie within the interval of a prediction.
pub const INTERVAL: f64 = 0.95;

/// Trains a model, or resumes a training, as one of several ranks if this process was started as one.
pub fn run<P: Program>(flags: Train<P>, output: &Arc<Output>) -> anyhow::Result<Exit> {
    let interrupt = InterruptOnCtrlC::install()?;
    mind_the_launcher(&interrupt);
    let mut rank = Rank::of_environment()?;
    if is_launched().is_some() {
        // Who pressed Ctrl-C is told by `launch`.
        interrupt.on_press(|_| true);
    }
    let done = match rank.as_ref().is_some_and(|rank| !rank.is_first()) {
        true => {
            interrupt.on_press(|_| true);
            run_other_rank(Train { other_rank: true, ..flags }, interrupt, &mut rank)
        }
        false => run_and_speak(flags, interrupt, &mut rank, output),
    };
    if let (Err(error), Some(rank)) = (&done, &mut rank) {
        rank.leave(error);
    }
    done
}

/// Trains a part of every batch of what rank 0 trains.
fn run_other_rank<P: Program>(
    mut flags: Train<P>,
    interrupt: InterruptOnCtrlC,
    rank: &mut Option<Rank>,
) -> anyhow::Result<Exit> {
    let output = Arc::new(Output::silent());
    let (device, job) = prepare(&mut flags, rank, &output)?;
    let job = as_long_as_first(job, rank)?;
    if flags.print_config {
        return Ok(Exit::Done);
    }
    let from = match rank {
        Some(rank) => rank.text_of_first("")?,
        None => String::new(),
    };
    let tells = TellsLauncher::new(&from);
    let trainer = plain_trainer(&job, &device)?.callback(interrupt).callback(tells.clone());
    let mut trainer = with_group(trainer, rank);
    let Job { train, recipe, seed, checkpoint, .. } = job;
    let history = match checkpoint {
        Some(checkpoint) => trainer.resume(&train, checkpoint),
        None => trainer.fit(&train, &recipe.options(seed)),
    };
    let history = history.map_err(|error| match &error {
        TrainError::Group(_) => {
            let resume = tells.has_checkpoint().then(|| resume_command::<P>(Path::new(&from)));
            CommandError::RankLost { failure: error.to_string(), resume }.into()
        }
        _ => anyhow::Error::new(error),
    })?;
    Ok(if history.stopped == Stopped::Interrupted { Exit::Interrupted } else { Exit::Done })
}

/// What a step exchanged, in the mean.
fn exchange_of(traffic: StepTraffic) -> ExchangeRecord {
    let of_step = |all: f64| all / traffic.steps as f64;
    ExchangeRecord {
        ranks: traffic.ranks,
        steps: traffic.steps,
        step_seconds: of_step(traffic.time.as_secs_f64()),
        exchange_seconds: of_step(traffic.traffic.time.as_secs_f64()),
        sent_bytes: of_step(traffic.traffic.sent_bytes as f64),
        received_bytes: of_step(traffic.traffic.received_bytes as f64),
    }
}

fn exchange_in_words(exchange: &ExchangeRecord) -> String {
    let ExchangeRecord { ranks, step_seconds, exchange_seconds, sent_bytes, .. } = exchange;
    format!(
        "{ranks} ranks: {} a step, of which {} exchange with the others; each sent {} a step",
        duration(*step_seconds),
        duration(*exchange_seconds),
        bytes(*sent_bytes as u64)
    )
}

/// The trainer with the other ranks, if there are any.
fn with_group(trainer: Trainer<Model>, rank: &mut Option<Rank>) -> Trainer<Model> {
    match rank.take() {
        Some(rank) => trainer.group(rank.into_group()),
        None => trainer,
    }
}

/// As many epochs on all ranks as on rank 0, where the time of a step decides how many there are.
fn as_long_as_first<P: Program>(job: Job<P>, rank: &mut Option<Rank>) -> anyhow::Result<Job<P>> {
    let Some(rank) = rank else { return Ok(job) };
    let Recipe { epochs, warm_up, .. } = job.recipe;
    let [epochs, warm_up] = rank.numbers_of_first([epochs as f64, warm_up])?;
    Ok(Job { recipe: Recipe { epochs: epochs as usize, warm_up, ..job.recipe }, ..job })
}

/// Trains a model and tells of it; with other ranks, for all of them.
fn run_and_speak<P: Program>(
    mut flags: Train<P>,
    interrupt: InterruptOnCtrlC,
    rank: &mut Option<Rank>,
    output: &Arc<Output>,
) -> anyhow::Result<Exit> {
    let shows_dashboard = flags.dashboard && Dashboard::check(output)?;
    let (device, job) = prepare(&mut flags, rank, output)?;
    let flags = &flags;
    let job = match flags.setup.training.minutes {
        Some(minutes) => {
            let subject = (&job.state.spec, &job.train);
            let recipe = within(minutes, subject, job.recipe, job.seed, &device, output)?;
            Job { recipe, ..job }
        }
        None => job,
    };
    let job = as_long_as_first(job, rank)?;
    if flags.print_config {
        print_config::<P>(&job, flags, output);
        return Ok(Exit::Done);
    }
    check_classes(&job.train)?;
    let mut notes = Vec::new();
    if job.train.provenance().own {
        notes.extend(check_parts(&job.train, &job.test, output)?);
        if let Some(validation) = &job.validation {
            let warnings = check_validation(&job.train, &job.test, validation);
            warnings.iter().for_each(|warning| output.warn(format!("data: {warning}")));
            notes.extend(warnings);
        }
    }
    let job = with_digests(job).with_run_folder(flags)?;
    let ranks = rank.as_ref().map_or(1, Rank::size);
    if let Some(rank) = rank.as_mut() {
        let from = job.run.as_ref().map_or(job.checkpoint_path.as_path(), |run| run.path());
        rank.text_of_first(&std::path::absolute(from)?.to_string_lossy())?;
    }
    announce::<P>(&job, flags, ranks, output)?;
    let mut recording = Recording::begin(&job, flags, notes)?;
    let checkpoints = LastCheckpoint::of(&job);
    let dashboard = shows_dashboard
        .then(|| Dashboard::new(dashboard_info(&job, flags), output.clone(), interrupt.clone()));
    let done = train::<P>(job, &device, (interrupt, dashboard), rank, &mut recording, output);
    if let (Err(error), Some(recording)) = (&done, &mut recording) {
        // Without the path of a checkpoint, which says nothing where the folder was moved.
        recording.failed(error);
    }
    done.map_err(|error| checkpoints.explain(error, |from| resume_command::<P>(from)))
}

/// Trains, measures and saves.
fn train<P: Program>(
    job: Job<P>,
    device: &Device,
    listeners: (InterruptOnCtrlC, Option<Dashboard>),
    rank: &mut Option<Rank>,
    recording: &mut Option<Recording>,
    output: &Arc<Output>,
) -> anyhow::Result<Exit> {
    let start = Instant::now();
    let baselines = Baselines::of(&job.train, &job.test, &job.state.spec, device, output)?;
    if let (Some(_), Some(recording)) = (&baselines, recording.as_mut()) {
        recording.lap("baselines", start);
    }
    let trainer = trainer(&job, device, listeners, rank.is_some(), recording.as_ref(), output)?;
    let mut trainer = with_group(trainer, rank);
    let monitor = job.monitor().map(str::to_owned);
    let Job { state, train, test, validation, recipe, seed, checkpoint_path, checkpoint, run } = job;
    let learnt_from = match &validation {
        Some(_) => train.len(),
        None => train.len() - recipe.held_out(train.len()),
    };
    let history = match checkpoint {
        Some(checkpoint) => trainer
            .resume(&train, checkpoint)
            .with_context(|| format!("cannot resume from {}", checkpoint_path.display()))?,
        None => trainer.fit(&train, &recipe.options(seed))?,
    };
    if history.stopped == Stopped::Interrupted {
        let from = run.as_ref().map_or(checkpoint_path.as_path(), |run| run.path());
        let resume = resume_command::<P>(from);
        if let Some(recording) = recording {
            recording.interrupted()?;
        }
        output.line(format!("interrupted; resume with: {resume}"));
        let checkpoint = checkpoint_path.display().to_string();
        output.record(&Interrupted { checkpoint, resume });
        return Ok(Exit::Interrupted);
    }
    if let Stopped::Early(reason) = &history.stopped {
        output.progress_line(format!("stopped: {reason}"));
    }
    let exchange = trainer.step_traffic().filter(|traffic| traffic.steps > 0).map(exchange_of);
    if let Some(exchange) = &exchange {
        output.progress_line(exchange_in_words(exchange));
        output.record(exchange);
    }
    let privacy = trainer.card().training.and_then(|training| training.privacy);
    if let Some(privacy) = &privacy {
        output.progress_line(privacy_spent(privacy));
        output.record(&PrivacyRecord { privacy });
    }
    if let Some(monitor) = monitor.as_ref().filter(|monitor| history.course(monitor).is_empty()) {
        output.warn(format!("note: {monitor} existed in no epoch, so the last one is kept"));
    }
    let precision = in_precision(recipe.precision);
    if recipe.balanced && train.class_names().len() == 2 {
        // The same samples that were held out while it was trained.
        let held_out = match validation {
            Some(validation) => validation,
            None => train.split(recipe.validation_split, seed)?.1,
        };
        let macro_f1 = |counts: &BinaryCounts| {
            let others = BinaryCounts {
                true_positives: counts.true_negatives,
                false_positives: counts.false_negatives,
                false_negatives: counts.false_positives,
                true_negatives: counts.true_positives,
            };
            (counts.f1() + others.f1()) / 2.0
        };
        if let Some(chosen) = best_threshold(&trainer.predictions(&held_out)?, macro_f1) {
            trainer.keep_threshold(chosen.threshold)?;
        }
    }
    let start = Instant::now();
    let (evaluation, predictions) = trainer.evaluate_with_predictions(&test)?;
    print_evaluation::<P>(&evaluation, &state.metrics, &test, output);
    let threshold = trainer.card().threshold;
    let measures = match &baselines {
        Some(baselines) => baselines.compare(&predictions, threshold),
        None => measures_of(&test, &predictions, threshold),
    };
    trainer.keep_intervals(&predictions, INTERVAL);
    trainer.keep_reference(&train, &predictions)?;
    if let Some(baselines) = &baselines {
        baselines.print_beside(&measures, &state.model, output);
        let steps = history.epochs.len() * learnt_from.div_ceil(recipe.batch_size * recipe.accumulate);
        if let Some(warning) = baselines.no_better(&measures, steps) {
            output.warn(&warning);
            if let Some(recording) = recording.as_ref() {
                recording.warn(warning);
            }
        }
    }
    if let Some(recording) = recording.as_mut() {
        recording.lap("evaluation", start);
    }
    drop(precision);
    save::<P>(&trainer, &train, &state.out, output)?;
    if let Some(recording) = recording {
        let outcome = Outcome {
            state: &state,
            trainer: &trainer,
            history: &history,
            train: &train,
            test: &test,
            evaluation: &evaluation,
            predictions: &predictions,
            measures: &measures,
            constant: baselines.as_ref().map(Baselines::constant_name),
            monitor: monitor.as_deref(),
            exchange: exchange.as_ref(),
            batch_size: recipe.batch_size,
        };
        recording.finish::<P>(&outcome, &state.data, output)?;
    }
    // The model is safe, so the checkpoint is no longer needed. One that cannot be removed does no harm.
    let _ = std::fs::remove_file(&checkpoint_path);
    if let Some(run) = run {
        // Only if it is empty.
        let _ = std::fs::remove_dir(run.checkpoints());
    }
    Ok(Exit::Done)
}

/// The device and the training. Whatever the flags alone decide is checked before any work.
fn prepare<P: Program>(
    flags: &mut Train<P>,
    rank: &mut Option<Rank>,
    output: &Arc<Output>,
) -> anyhow::Result<(Device, Job<P>)> {
    let Some(path) = flags.resume.clone() else {
        let own = check_flags(flags)?;
        let device = flags.setup.device.open()?;
        return Ok((device, begin::<P>(own, flags, output)?));
    };
    let Some(rank) = rank else { return resume::<P>(&path, flags, output) };
    // All go on from rank 0's checkpoint.
    let path = match rank.is_first() && path.is_dir() {
        true => checkpoint_of_run::<P>(&path)?,
        false => path,
    };
    let file = rank.file_of_first(&path)?;
    resume::<P>(&file.path, flags, output)
}

/// Checks what the flags alone decide; returns the user's own description, if there is one.
pub fn check_flags<P: Program>(flags: &Train<P>) -> anyhow::Result<Option<ModelSpec>> {
    let has_validation = P::has_validation(&flags.setup.source.source());
    let usual = Recipe { has_validation, ..flags.setup.model.usual_recipe() };
    flags.setup.training.apply(usual).map_err(UsageError::of)?;
    flags.setup.model.own_spec()
}

/// Refuses samples of one class: whatever is trained on them is always right and has learnt nothing.
pub fn check_classes(train: &Dataset) -> Result<(), CommandError> {
    let counts = train.class_counts();
    let mut names = train.class_names().iter().zip(&counts).filter(|(_, count)| **count > 0);
    match (Objective::of(train), names.next(), names.next()) {
        (Objective::Classification, Some((class, samples)), None) => {
            Err(CommandError::OneClass { class: class.clone(), samples: *samples })
        }
        _ => Ok(()),
    }
}

/// Refuses data whose result would mean nothing, and says what weakens it.
fn check_parts(train: &Dataset, test: &Dataset, output: &Output) -> Result<Vec<String>, CommandError> {
    let check = check_of(train, test);
    if train.is_read_by_shards() {
        output.note(
            "the data stays in its files, as it is larger than what is read into memory: equal samples are not looked for, and the model file \
             will not tell which samples it has seen",
        );
    }
    let warnings = check.warnings();
    warnings.iter().for_each(|warning| output.warn(format!("data: {warning}")));
    match check.problems().first() {
        None => Ok(warnings),
        Some(problem) => Err(CommandError::Data { problem: problem.clone() }),
    }
}

/// With the digests of the samples that the model file keeps.
pub fn with_digests<P: Program>(job: Job<P>) -> Job<P> {
    Job { train: own_digests(job.train), ..job }
}

/// Samples of the user's own with their digests, by which a model tells later what it has seen; those that are read by shards have none.
pub fn own_digests(train: Dataset) -> Dataset {
    match train.provenance().own && !train.is_read_by_shards() {
        true => train.with_sample_digests(),
        false => train,
    }
}

/// What is wrong with data; of samples that stay in their files what is known without reading them all.
pub fn check_of(train: &Dataset, test: &Dataset) -> DataCheck {
    match train.is_read_by_shards() {
        true => DataCheck::of_targets(train, test),
        false => DataCheck::of(train, test),
    }
}

/// Says which samples of a validation part are in another part as well.
pub fn check_validation(train: &Dataset, test: &Dataset, validation: &Dataset) -> Vec<String> {
    let shared = |part: &Dataset, other: &Dataset| check_of(part, other).duplicates.between.samples;
    let of =
        |shared: usize, part: &Dataset| format!("{} of {}", count(shared as u64), count(part.len() as u64));
    let (in_training, in_validation) = (shared(train, validation), shared(validation, test));
    let mut warnings = Vec::new();
    if in_training > 0 {
        warnings.push(format!(
            "{} validation samples occur in training too, so validation says too little of new data",
            of(in_training, validation)
        ));
    }
    if in_validation > 0 {
        warnings.push(format!(
            "{} test samples occur in validation too, so the choice of the best epoch has seen them",
            of(in_validation, test)
        ));
    }
    warnings
}

/// The network with its objective and optimizer, and nobody who listens.
pub fn plain_trainer<P: Program>(job: &Job<P>, device: &Device) -> anyhow::Result<Trainer<Model>> {
    let Job { state, train, recipe, .. } = job;
    device.seed(job.seed);
    let network = state.spec.build(device).map_err(UsageError::of)?;
    let objective = Objective::of(train);
    let counts = train.class_counts();
    let trainer = objective
        .trainer(network, recipe.label_smoothing, recipe.balanced.then_some(counts.as_slice()))
        .metrics(objective.metrics_with(&state.metrics))
        .optimizer(recipe.optimizer.clone())
        .groups(recipe.groups.clone());
    Ok(match &job.validation {
        Some(validation) => trainer.validation(validation),
        None => trainer,
    })
}

/// The network with its objective, optimizer and callbacks.
fn trainer<P: Program>(
    job: &Job<P>,
    device: &Device,
    (interrupt, dashboard): (InterruptOnCtrlC, Option<Dashboard>),
    has_ranks: bool,
    recording: Option<&Recording>,
    output: &Arc<Output>,
) -> anyhow::Result<Trainer<Model>> {
    let Job { state, recipe, .. } = job;
    let mut trainer = plain_trainer(job, device)?.callback(Progress::new(output.clone())).callback(interrupt);
    // After the progress, whose lines it shows, and Ctrl-C, which it listens to.
    if let Some(dashboard) = dashboard {
        trainer = trainer.callback(dashboard);
    }
    if let Some(monitor) = job.monitor() {
        let patience = recipe.best.patience.unwrap_or(usize::MAX);
        trainer = trainer.callback(EarlyStopping::on(monitor).patience(patience));
    }
    let logging = &state.logging;
    let mut checkpoints = CheckpointWriter::new(&job.checkpoint_path).program(serde_json::to_value(state)?);
    match logging.checkpoint_every {
        Some(CheckpointEvery::Steps(steps)) => checkpoints = checkpoints.every_steps(steps),
        Some(CheckpointEvery::Time(time)) => checkpoints = checkpoints.every(time),
        None => {}
    }
    if has_ranks {
        checkpoints = checkpoints.at_start();
    }
    if let (Some(recording), Some(run)) = (recording, &job.run) {
        // Whatever happens from the first step on, the run can go on.
        checkpoints = checkpoints.at_start().keep_last(logging.keep_checkpoints);
        if let (Some(monitor), 1..) = (job.monitor(), logging.keep_checkpoints) {
            checkpoints = checkpoints.best(monitor, run.best_checkpoint());
        }
        trainer = recording.attach(trainer, logging);
    }
    Ok(trainer.callback(checkpoints))
}

/// What a dashboard says of a training besides its events.
fn dashboard_info<P: Program>(job: &Job<P>, flags: &Train<P>) -> DashboardInfo {
    let run = job.run.as_ref().map_or(String::new(), |run| format!(" ({})", run.name()));
    DashboardInfo {
        title: format!("{} on {}{run}", job.state.model, job.train.provenance().name),
        device: flags.setup.device.describe(),
        monitor: job.monitor().map(str::to_owned),
        epochs: job.checkpoint.iter().flat_map(|before| before.progress.state.history.clone()).collect(),
        steps: match (&job.checkpoint, &job.run) {
            (Some(_), Some(run)) => fireclay::runs::steps(run),
            _ => Vec::new(),
        },
    }
}

/// Saves the model and says what to try with it.
fn save<P: Program>(
    trainer: &Trainer<Model>,
    train: &Dataset,
    out: &Path,
    output: &Output,
) -> anyhow::Result<()> {
    saved::<P>(out, trainer.save(out)?, (&train.provenance().name, train), output);
    Ok(())
}

/// Says that a model is saved, on what it was trained, and what to try with it on data like this.
pub fn saved<P: Program>(out: &Path, size: u64, (dataset, data): (&str, &Dataset), output: &Output) {
    let file = shown(out);
    let from = match file == P::MODEL_FILE {
        true => String::new(),
        false => format!(" --from {}", quoted(&file)),
    };
    let next = P::next_command(data);
    output.line(format!(
        "\nsaved {file} ({}), trained on {dataset}; try: {} {next}{from}",
        bytes(size),
        called(P::NAME),
    ));
    output.record(&Saved { file, bytes: size, dataset });
}

//! A federation as a command runs it: what it tests, where it goes on, and the model that comes of it.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fireclay::backend::{Precision, in_precision};
use fireclay::data::Dataset;
use fireclay::federate::{FederateError, Federation, FederationOptions, Metrics, Parameters, PrivacyUse};
use fireclay::nn::Model;
use fireclay::store::{ModelCard, save_model};
use fireclay::train::{TrainError, parameters, privacy_spent, with_parameters};

use super::args::FederationArgs;
use super::local::statistics;
use super::problem::explained;
use super::show::Shown;
use crate::commands::train::{check_out, checkpoint_beside, saved};
use crate::error::CommandError;
use crate::evaluation::print_evaluation;
use crate::exit::{Exit, UsageError};
use crate::format::{quoted, shown};
use crate::interrupt::{InterruptOnCtrlC, Press};
use crate::objective::Objective;
use crate::output::Output;
use crate::program::Program;
use crate::records::Interrupted;

/// What comes in, and where it goes.
pub struct Plan<'a> {
    pub args: &'a FederationArgs,
    pub options: FederationOptions,
    /// The network to begin with, and what its file says.
    pub network: Model,
    pub card: ModelCard,
    /// What has to be the same where it goes on, besides the options.
    pub setup: BTreeMap<String, String>,
    /// What clients of their own process have to have alike.
    pub preparation: String,
    pub precision: Precision,
    /// What the global network is tested on after each round.
    pub test: Dataset,
    pub out: PathBuf,
    pub resume: bool,
}

/// Refuses a place where nothing can be written, and a goal that is never measured.
pub fn check(args: &FederationArgs, resume: bool, out: &Path) -> anyhow::Result<FederationOptions> {
    check_out(out)?;
    let options = args.options();
    options.check().map_err(explained)?;
    args.check_delta()?;
    let path = checkpoint_beside(out);
    let problem = match (begins_with_magic(&path), resume) {
        (None, true) => "there is no such checkpoint to go on from; leave out --resume",
        (Some(false), _) => {
            "it is there already and is no checkpoint of a federation; name another place with --out"
        }
        _ => return Ok(options),
    };
    Err(UsageError::of(CommandError::Checkpoint { path, problem: problem.into() }))
}

/// Whether a file is a checkpoint of a federation; none if there is no file.
fn begins_with_magic(path: &Path) -> Option<bool> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut beginning = [0; 8];
    Some(file.read_exact(&mut beginning).is_ok() && Federation::is_checkpoint(&beginning))
}

impl Plan<'_> {
    /// Runs a federation by `run`, tests and saves what comes of it.
    pub fn run<P: Program>(
        self,
        interrupt: &InterruptOnCtrlC,
        output: &Arc<Output>,
        run: impl FnOnce(&mut Federation<'_>) -> Result<(), FederateError>,
    ) -> anyhow::Result<Exit> {
        let Plan { args, options, network, mut card, setup, preparation, precision, test, out, resume } =
            self;
        let _precision = in_precision(precision);
        let objective = Objective::of(&test);
        args.until.iter().try_for_each(|goal| goal.check(objective))?;
        let path = checkpoint_beside(&out);
        let (stopped, ended) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let begin = parameters(&network)?;
        let statistics = statistics(&begin);
        if let (Some(name), true) = (statistics.first(), options.privacy.is_some()) {
            return Err(UsageError::of(CommandError::NoisyStatistics { tensor: name.clone() }));
        }
        let local = options.local;
        let mut seen = Shown::new(output, &options, args.until.clone(), ended.clone());
        let mut federation = match resume {
            true => Federation::resume(options, &path).map_err(explained)?,
            false => {
                if path.exists() {
                    output.note(format!(
                        "note: {} holds a federation that was interrupted and will be overwritten; to go on with it: --resume",
                        shown(&path)
                    ));
                }
                Federation::new(options, begin).map_err(explained)?.checkpoint(&path)
            }
        };
        federation =
            federation.setup(setup).map_err(explained)?.plain_means(statistics).preparation(preparation);
        if let (Some(goal), Some(last)) = (&args.until, federation.history().last())
            && goal.is_reached(&last.test_metrics)
        {
            ended.store(true, Ordering::Relaxed);
        }
        let (begun_at, delta) = (federation.round(), args.delta());
        federation = federation
            .stop_when(stopped.clone())
            .end_when(ended)
            .observer(move |event| seen.event(event))
            .accountant(move |PrivacyUse { sampling_rate, noise_multiplier, rounds }| {
                privacy_spent(sampling_rate, noise_multiplier, rounds, delta)
            })
            .evaluation(|parameters| Ok(measured(objective, &network, parameters, &test)?));
        if begun_at > 0 {
            output.progress_line(format!("going on after round {begun_at}"));
        }
        let result = {
            let _run = interrupt.run();
            stop_on_press(interrupt, stopped.clone(), output);
            run(&mut federation)
        };
        let has_checkpoint = federation.has_saved();
        match result {
            Ok(()) => {}
            Err(FederateError::Stopped) => {
                let resume = again();
                output.line(match has_checkpoint {
                    true => format!("interrupted; resume with: {resume}"),
                    false => "interrupted before the first round was over".into(),
                });
                if has_checkpoint {
                    output.record(&Interrupted { checkpoint: path.display().to_string(), resume });
                }
                return Ok(Exit::Interrupted);
            }
            Err(error) => {
                let error = explained(error);
                return Err(match has_checkpoint {
                    true => CommandError::FederationFailed { failure: format!("{error:#}"), resume: again() }
                        .into(),
                    false => error,
                });
            }
        }
        let network = with_parameters(&network, federation.parameters())?;
        if let Some(training) = &mut card.training {
            let rounds = federation.history().iter().filter(|record| record.lost.is_none()).count();
            training.epochs += rounds * local.epochs as usize;
            training.batch_size = local.batch_size as usize;
            training.seed = args.seed;
        }
        drop(federation);
        let trainer = objective.trainer(network, 0.0, None).metrics(objective.metrics_with(&[]));
        print_evaluation::<P>(&trainer.evaluate(&test)?, &[], &test, output);
        let size = save_model(&out, trainer.network(), &card)?;
        let trained_on = card.dataset.as_ref().map_or("", |dataset| dataset.name.as_str());
        saved::<P>(&out, size, (trained_on, &test), output);
        // The model is safe. What cannot be removed does no harm.
        let _ = std::fs::remove_file(&path);
        Ok(Exit::Done)
    }
}

/// What the network with these parameters is worth.
fn measured(
    objective: Objective,
    network: &Model,
    parameters: &Parameters,
    test: &Dataset,
) -> Result<Metrics, TrainError> {
    let network = with_parameters(network, parameters)?;
    let metric = objective.metric();
    let evaluation = objective.trainer(network, 0.0, None).metrics([metric.clone()]).evaluate(test)?;
    let mut metrics = Metrics::from([("loss".to_owned(), evaluation.loss)]);
    metrics.extend(evaluation.metric(&metric.name()).map(|value| (metric.name(), value)));
    Ok(metrics)
}

/// The command that was typed, to go on.
fn again() -> String {
    let mut words: Vec<String> = std::env::args_os()
        .map(|word| quoted(&word.to_string_lossy()))
        .filter(|word| word != "--resume")
        .collect();
    let behind = words.iter().position(|word| word == "simulate" || word == "server");
    words.insert(behind.map_or(words.len(), |at| at + 1), "--resume".into());
    words.join(" ")
}

/// Stops at a press of Ctrl-C, as soon as the training of a client that runs is over.
pub fn stop_on_press(interrupt: &InterruptOnCtrlC, stopped: Arc<AtomicBool>, output: &Arc<Output>) {
    let output = output.clone();
    interrupt.on_press(move |press| {
        if press == Press::EndsAfterStep {
            stopped.store(true, Ordering::Relaxed);
            output
                .warn("\nending when the training of the client is over; press Ctrl-C again to stop at once");
        }
        true
    });
}

//! What a training leaves in the folder of its run: settings, logs, checkpoints, model and report.

mod events;
mod generated;
mod importance;
mod page;
mod samples;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context;
use fireclay::data::write_atomically;
use fireclay::nn::Model;
use fireclay::prelude::{Dataset, Evaluation, Trainer};
use fireclay::report::{Exchange, Timing};
use fireclay::runs::{MetricsLog, RunFolder, RunRecord, RunsError, Status, TensorBoardLog, graph};
use fireclay::train::{Event, History, Predictions, Stopped, callback_fn};

use super::flags::{Logging, Train};
use super::job::{Job, StateOf};
use super::print_config::settings;
use crate::format::shown;
use crate::output::Output;
use crate::program::{Program, SourceOf};
use crate::records::{ExchangeRecord, Measure, RunMade};

/// What a training came to.
pub struct Outcome<'a, P: Program> {
    pub state: &'a StateOf<P>,
    pub trainer: &'a Trainer<Model>,
    pub history: &'a History,
    pub train: &'a Dataset,
    pub test: &'a Dataset,
    pub evaluation: &'a Evaluation,
    pub predictions: &'a Predictions,
    pub measures: &'a [Measure],
    /// The answer that does not look at the sample.
    pub constant: Option<&'a str>,
    pub monitor: Option<&'a str>,
    /// What a step exchanged with other ranks, if there are others.
    pub exchange: Option<&'a ExchangeRecord>,
    /// Samples of a step.
    pub batch_size: usize,
}

/// A training whose folder is filled as it goes.
pub struct Recording {
    pub folder: RunFolder,
    record: RunRecord,
    /// Seconds of the parts before this one, where it was broken off.
    before: f64,
    clock: Instant,
    laps: Vec<Timing>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Recording {
    /// Makes the folder of a run that begins, or opens that of one that goes on, and writes what is known before the first step.
    ///
    /// # Errors
    /// If the folder cannot be made or written to.
    pub fn begin<P: Program>(
        job: &Job<P>,
        flags: &Train<P>,
        notes: Vec<String>,
    ) -> anyhow::Result<Option<Self>> {
        let Some(folder) = &job.run else { return Ok(None) };
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let resumed = job.checkpoint.is_some().then(|| RunRecord::load(folder)).transpose()?;
        let (record, before) = match resumed {
            Some(record) => {
                warnings
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(&record.report.training.warnings);
                if let Some(factor) = flags.learning_rate_factor {
                    let at = job.checkpoint.iter().map(|checkpoint| checkpoint.progress.state.epoch);
                    let epoch = at.max().unwrap_or(1);
                    warnings.lock().unwrap_or_else(PoisonError::into_inner).push(format!(
                        "The training was resumed in epoch {epoch} with its learning rates multiplied by {factor}."
                    ));
                }
                let before = record.seconds;
                let started = record.started;
                let now = RunRecord::begin(record.report);
                (RunRecord { started, ..now }, before)
            }
            None => {
                let config: Vec<(&str, toml::Value)> = settings::<P>(job, flags)
                    .into_iter()
                    .map(|(name, value)| (name, page::without_folders(name, value)))
                    .collect();
                write_config(folder, &config)?;
                (RunRecord::begin(page::beginning(job, flags, notes)?), 0.0)
            }
        };
        record.save(folder)?;
        Ok(Some(Recording {
            folder: folder.clone(),
            record,
            before,
            clock: Instant::now(),
            laps: Vec::new(),
            warnings,
        }))
    }

    /// Adds what writes while the training goes.
    pub fn attach(&self, trainer: Trainer<Model>, logging: &Logging) -> Trainer<Model> {
        let graph = graph(trainer.network().spec()).unwrap_or_default();
        let every = logging.every;
        let log = MetricsLog::new(&self.folder).every(every);
        let mut events = TensorBoardLog::new(&self.folder)
            .every(every)
            .hparams(events::hparams(&self.record.report))
            .text("run", events::description(&self.record.report))
            .graph(graph);
        if logging.histograms {
            events = events.histograms();
        }
        let warnings = self.warnings.clone();
        let listen = callback_fn("warnings", move |event, _| {
            if let Event::Warning(text) = event {
                let mut warnings = warnings.lock().unwrap_or_else(PoisonError::into_inner);
                if !warnings.iter().any(|known| known == text) {
                    warnings.push(text.to_string());
                }
            }
            Ok(())
        });
        trainer.callback(log).callback(events).callback(listen)
    }

    /// Adds a sentence to what the run warned of.
    pub fn warn(&self, sentence: String) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(sentence);
    }

    /// Notes how long something took.
    pub fn lap(&mut self, name: &str, since: Instant) {
        self.laps.push(Timing { name: name.into(), seconds: since.elapsed().as_secs_f64() });
    }

    fn stand(&mut self, status: Status, reason: Option<String>) -> Result<(), RunsError> {
        self.record.status = status;
        self.record.reason = reason;
        self.record.seconds = self.before + self.clock.elapsed().as_secs_f64();
        self.record.report.training.warnings =
            self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.record.save(&self.folder)
    }

    /// Says that the training was broken off.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn interrupted(&mut self) -> Result<(), RunsError> {
        self.stand(Status::Interrupted, None)
    }

    /// Says that the training failed.
    pub fn failed(&mut self, error: &anyhow::Error) {
        // The error that is told already is more important than one of writing it down.
        let _ = self.stand(Status::Failed, Some(format!("{error:#}")));
    }

    /// Writes what the training came to: the model, the record, the page, and pictures for TensorBoard.
    ///
    /// # Errors
    /// If something cannot be written.
    pub fn finish<P: Program>(
        &mut self,
        outcome: &Outcome<P>,
        source: &SourceOf<P>,
        output: &Arc<Output>,
    ) -> anyhow::Result<()> {
        outcome.trainer.save(self.folder.model())?;
        let start = Instant::now();
        importance::add(&mut self.record.report, outcome)?;
        let generated = generated::texts(outcome.trainer, outcome.test);
        if !self.record.report.importance.is_empty() {
            self.lap("importance of columns", start);
        } else if !generated.is_empty() {
            self.lap("generated texts", start);
        }
        let mut laps = vec![Timing {
            name: "training steps".into(),
            seconds: outcome.history.epochs.iter().map(|epoch| epoch.seconds).sum(),
        }];
        laps.append(&mut self.laps);
        self.record.report.timings = laps;
        self.record.report.exchange = outcome.exchange.map(|exchange| Exchange {
            ranks: exchange.ranks as u64,
            steps: exchange.steps,
            step_seconds: exchange.step_seconds,
            exchange_seconds: exchange.exchange_seconds,
            sent_bytes: exchange.sent_bytes,
            received_bytes: exchange.received_bytes,
        });
        page::ending(&mut self.record.report, outcome, &self.folder, generated)?;
        samples::add(&mut self.record.report, outcome, source);
        let reason = match &outcome.history.stopped {
            Stopped::Early(reason) => Some(reason.clone()),
            _ => None,
        };
        self.stand(Status::Completed, reason)?;
        events::finish(&self.folder, &self.record.report, outcome.history)?;
        let html = self.record.report.to_html()?;
        let path = self.folder.report();
        write_atomically(&path, |out| out.write_all(html.as_bytes()))
            .with_context(|| format!("cannot write {}", path.display()))?;
        let (report, folder) = (shown(&path), shown(self.folder.path()));
        output.line(format!("run {}: {report}", self.folder.name()));
        output.record(&RunMade { name: self.folder.name(), folder, report });
        Ok(())
    }
}

/// Writes the settings as a file that `--config` reads.
fn write_config(folder: &RunFolder, settings: &[(&str, toml::Value)]) -> anyhow::Result<()> {
    let lines: String = settings.iter().map(|(name, value)| format!("{name} = {value}\n")).collect();
    let path: PathBuf = folder.config();
    write_atomically(&path, |out| out.write_all(lines.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}

//! Writes checkpoints as a run goes: the last one, some before it, and the best.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fireclay_store::save_checkpoint;
use serde::{Deserialize, Serialize};

use super::watched::{Best, Watched};
use crate::callback::{Callback, CallbackContext};
use crate::checkpoint::Checkpoint;
use crate::error::TrainError;
use crate::event::Event;

/// Writes the run's checkpoint to one file, each time over the last, whole or not at all.
///
/// ```
/// use std::time::Duration;
/// use fireclay_train::CheckpointWriter;
///
/// # let folder = tempfile::tempdir()?;
/// # let folder = folder.path();
/// let writer = CheckpointWriter::new(folder.join("last.checkpoint"))
///     .every_steps(500)
///     .every(Duration::from_secs(600))
///     .keep_last(3)
///     .best("val_loss", folder.join("best.checkpoint"));
/// # drop(writer);
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CheckpointWriter {
    path: PathBuf,
    program: serde_json::Value,
    at_start: bool,
    every_epoch: bool,
    every_steps: Option<usize>,
    every: Option<Duration>,
    keep: usize,
    best: Option<(Watched, PathBuf)>,
    /// Steps of one epoch, to count steps over epochs.
    steps_per_epoch: usize,
    written: Instant,
    /// Whether it asked for a checkpoint that is to come.
    asked: bool,
    /// The last whole epoch, and whether it was the best.
    ended: usize,
    improved: bool,
}

#[derive(Serialize, Deserialize)]
struct State {
    best: Best,
}

impl CheckpointWriter {
    /// Writes after each epoch and when the run is interrupted.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        CheckpointWriter {
            path: path.into(),
            program: serde_json::Value::Null,
            at_start: false,
            every_epoch: true,
            every_steps: None,
            every: None,
            keep: 0,
            best: None,
            steps_per_epoch: 0,
            written: Instant::now(),
            asked: false,
            ended: 0,
            improved: false,
        }
    }

    /// Writes only when the run is interrupted.
    pub fn only_when_interrupted(mut self) -> Self {
        self.every_epoch = false;
        self
    }

    /// Writes before the first step too.
    pub fn at_start(mut self) -> Self {
        self.at_start = true;
        self
    }

    /// Writes after each so many steps too, counted over epochs; 0 is never.
    pub fn every_steps(mut self, steps: usize) -> Self {
        self.every_steps = Some(steps).filter(|steps| *steps > 0);
        self
    }

    /// Writes after the first step too that ends so long after the checkpoint before. The training is the same bit for bit.
    pub fn every(mut self, time: Duration) -> Self {
        self.every = Some(time);
        self
    }

    /// Keeps the checkpoints of the last epochs as well, beside the file and with the epoch in their names, as in
    /// `last-epoch-7.checkpoint`.
    pub fn keep_last(mut self, epochs: usize) -> Self {
        self.keep = epochs;
        self
    }

    /// Keeps the checkpoint of the epoch in which a value such as `val_loss` was best, in a file of its own.
    pub fn best(mut self, watched: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.best = Some((Watched::new(watched), path.into()));
        self
    }

    /// Adds what the program must know to go on.
    pub fn program(mut self, program: serde_json::Value) -> Self {
        self.program = program;
        self
    }

    fn is_due(&self, step: usize) -> bool {
        self.every_steps.is_some_and(|steps| step.is_multiple_of(steps))
            || self.every.is_some_and(|time| self.written.elapsed() >= time)
    }

    fn write(&mut self, context: &CallbackContext) -> Result<(), TrainError> {
        let mut checkpoint = context.checkpoint()?;
        checkpoint.progress.program = self.program.clone();
        save_checkpoint(&self.path, &checkpoint)?;
        self.written = Instant::now();
        let at_end = checkpoint.progress.state.step == 0 && self.ended > 0;
        if at_end && self.keep > 0 {
            self.write_numbered(&checkpoint)?;
        }
        if let Some((_, path)) = &self.best
            && std::mem::take(&mut self.improved)
        {
            save_checkpoint(path, &checkpoint)?;
        }
        Ok(())
    }

    /// Keeps the checkpoint of the epoch, and removes the one that is too many.
    fn write_numbered(&self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        save_checkpoint(numbered(&self.path, self.ended), checkpoint)?;
        if let Some(old) = self.ended.checked_sub(self.keep).filter(|epoch| *epoch > 0) {
            // One that is not there, as after a resume that keeps more, is none too many.
            let _ = std::fs::remove_file(numbered(&self.path, old));
        }
        Ok(())
    }
}

/// `last-epoch-7.checkpoint`
fn numbered(path: &Path, epoch: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    path.with_file_name(format!("{stem}-epoch-{epoch}{end}"))
}

impl Callback for CheckpointWriter {
    fn name(&self) -> String {
        "checkpoint_writer".into()
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { steps_per_epoch, measured, start, .. } => {
                self.steps_per_epoch = *steps_per_epoch;
                (self.written, self.ended, self.improved) = (Instant::now(), 0, false);
                if let Some((watched, _)) = &mut self.best {
                    watched.find(measured)?;
                    if *start == (1, 0) {
                        watched.best = Best::default();
                    }
                }
                if self.at_start && *start == (1, 0) {
                    self.asked = true;
                    context.request_checkpoint();
                }
            }
            Event::StepEnded { epoch, step, steps, .. } => {
                let number = (epoch - 1) * self.steps_per_epoch + step;
                if step < steps && self.is_due(number) {
                    self.asked = true;
                    context.request_checkpoint();
                }
            }
            Event::EpochEnded(record) => {
                self.ended = record.epoch;
                // Asked for at the end of an epoch, it comes anyway.
                self.asked |= self.is_due(record.epoch * self.steps_per_epoch);
                if let Some((watched, _)) = &mut self.best
                    && let Some(value) = record.get(&watched.name)
                {
                    self.improved = watched.improves(record.epoch, value);
                    self.asked |= self.improved;
                }
            }
            Event::Resumable { interrupted } => {
                let asked = std::mem::take(&mut self.asked);
                if *interrupted || self.every_epoch || asked {
                    self.write(context)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn state(&self) -> serde_json::Value {
        match &self.best {
            Some((watched, _)) => {
                serde_json::to_value(State { best: watched.best.clone() }).unwrap_or_default()
            }
            None => serde_json::Value::Null,
        }
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        if let Some((watched, _)) = &mut self.best {
            watched.best = serde_json::from_value::<State>(state)?.best;
        }
        Ok(())
    }
}

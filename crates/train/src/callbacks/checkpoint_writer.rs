//! Writes a checkpoint after each epoch, or only when the run breaks off.

use std::path::PathBuf;

use fireclay_store::save_checkpoint;

use crate::callback::{Callback, CallbackContext};
use crate::error::TrainError;
use crate::event::Event;

/// Writes the run's checkpoint to one file, each time over the last, whole or not at all.
pub struct CheckpointWriter {
    path: PathBuf,
    program: serde_json::Value,
    every_epoch: bool,
}

impl CheckpointWriter {
    /// Writes after each epoch and when the run is interrupted.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        CheckpointWriter { path: path.into(), program: serde_json::Value::Null, every_epoch: true }
    }

    /// Writes only when the run is interrupted.
    pub fn only_when_interrupted(mut self) -> Self {
        self.every_epoch = false;
        self
    }

    /// Adds what the program must know to go on.
    pub fn program(mut self, program: serde_json::Value) -> Self {
        self.program = program;
        self
    }
}

impl Callback for CheckpointWriter {
    fn name(&self) -> String {
        "checkpoint_writer".into()
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::Resumable { interrupted } = event
            && (*interrupted || self.every_epoch)
        {
            let mut checkpoint = context.checkpoint()?;
            checkpoint.progress.program = self.program.clone();
            save_checkpoint(&self.path, &checkpoint)?;
        }
        Ok(())
    }
}

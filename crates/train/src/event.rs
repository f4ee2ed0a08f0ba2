//! What the training loop tells, and what its listeners may ask of it.

use crate::TrainError;
use crate::checkpoint::Checkpoint;
use crate::history::{EpochRecord, History};

/// Something that happened in a training run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The run begins.
    FitStarted {
        /// Epochs to do in all.
        epochs: usize,
        /// Steps of one epoch.
        steps_per_epoch: usize,
        /// Training samples.
        samples: usize,
        /// Validation samples.
        validation_samples: usize,
        /// The epoch and the step to begin with, `(1, 0)` unless the run resumes.
        start: (usize, usize),
        /// Names of the values that each epoch is going to have.
        measured: &'a [String],
    },
    /// Parameters that had no part in the loss of the first step, by name. They are never going to change.
    UnusedParameters(&'a [String]),
    /// An epoch begins.
    EpochStarted {
        /// Counted from 1.
        epoch: usize,
    },
    /// A step is done.
    StepEnded {
        /// Counted from 1.
        epoch: usize,
        /// Counted from 1.
        step: usize,
        /// Steps of this epoch.
        steps: usize,
        /// Samples trained on since the epoch began, in this run.
        samples: usize,
        /// Time since the epoch began, in seconds.
        seconds: f64,
        /// Mean loss of the epoch so far, as far as it has been read back.
        loss: Option<f64>,
        /// Accuracy of the epoch so far, for classifiers.
        accuracy: Option<f64>,
    },
    /// An epoch is done and measured.
    EpochEnded(&'a EpochRecord),
    /// The run can be resumed from here: after each epoch, and when it is interrupted.
    Resumable {
        /// Whether the run is about to break off.
        interrupted: bool,
    },
    /// The run is over.
    FitEnded(&'a History),
}

/// What a callback can ask for at an event.
pub struct Moment<'a> {
    pub(crate) capture: &'a dyn Fn() -> Result<Checkpoint, TrainError>,
    pub(crate) wishes: Wishes,
}

/// What callbacks asked for.
#[derive(Default)]
pub(crate) struct Wishes {
    pub(crate) stop: Option<String>,
    pub(crate) restore: bool,
    pub(crate) remember: bool,
    pub(crate) interrupt: bool,
}

impl Wishes {
    /// Adds what was wished for at a later event.
    pub(crate) fn add(&mut self, later: Wishes) {
        self.stop = later.stop.or(self.stop.take());
        self.restore |= later.restore;
        self.remember |= later.remember;
        self.interrupt |= later.interrupt;
    }
}

impl Moment<'_> {
    /// Ends the run after the epoch that runs. The reason is shown to the user.
    pub fn stop(&mut self, reason: impl Into<String>) {
        self.wishes.stop = Some(reason.into());
    }

    /// Keeps the weights of the end of the epoch that runs, or has just ended, to come back to them.
    pub fn remember_weights(&mut self) {
        self.wishes.remember = true;
    }

    /// When the run ends, goes back to the weights that were remembered last.
    pub fn restore_weights_at_end(&mut self) {
        self.wishes.restore = true;
    }

    /// Breaks off after this step, with a [`Event::Resumable`] before the end.
    pub fn interrupt(&mut self) {
        self.wishes.interrupt = true;
    }

    /// Everything that is needed to go on from here. Complete at [`Event::Resumable`] only.
    ///
    /// # Errors
    /// If the optimiser's state cannot be read from the device.
    pub fn checkpoint(&self) -> Result<Checkpoint, TrainError> {
        (self.capture)()
    }
}

/// A listener to a training run.
pub trait Callback: Send {
    /// Hears of an event.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_event(&mut self, event: &Event, moment: &mut Moment) -> Result<(), TrainError>;

    /// What the callback must remember for a run that is resumed.
    fn state(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Takes back what [`state`](Self::state) gave.
    ///
    /// # Errors
    /// If it is not such a state.
    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        let _ = state;
        Ok(())
    }
}

//! What the training loop tells.

use crate::history::{EpochRecord, History};
use crate::metrics::Direction;

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
        /// The values that each epoch is going to have.
        measured: &'a [Measured],
    },
    /// Something that is allowed and most likely a mistake, in a sentence.
    Warning(&'a str),
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
        /// Mean loss of this step, or of all steps since it was read back last; none if it was not read back after this step.
        step_loss: Option<f64>,
        /// Accuracy of the epoch so far, for classifiers.
        accuracy: Option<f64>,
        /// The learning rate of this step: the optimiser's, times what the schedule says.
        learning_rate: f64,
        /// Euclidean norm of all gradients together, before they are clipped. Computed and read back only for callbacks
        /// that [ask for it](crate::Callback::needs_gradient_norm).
        gradient_norm: Option<f64>,
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

/// A value that each epoch is going to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// `loss`, `val_accuracy`.
    pub name: String,
    /// Whether more of it is better.
    pub direction: Direction,
}

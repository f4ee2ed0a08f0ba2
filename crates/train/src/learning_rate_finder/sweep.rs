//! The sweep as a training sees it: a schedule, and a callback that keeps the losses and ends it.

use std::sync::{Arc, Mutex, PoisonError};

use super::{LearningRateCurve, LearningRateFinder, LearningRatePoint, SweepEnd};
use crate::callback::{Callback, CallbackContext};
use crate::error::TrainError;
use crate::event::Event;
use crate::schedule::{Schedule, SchedulePosition};

/// A learning rate that grows by the same factor from each step to the next.
#[derive(Debug)]
pub(super) struct Sweep {
    finder: LearningRateFinder,
    steps_per_epoch: usize,
    /// The learning rate that factors are of.
    base: f64,
}

impl Sweep {
    pub(super) fn new(finder: LearningRateFinder, steps_per_epoch: usize, base: f64) -> Self {
        Sweep { finder, steps_per_epoch, base }
    }
}

impl Schedule for Sweep {
    fn name(&self) -> String {
        "learning-rate-finder".into()
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        let step = (at.epochs_done * self.steps_per_epoch as f64).round() as usize;
        self.finder.learning_rate(step) / self.base
    }
}

/// What came of the steps so far.
#[derive(Debug, Default)]
pub(super) struct Record {
    points: Vec<LearningRatePoint>,
    /// The exponential mean of the losses, which began at 0.
    mean: f64,
    lowest: Option<f64>,
    ended: Option<SweepEnd>,
}

/// Keeps the loss of each step, and ends the sweep.
pub(super) struct Recorder {
    finder: LearningRateFinder,
    record: Arc<Mutex<Record>>,
}

impl Recorder {
    pub(super) fn new(finder: LearningRateFinder) -> Self {
        Recorder { finder, record: Arc::default() }
    }

    /// What is recorded, also when the training has ended in an error.
    pub(super) fn record(&self) -> Arc<Mutex<Record>> {
        Arc::clone(&self.record)
    }
}

impl Record {
    /// Takes in the loss of a step, which is counted from 1.
    fn add(&mut self, finder: &LearningRateFinder, step: usize, loss: f64) {
        let kept = finder.smoothing;
        self.mean = kept * self.mean + (1.0 - kept) * loss;
        let smoothed_loss = self.mean / (1.0 - kept.powf((self.points.len() + 1) as f64));
        let learning_rate = finder.learning_rate(step - 1);
        self.points.push(LearningRatePoint { step, learning_rate, loss, smoothed_loss });
        let lowest = self.lowest.map_or(smoothed_loss, |lowest| lowest.min(smoothed_loss));
        self.lowest = Some(lowest);
        // Of a loss below 0 a multiple says nothing.
        if lowest > 0.0 && smoothed_loss > finder.divergence_factor * lowest {
            self.ended = Some(SweepEnd::Diverged);
        }
    }
}

impl Callback for Recorder {
    fn name(&self) -> String {
        "learning-rate-finder".into()
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        let Event::StepEnded { epoch, step, steps, step_loss, .. } = event else { return Ok(()) };
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        if record.ended.is_some() {
            return Ok(());
        }
        let number = (epoch - 1) * steps + step;
        // A step whose samples all have weight 0 has no loss.
        if let Some(loss) = step_loss {
            record.add(&self.finder, number, *loss);
        }
        if number >= self.finder.steps && record.ended.is_none() {
            record.ended = Some(SweepEnd::Completed);
        }
        if record.ended.is_some() {
            context.interrupt();
        }
        Ok(())
    }

    fn needs_step_loss(&self) -> bool {
        true
    }
}

/// The curve of what was recorded; `otherwise` is how it ended if it did not end the sweep itself.
pub(super) fn curve(record: &Mutex<Record>, otherwise: SweepEnd) -> LearningRateCurve {
    let mut record = record.lock().unwrap_or_else(PoisonError::into_inner);
    let points = std::mem::take(&mut record.points);
    LearningRateCurve { points, ended: record.ended.unwrap_or(otherwise) }
}

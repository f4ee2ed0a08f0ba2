//! Which steps are logged, and what is logged of them: shared by all logs, so that they hold the same.

use fireclay_train::{EpochRecord, Event};
use serde::{Deserialize, Serialize};

/// Steps between two that are logged, unless told otherwise.
pub(crate) const INTERVAL: usize = 10;

/// What is logged of some steps.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LoggedStep {
    /// Counted from 1 over the whole run.
    pub(crate) step: usize,
    pub(crate) epoch: usize,
    /// The mean over all steps since the one that was logged before.
    pub(crate) loss: Option<f64>,
    pub(crate) learning_rate: f64,
    pub(crate) gradient_norm: Option<f64>,
    /// Training samples for each second since the step that was logged before.
    pub(crate) samples_per_s: Option<f64>,
}

/// Chooses steps and sums up those between.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StepSummary {
    #[serde(skip)]
    interval: usize,
    #[serde(skip)]
    steps_per_epoch: usize,
    sum: f64,
    count: u32,
    /// Samples and seconds of the epoch at the step that was logged before; a run that goes on has a clock of its own.
    #[serde(skip)]
    before: (usize, f64),
}

impl StepSummary {
    pub(crate) fn new(interval: usize) -> Self {
        StepSummary { interval: interval.max(1), ..StepSummary::default() }
    }

    /// With the sums of a run that goes on.
    pub(crate) fn restore(&mut self, state: StepSummary) {
        (self.sum, self.count) = (state.sum, state.count);
    }

    pub(crate) fn start(&mut self, steps_per_epoch: usize, is_new: bool) {
        self.steps_per_epoch = steps_per_epoch;
        if is_new {
            (self.sum, self.count) = (0.0, 0);
        }
    }

    /// Whether a step, counted from 1 over the run, is logged: each so many, and the last of each epoch.
    pub(crate) fn is_logged(&self, step: usize) -> bool {
        step.is_multiple_of(self.interval) || step.is_multiple_of(self.steps_per_epoch.max(1))
    }

    /// Takes in a step; what is to be logged, if it is.
    pub(crate) fn add(&mut self, event: &Event) -> Option<LoggedStep> {
        match *event {
            Event::EpochStarted { .. } => {
                self.before = (0, 0.0);
                None
            }
            Event::StepEnded {
                epoch,
                step,
                samples,
                seconds,
                step_loss,
                learning_rate,
                gradient_norm,
                ..
            } => {
                if let Some(loss) = step_loss {
                    self.sum += loss;
                    self.count += 1;
                }
                let number = (epoch - 1) * self.steps_per_epoch + step;
                if !self.is_logged(number) {
                    return None;
                }
                let (samples_before, seconds_before) =
                    std::mem::replace(&mut self.before, (samples, seconds));
                let (samples, seconds) = (samples - samples_before.min(samples), seconds - seconds_before);
                let (sum, count) = (std::mem::take(&mut self.sum), std::mem::take(&mut self.count));
                Some(LoggedStep {
                    step: number,
                    epoch,
                    loss: (count > 0).then(|| sum / f64::from(count)),
                    learning_rate,
                    gradient_norm,
                    samples_per_s: (samples > 0 && seconds > 0.0).then(|| samples as f64 / seconds),
                })
            }
            _ => None,
        }
    }
}

/// The value of an epoch under a name.
pub(crate) fn value(record: &EpochRecord, name: &str) -> Option<f64> {
    record.get(name).filter(|value| value.is_finite())
}

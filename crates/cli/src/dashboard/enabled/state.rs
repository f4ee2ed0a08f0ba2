//! What a dashboard knows of a training: a plain struct, fed by events. It knows no terminal and no clock.

use fireclay::train::{Direction, EpochRecord, Event, Measured};

use super::curve::Curve;
use crate::dashboard::DashboardInfo;

/// Seconds over which speed is measured.
const SPEED_INTERVAL: f64 = 0.25;

/// What a training is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No step is done yet.
    #[default]
    Starting,
    /// It goes from step to step.
    Training,
    /// The last step of an epoch is done, and what follows is measuring.
    Measuring,
}

/// A training as its events tell it.
#[derive(Clone, Debug, Default)]
pub struct TrainingState {
    /// What is trained on what.
    pub title: String,
    /// Where.
    pub device: String,
    /// Epochs in all.
    pub epochs: usize,
    /// Steps of an epoch.
    pub steps_per_epoch: usize,
    /// The epoch that runs.
    pub epoch: usize,
    /// Its steps that are done.
    pub step: usize,
    /// What it is doing.
    pub phase: Phase,
    /// Whether it ends after this step, as the user asked.
    pub is_ending: bool,
    /// Mean loss of the epoch so far.
    pub loss: Option<f64>,
    /// Accuracy of the epoch so far.
    pub accuracy: Option<f64>,
    /// The learning rate of the last step.
    pub learning_rate: Option<f64>,
    /// The norm of the gradients when it was computed last.
    pub gradient_norm: Option<f64>,
    /// Training samples for each second, of late.
    pub samples_per_s: Option<f64>,
    /// Seconds that are left of the epoch's steps.
    pub epoch_left: Option<f64>,
    /// Seconds that are left of all epochs.
    pub run_left: Option<f64>,
    /// The loss over the steps.
    pub losses: Curve,
    /// The learning rate over the steps.
    pub learning_rates: Curve,
    /// The norm of the gradients over the steps.
    pub gradient_norms: Curve,
    /// Training samples for each second over the steps.
    pub speeds: Curve,
    /// The names of what each epoch has.
    pub measured: Vec<Measured>,
    /// The epochs that are done.
    pub history: Vec<EpochRecord>,
    /// The value that says which epoch is best.
    pub monitor: Option<String>,
    /// What is most likely going wrong, each once.
    pub warnings: Vec<String>,
    before: DashboardInfo,
    /// The steps of the epoch and of the run that were done before this run went on.
    start: (usize, usize),
    /// Samples and seconds of the epoch where speed was measured last.
    measured_at: (usize, f64),
}

impl TrainingState {
    /// A training that has not begun.
    pub fn new(info: DashboardInfo) -> Self {
        TrainingState {
            title: info.title.clone(),
            device: info.device.clone(),
            monitor: info.monitor.clone(),
            before: info,
            ..TrainingState::default()
        }
    }

    /// Takes in an event that came so many seconds after the training began.
    pub fn event(&mut self, event: &Event, elapsed: f64) {
        match event {
            Event::FitStarted { epochs, steps_per_epoch, start, measured, .. } => {
                (self.epochs, self.steps_per_epoch) = (*epochs, *steps_per_epoch);
                (self.epoch, self.step) = *start;
                self.measured = measured.to_vec();
                self.start = (self.step, self.steps_done());
                self.take_history();
            }
            Event::Warning(text) => self.warn((*text).to_owned()),
            Event::UnusedParameters(names) => self.warn(format!(
                "these parameters have no part in the loss and will not change: {}",
                names.join(", ")
            )),
            Event::EpochStarted { epoch } => {
                if *epoch != self.epoch {
                    (self.epoch, self.step) = (*epoch, 0);
                    self.start.0 = 0;
                }
                self.measured_at = (0, 0.0);
                (self.loss, self.accuracy, self.epoch_left) = (None, None, None);
                self.phase = Phase::Training;
            }
            Event::StepEnded { .. } => self.step_ended(event, elapsed),
            Event::EpochEnded(record) => {
                self.history.push((*record).clone());
                self.phase = Phase::Training;
            }
            _ => {}
        }
    }

    /// Steps that are done, over all epochs.
    pub fn steps_done(&self) -> usize {
        self.epoch.saturating_sub(1).saturating_mul(self.steps_per_epoch).saturating_add(self.step)
    }

    /// Steps of all epochs.
    pub fn steps(&self) -> usize {
        self.epochs.saturating_mul(self.steps_per_epoch)
    }

    /// The best epoch so far and its value, by what says which is best.
    pub fn best(&self) -> Option<(usize, f64)> {
        let monitor = self.monitor.as_deref()?;
        let direction = self.measured.iter().find(|measured| measured.name == monitor)?.direction;
        let values = self.history.iter().filter_map(|record| Some((record.epoch, record.get(monitor)?)));
        values.filter(|(_, value)| value.is_finite()).reduce(|best, next| {
            let better = match direction {
                Direction::Maximize => next.1 > best.1,
                Direction::Minimize => next.1 < best.1,
            };
            if better { next } else { best }
        })
    }

    /// The course of a value over the epochs.
    pub fn course(&self, name: &str) -> Vec<(f64, f64)> {
        let values = self.history.iter().filter_map(|record| Some((record.epoch as f64, record.get(name)?)));
        values.filter(|(_, value)| value.is_finite()).collect()
    }

    /// The curves of a training that goes on begin with what was before; steps that it repeats are left out.
    fn take_history(&mut self) {
        let before = std::mem::take(&mut self.before);
        self.history = before.epochs;
        let done = self.steps_done();
        for step in before.steps.iter().filter(|step| step.step <= done as u64) {
            let curves = [
                (&mut self.losses, step.loss),
                (&mut self.learning_rates, step.learning_rate),
                (&mut self.gradient_norms, step.gradient_norm),
                (&mut self.speeds, step.samples_per_s),
            ];
            for (curve, value) in curves {
                curve.push(step.step as f64, value.unwrap_or(f64::NAN));
            }
        }
    }

    fn step_ended(&mut self, event: &Event, elapsed: f64) {
        let &Event::StepEnded {
            step,
            steps,
            samples,
            seconds,
            loss,
            step_loss,
            accuracy,
            learning_rate,
            gradient_norm,
            ..
        } = event
        else {
            return;
        };
        self.step = step;
        self.phase = if step >= steps { Phase::Measuring } else { Phase::Training };
        let x = self.steps_done() as f64;
        self.loss = loss.or(self.loss);
        self.accuracy = accuracy.or(self.accuracy);
        self.learning_rate = Some(learning_rate);
        self.gradient_norm = gradient_norm.or(self.gradient_norm);
        self.losses.push(x, step_loss.unwrap_or(f64::NAN));
        self.learning_rates.push(x, learning_rate);
        self.gradient_norms.push(x, gradient_norm.unwrap_or(f64::NAN));
        let (samples_before, seconds_before) = self.measured_at;
        let past = seconds - seconds_before;
        if past > 0.0 && (past >= SPEED_INTERVAL || step >= steps || self.samples_per_s.is_none()) {
            let speed = samples.saturating_sub(samples_before) as f64 / past;
            self.samples_per_s = Some(speed);
            self.speeds.push(x, speed);
            self.measured_at = (samples, seconds);
        }
        let left = |seconds: f64, done: usize, left: usize| seconds / done.max(1) as f64 * left as f64;
        self.epoch_left = Some(left(seconds, step.saturating_sub(self.start.0), steps.saturating_sub(step)));
        let done = self.steps_done();
        let left = left(elapsed, done.saturating_sub(self.start.1), self.steps().saturating_sub(done));
        self.run_left = Some(left);
    }

    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}

#[cfg(test)]
pub mod tests;

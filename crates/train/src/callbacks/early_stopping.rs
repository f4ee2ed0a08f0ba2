//! Stops when a value has not become better for some epochs, and goes back to the best weights.

use serde::{Deserialize, Serialize};

use crate::{Callback, Event, Moment, TrainError};

/// Stops a run whose watched value no longer improves, and restores the weights of the best epoch.
///
/// Values whose name ends with `loss`, `mae` or `mse` are better when smaller, all others when larger.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    watched: String,
    patience: usize,
    min_delta: f64,
    restore_best: bool,
    state: State,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct State {
    best: Option<f64>,
    best_epoch: usize,
    waited: usize,
}

impl EarlyStopping {
    /// Watches a value such as `val_loss` or `val_accuracy`, with a patience of 3 epochs.
    pub fn on(watched: impl Into<String>) -> Self {
        EarlyStopping {
            watched: watched.into(),
            patience: 3,
            min_delta: 0.0,
            restore_best: true,
            state: State::default(),
        }
    }

    /// Sets how many epochs without improvement are allowed.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Sets how much better a value must be to count as better.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Sets whether the run ends with the weights of the best epoch; true by default.
    pub fn restore_best(mut self, restore_best: bool) -> Self {
        self.restore_best = restore_best;
        self
    }

    fn is_better(&self, value: f64) -> bool {
        let Some(best) = self.state.best else {
            return true;
        };
        match ["loss", "mae", "mse"].iter().any(|end| self.watched.ends_with(end)) {
            true => value < best - self.min_delta,
            false => value > best + self.min_delta,
        }
    }
}

impl Callback for EarlyStopping {
    fn on_event(&mut self, event: &Event, moment: &mut Moment) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { measured, start, .. } => {
                if *start == (1, 0) {
                    self.state = State::default();
                }
                if measured.contains(&self.watched) {
                    return Ok(());
                }
                Err(TrainError::UnknownMetric { found: self.watched.clone(), known: measured.join(", ") })
            }
            Event::EpochEnded(record) => {
                let Some(value) = record.get(&self.watched) else {
                    return Ok(());
                };
                if self.is_better(value) {
                    self.state = State { best: Some(value), best_epoch: record.epoch, waited: 0 };
                    if self.restore_best {
                        moment.remember_weights();
                        moment.restore_weights_at_end();
                    }
                    return Ok(());
                }
                self.state.waited += 1;
                if self.state.waited >= self.patience.max(1) {
                    let State { best, best_epoch, waited } = &self.state;
                    moment.stop(format!(
                        "{} has not improved for {waited} epochs; its best was {:.4} in epoch {best_epoch}",
                        self.watched,
                        best.unwrap_or(f64::NAN)
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(&self.state).unwrap_or_default()
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        self.state = serde_json::from_value(state)?;
        Ok(())
    }
}

//! Stops when a value has not become better for some epochs, and goes back to the best weights.

use serde::{Deserialize, Serialize};

use crate::callback::{Callback, CallbackContext};
use crate::error::TrainError;
use crate::event::Event;
use crate::metrics::Direction;

/// Stops a run whose watched value no longer improves, and restores the weights of the best epoch.
///
/// Whether a larger or a smaller value is better is what the metric says ([`Metric::direction`](crate::Metric::direction));
/// a loss is better when smaller.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    watched: String,
    patience: usize,
    min_delta: f64,
    restore_best: bool,
    direction: Direction,
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
            direction: Direction::Minimize,
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
        match self.direction {
            Direction::Minimize => value < best - self.min_delta,
            Direction::Maximize => value > best + self.min_delta,
        }
    }
}

impl Callback for EarlyStopping {
    /// With the watched value: several may stop one run.
    fn name(&self) -> String {
        format!("early_stopping({})", self.watched)
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { measured, start, .. } => {
                if *start == (1, 0) {
                    self.state = State::default();
                }
                let Some(watched) = measured.iter().find(|value| value.name == self.watched) else {
                    let known: Vec<&str> = measured.iter().map(|value| value.name.as_str()).collect();
                    let known = known.join(", ");
                    return Err(TrainError::UnknownMetric { found: self.watched.clone(), known });
                };
                self.direction = watched.direction;
                Ok(())
            }
            Event::EpochEnded(record) => {
                let Some(value) = record.get(&self.watched) else {
                    return Ok(());
                };
                if self.is_better(value) {
                    self.state = State { best: Some(value), best_epoch: record.epoch, waited: 0 };
                    if self.restore_best {
                        context.remember_weights();
                        context.restore_weights_at_end();
                    }
                    return Ok(());
                }
                self.state.waited += 1;
                if self.state.waited >= self.patience.max(1) {
                    let State { best, best_epoch, waited } = &self.state;
                    context.stop(format!(
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

//! Stops when a value has not become better for some epochs, and goes back to the best weights.

use serde::{Deserialize, Serialize};

use crate::callback::{Callback, CallbackContext};
use crate::error::TrainError;
use crate::event::Event;

use super::watched::{Best, Watched};

/// Stops a run whose watched value no longer improves, and restores the weights of the best epoch.
///
/// Whether a larger or a smaller value is better is what the metric says ([`Metric::direction`](crate::Metric::direction));
/// a loss is better when smaller.
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    watched: Watched,
    patience: usize,
    restore_best: bool,
    waited: usize,
}

#[derive(Serialize, Deserialize)]
struct State {
    #[serde(flatten)]
    best: Best,
    waited: usize,
}

impl EarlyStopping {
    /// Watches a value such as `val_loss` or `val_accuracy`, with a patience of 3 epochs.
    pub fn on(watched: impl Into<String>) -> Self {
        EarlyStopping { watched: Watched::new(watched), patience: 3, restore_best: true, waited: 0 }
    }

    /// Sets how many epochs without improvement are allowed.
    pub fn patience(mut self, epochs: usize) -> Self {
        self.patience = epochs;
        self
    }

    /// Sets how much better a value must be to count as better.
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.watched.min_delta = min_delta;
        self
    }

    /// Sets whether the run ends with the weights of the best epoch; true by default.
    pub fn restore_best(mut self, restore_best: bool) -> Self {
        self.restore_best = restore_best;
        self
    }
}

impl Callback for EarlyStopping {
    /// With the watched value: several may stop one run.
    fn name(&self) -> String {
        format!("early_stopping({})", self.watched.name)
    }

    fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
        match event {
            Event::FitStarted { measured, start, .. } => {
                if *start == (1, 0) {
                    (self.watched.best, self.waited) = (Best::default(), 0);
                }
                self.watched.find(measured)
            }
            Event::EpochEnded(record) => {
                let Some(value) = record.get(&self.watched.name) else {
                    return Ok(());
                };
                if self.watched.improves(record.epoch, value) {
                    self.waited = 0;
                    if self.restore_best {
                        context.remember_weights();
                        context.restore_weights_at_end();
                    }
                    return Ok(());
                }
                self.waited += 1;
                if self.waited >= self.patience.max(1) {
                    let Best { value, epoch } = self.watched.best;
                    context.stop(format!(
                        "{} has not improved for {} epochs; its best was {:.4} in epoch {epoch}",
                        self.watched.name,
                        self.waited,
                        value.unwrap_or(f64::NAN)
                    ));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn state(&self) -> serde_json::Value {
        serde_json::to_value(State { best: self.watched.best.clone(), waited: self.waited })
            .unwrap_or_default()
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        let State { best, waited } = serde_json::from_value(state)?;
        (self.watched.best, self.waited) = (best, waited);
        Ok(())
    }
}

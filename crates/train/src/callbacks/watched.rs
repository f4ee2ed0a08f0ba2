//! A value that a callback watches, and its best so far.

use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::event::Measured;
use crate::metrics::Direction;

/// A value such as `val_loss`, by its name.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) name: String,
    pub(super) min_delta: f64,
    pub(super) direction: Direction,
    pub(super) best: Best,
}

/// The best so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Best {
    #[serde(rename = "best")]
    pub(super) value: Option<f64>,
    #[serde(rename = "best_epoch")]
    pub(super) epoch: usize,
}

impl Watched {
    pub(super) fn new(name: impl Into<String>) -> Self {
        Watched { name: name.into(), min_delta: 0.0, direction: Direction::Minimize, best: Best::default() }
    }

    /// Finds the value among those that each epoch is going to have.
    pub(super) fn find(&mut self, measured: &[Measured]) -> Result<(), TrainError> {
        let Some(watched) = measured.iter().find(|value| value.name == self.name) else {
            let known: Vec<&str> = measured.iter().map(|value| value.name.as_str()).collect();
            return Err(TrainError::UnknownMetric { found: self.name.clone(), known: known.join(", ") });
        };
        self.direction = watched.direction;
        Ok(())
    }

    /// Whether the value of an epoch is the best so far; then it is remembered.
    pub(super) fn improves(&mut self, epoch: usize, value: f64) -> bool {
        let is_better = match (self.best.value, self.direction) {
            (None, _) => true,
            (Some(best), Direction::Minimize) => value < best - self.min_delta,
            (Some(best), Direction::Maximize) => value > best + self.min_delta,
        };
        if is_better {
            self.best = Best { value: Some(value), epoch };
        }
        is_better
    }
}

//! How long, in which portions and from which seed to train.

use serde::{Deserialize, Serialize};

use crate::TrainError;

/// Settings of one [`fit`](crate::Trainer::fit).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitOptions {
    /// Passes over the data; 5 by default.
    pub epochs: usize,
    /// Samples in one step; 64 by default. The last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Decides the order of the samples and the dropout; 0 by default.
    pub seed: u64,
    /// Share of the training samples set aside to measure after each epoch, in `[0, 1)`; 0, which is none, by default.
    /// The share is the same for each class.
    pub validation_split: f64,
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions { epochs: 5, batch_size: 64, seed: 0, validation_split: 0.0 }
    }
}

impl FitOptions {
    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        for (setting, value) in [("epochs", self.epochs), ("batch_size", self.batch_size)] {
            if value == 0 {
                return Err(TrainError::Setting { setting, found: "0".into(), expected: "1 or more" });
            }
        }
        if !(0.0..1.0).contains(&self.validation_split) {
            return Err(TrainError::Setting {
                setting: "validation_split",
                found: self.validation_split.to_string(),
                expected: "0 or more and less than 1, such as 0.1",
            });
        }
        Ok(())
    }
}

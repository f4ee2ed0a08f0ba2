//! A learning rate that falls when the loss no longer does.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::{EpochRecord, TrainError};

/// Times `factor` whenever the loss has not become less for more than `patience` epochs; after each time it is given as
/// many anew. The loss is that of the validation samples if there are any, else that of the training samples: lower is
/// better.
///
/// ```
/// use fireclay_train::{EpochRecord, Schedule, SchedulePosition, schedule::Plateau};
///
/// let epoch = |loss| {
///     EpochRecord { epoch: 1, values: vec![("loss".into(), loss)], seconds: 1.0, samples_per_s: 1.0 }
/// };
/// let history = [2.0, 1.0, 1.5, 1.2].map(epoch);
/// let at = SchedulePosition { epochs_done: 4.0, epochs: 9.0, history: &history };
/// assert_eq!(Plateau::new(0.5, 1).factor(&at), 0.5);
/// assert_eq!(Plateau::new(0.5, 2).factor(&at), 1.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    /// In `(0, 1)`.
    pub factor: f64,
    /// Epochs without improvement that are allowed.
    pub patience: usize,
}

impl Plateau {
    /// Times `factor`, in `(0, 1)`, after more than `patience` epochs without improvement.
    pub fn new(factor: f64, patience: usize) -> Self {
        Plateau { factor, patience }
    }
}

impl Schedule for Plateau {
    fn name(&self) -> String {
        format!("plateau={},{}", self.factor, self.patience)
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        self.factor.powi(plateaus(at.history, self.patience) as i32)
    }

    fn check(&self) -> Result<(), TrainError> {
        match self.factor > 0.0 && self.factor < 1.0 {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Plateau {
    const USAGE: &'static [&'static str] = &["plateau=FACTOR,PATIENCE"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("plateau", [factor, patience]) => {
                Some(Plateau::new(factor.parse().ok()?, patience.parse().ok()?))
            }
            _ => None,
        }
    }
}

/// How often the loss did not improve for more than `patience` epochs.
fn plateaus(history: &[EpochRecord], patience: usize) -> usize {
    let loss = |record: &EpochRecord| record.get("val_loss").or_else(|| record.get("loss"));
    let (mut best, mut waited, mut times) = (f64::INFINITY, 0, 0);
    for loss in history.iter().filter_map(loss) {
        if loss < best {
            (best, waited) = (loss, 0);
        } else {
            waited += 1;
        }
        if waited > patience {
            (waited, times) = (0, times + 1);
        }
    }
    times
}

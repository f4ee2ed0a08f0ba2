//! A learning rate that falls along half a cosine again and again.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition, cosine_between};
use crate::TrainError;

/// Down along half a cosine from 1 to 0 in the first `epochs` epochs, then from 1 again, each time in `multiplier` times as
/// many epochs: warm restarts ([Loshchilov and Hutter 2016](https://arxiv.org/abs/1608.03983)).
///
/// The run ends at 0 if it has `epochs`, `epochs * (1 + multiplier)`, `epochs * (1 + multiplier + multiplier^2)`, ... epochs.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::CosineRestarts};
///
/// // Epochs 0 to 2, 2 to 6 and 6 to 14.
/// let schedule = CosineRestarts::new(2).multiplier(2);
/// let factor =
///     |epochs_done| schedule.factor(&SchedulePosition { epochs_done, epochs: 14.0, history: &[] });
/// assert_eq!([0.0, 2.0, 6.0].map(factor), [1.0; 3]);
/// assert!([1.0, 4.0, 10.0].map(factor).iter().all(|factor| (factor - 0.5).abs() < 1e-12));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CosineRestarts {
    /// Epochs before the first restart; at least 1.
    pub epochs: usize,
    /// How many times as long each period is as the one before; at least 1.
    pub multiplier: usize,
}

impl CosineRestarts {
    /// A restart after every `epochs` epochs, at least 1.
    pub fn new(epochs: usize) -> Self {
        CosineRestarts { epochs, multiplier: 1 }
    }

    /// Sets how many times as long each period is as the one before; at least 1.
    pub fn multiplier(mut self, multiplier: usize) -> Self {
        self.multiplier = multiplier;
        self
    }
}

impl Schedule for CosineRestarts {
    fn name(&self) -> String {
        match self.multiplier {
            1 => format!("cosine-restarts={}", self.epochs),
            multiplier => format!("cosine-restarts={},{multiplier}", self.epochs),
        }
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        let (mut done, mut length) = (at.epochs_done, self.epochs.max(1) as f64);
        if self.multiplier <= 1 {
            done %= length;
        }
        while done >= length {
            done -= length;
            length *= self.multiplier as f64;
        }
        cosine_between(1.0, 0.0, done / length)
    }

    fn check(&self) -> Result<(), TrainError> {
        match self.epochs > 0 && self.multiplier > 0 {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for CosineRestarts {
    const USAGE: &'static [&'static str] = &["cosine-restarts=EPOCHS", "cosine-restarts=EPOCHS,MULTIPLIER"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("cosine-restarts", [epochs]) => Some(CosineRestarts::new(epochs.parse().ok()?)),
            ("cosine-restarts", [epochs, multiplier]) => {
                Some(CosineRestarts::new(epochs.parse().ok()?).multiplier(multiplier.parse().ok()?))
            }
            _ => None,
        }
    }
}

//! A learning rate that changes every few epochs.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::TrainError;

/// Times `factor` after every `epochs` epochs.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Step};
///
/// let factor = |epochs_done| {
///     Step::new(2, 0.5).factor(&SchedulePosition { epochs_done, epochs: 9.0, history: &[] })
/// };
/// assert_eq!([1.9, 2.0, 4.5].map(factor), [1.0, 0.5, 0.25]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Epochs between two changes; at least 1.
    pub epochs: usize,
    /// More than 0.
    pub factor: f64,
}

impl Step {
    /// Times `factor`, more than 0, after every `epochs` epochs, at least 1.
    pub fn new(epochs: usize, factor: f64) -> Self {
        Step { epochs, factor }
    }
}

impl Schedule for Step {
    fn name(&self) -> String {
        format!("step={},{}", self.epochs, self.factor)
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        self.factor.powi((at.epochs_done as usize / self.epochs.max(1)) as i32)
    }

    fn check(&self) -> Result<(), TrainError> {
        match self.epochs > 0 && self.factor > 0.0 && self.factor.is_finite() {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Step {
    const USAGE: &'static [&'static str] = &["step=EPOCHS,FACTOR"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("step", [epochs, factor]) => Some(Step::new(epochs.parse().ok()?, factor.parse().ok()?)),
            _ => None,
        }
    }
}

//! A learning rate that changes after every epoch.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::TrainError;

/// Times `factor` after every epoch.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Exponential};
///
/// let at = SchedulePosition { epochs_done: 2.7, epochs: 9.0, history: &[] };
/// assert_eq!(Exponential::new(0.5).factor(&at), 0.25);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    /// More than 0.
    pub factor: f64,
}

impl Exponential {
    /// Times `factor`, more than 0, after every epoch.
    pub fn new(factor: f64) -> Self {
        Exponential { factor }
    }
}

impl Schedule for Exponential {
    fn name(&self) -> String {
        format!("exponential={}", self.factor)
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        self.factor.powi(at.epochs_done as i32)
    }

    fn check(&self) -> Result<(), TrainError> {
        match self.factor > 0.0 && self.factor.is_finite() {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Exponential {
    const USAGE: &'static [&'static str] = &["exponential=FACTOR"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("exponential", [factor]) => Some(Exponential::new(factor.parse().ok()?)),
            _ => None,
        }
    }
}

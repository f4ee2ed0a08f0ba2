//! A learning rate that falls in a straight line.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::TrainError;

/// Down in a straight line, from 1 to `to`.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Linear};
///
/// let at = SchedulePosition { epochs_done: 5.0, epochs: 10.0, history: &[] };
/// assert_eq!(Linear::to(0.5).factor(&at), 0.75);
/// assert!(Linear::to(2.0).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linear {
    /// Factor at the end, in `[0, 1]`.
    pub to: f64,
}

impl Linear {
    /// From 1 to a factor in `[0, 1]`.
    pub fn to(to: f64) -> Self {
        Linear { to }
    }
}

impl Schedule for Linear {
    fn name(&self) -> String {
        match self.to {
            0.0 => "linear".into(),
            to => format!("linear={to}"),
        }
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        1.0 + (self.to - 1.0) * at.fraction()
    }

    fn check(&self) -> Result<(), TrainError> {
        match (0.0..=1.0).contains(&self.to) {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Linear {
    const USAGE: &'static [&'static str] = &["linear", "linear=END"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("linear", []) => Some(Linear { to: 0.0 }),
            ("linear", [to]) => Some(Linear { to: to.parse().ok()? }),
            _ => None,
        }
    }
}

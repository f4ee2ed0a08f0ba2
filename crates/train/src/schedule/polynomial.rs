//! A learning rate that falls along a polynomial.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::TrainError;

/// Down along a power of what is left of the run, from 1 to `to`: `to + (1 - to) * (1 - fraction)^power`
/// ([Chen et al. 2016](https://arxiv.org/abs/1606.00915)). With power 1 it is [`Linear`](super::Linear); the greater the power,
/// the sooner it falls.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Polynomial};
///
/// let at = SchedulePosition { epochs_done: 5.0, epochs: 10.0, history: &[] };
/// assert_eq!(Polynomial::new(2.0).factor(&at), 0.25);
/// assert_eq!(Polynomial::new(2.0).to(0.1).factor(&at), 0.1 + 0.9 * 0.25);
/// assert!(Polynomial::new(0.0).check().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Polynomial {
    /// More than 0.
    pub power: f64,
    /// Factor at the end, in `[0, 1]`.
    pub to: f64,
}

impl Polynomial {
    /// From 1 to 0 along a power, more than 0.
    pub fn new(power: f64) -> Self {
        Polynomial { power, to: 0.0 }
    }

    /// Sets the factor at the end, in `[0, 1]`.
    pub fn to(mut self, to: f64) -> Self {
        self.to = to;
        self
    }
}

impl Schedule for Polynomial {
    fn name(&self) -> String {
        match self.to {
            0.0 => format!("polynomial={}", self.power),
            to => format!("polynomial={},{to}", self.power),
        }
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        self.to + (1.0 - self.to) * (1.0 - at.fraction()).powf(self.power)
    }

    fn check(&self) -> Result<(), TrainError> {
        match self.power > 0.0 && self.power.is_finite() && (0.0..=1.0).contains(&self.to) {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Polynomial {
    const USAGE: &'static [&'static str] = &["polynomial=POWER", "polynomial=POWER,END"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("polynomial", [power]) => Some(Polynomial::new(power.parse().ok()?)),
            ("polynomial", [power, to]) => Some(Polynomial::new(power.parse().ok()?).to(to.parse().ok()?)),
            _ => None,
        }
    }
}

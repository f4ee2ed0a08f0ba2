//! A learning rate that falls along half a cosine.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition, cosine_between};
use crate::TrainError;

/// Down along half a cosine, from 1 to `to` ([Loshchilov and Hutter 2016](https://arxiv.org/abs/1608.03983)).
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Cosine};
///
/// let at = SchedulePosition { epochs_done: 5.0, epochs: 10.0, history: &[] };
/// assert!((Cosine::to(0.0).factor(&at) - 0.5).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cosine {
    /// Factor at the end, in `[0, 1]`.
    pub to: f64,
}

impl Cosine {
    /// From 1 to a factor in `[0, 1]`.
    pub fn to(to: f64) -> Self {
        Cosine { to }
    }
}

impl Schedule for Cosine {
    fn name(&self) -> String {
        match self.to {
            0.0 => "cosine".into(),
            to => format!("cosine={to}"),
        }
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        cosine_between(1.0, self.to, at.fraction())
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

impl BuiltIn for Cosine {
    const USAGE: &'static [&'static str] = &["cosine", "cosine=END"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("cosine", []) => Some(Cosine { to: 0.0 }),
            ("cosine", [to]) => Some(Cosine { to: to.parse().ok()? }),
            _ => None,
        }
    }
}

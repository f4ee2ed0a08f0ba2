//! The one-cycle policy.

use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::{BuiltInSchedule, Schedule, SchedulePosition, cosine_between};

/// Up from 1/25 to 1 in the first 30 % of the run, then down to 1/250,000, along cosines
/// ([Smith and Topin 2017](https://arxiv.org/abs/1708.07120)); the numbers are PyTorch's.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::OneCycle};
///
/// let factor = |epochs_done| OneCycle {}.factor(&SchedulePosition { epochs_done, epochs: 10.0, history: &[] });
/// assert!((factor(0.0) - 0.04).abs() < 1e-12 && factor(3.0) == 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycle {}

/// The first factor.
const START: f64 = 1.0 / 25.0;
/// The part of the run in which the factor rises.
const RISE: f64 = 0.3;
/// How much less the last factor is than the first.
const END: f64 = 1e-4;

impl Schedule for OneCycle {
    fn name(&self) -> String {
        "one-cycle".into()
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        let fraction = at.fraction();
        match fraction < RISE {
            true => cosine_between(START, 1.0, fraction / RISE),
            false => cosine_between(1.0, START * END, (fraction - RISE) / (1.0 - RISE)),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for OneCycle {
    const USAGE: &'static [&'static str] = &["one-cycle"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("one-cycle", []) => Some(OneCycle {}),
            _ => None,
        }
    }
}

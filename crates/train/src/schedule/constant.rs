//! A constant learning rate.

use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::{BuiltInSchedule, Schedule, SchedulePosition};

/// The learning rate as it is: factor 1 throughout.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::Constant};
///
/// let at = SchedulePosition { epochs_done: 7.5, epochs: 10.0, history: &[] };
/// assert_eq!(Constant {}.factor(&at), 1.0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {}

impl Schedule for Constant {
    fn name(&self) -> String {
        "constant".into()
    }

    fn factor(&self, _: &SchedulePosition) -> f64 {
        1.0
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some((*self).into())
    }
}

impl BuiltIn for Constant {
    const USAGE: &'static [&'static str] = &["constant"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("constant", []) => Some(Constant {}),
            _ => None,
        }
    }
}

//! A learning rate that changes at given epochs.

use serde::{Deserialize, Serialize};

use super::{BuiltIn, wrong};
use super::{BuiltInSchedule, Schedule, SchedulePosition};
use crate::TrainError;

/// Times `factor` after each of some numbers of epochs.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule::MultiStep};
///
/// let schedule = MultiStep::new([3, 5], 0.5);
/// let factor = |epochs_done| schedule.factor(&SchedulePosition { epochs_done, epochs: 9.0, history: &[] });
/// assert_eq!([2.9, 3.0, 4.5, 5.0].map(factor), [1.0, 0.5, 0.5, 0.25]);
/// assert!(MultiStep::new([5, 3], 0.5).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiStep {
    /// Epochs after which the factor changes; at least one, each at least 1 and more than the one before.
    pub milestones: Vec<usize>,
    /// More than 0.
    pub factor: f64,
}

impl MultiStep {
    /// Times `factor`, more than 0, after each number of epochs in rising order, from 1.
    pub fn new(milestones: impl Into<Vec<usize>>, factor: f64) -> Self {
        MultiStep { milestones: milestones.into(), factor }
    }
}

impl Schedule for MultiStep {
    fn name(&self) -> String {
        let milestones: Vec<String> = self.milestones.iter().map(usize::to_string).collect();
        format!("multi-step={},{}", milestones.join(":"), self.factor)
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        let passed = self.milestones.iter().filter(|epochs| at.epochs_done >= **epochs as f64).count();
        self.factor.powi(passed as i32)
    }

    fn check(&self) -> Result<(), TrainError> {
        let rise = self.milestones.first().is_some_and(|first| *first > 0)
            && self.milestones.is_sorted_by(|earlier, later| earlier < later);
        match rise && self.factor > 0.0 && self.factor.is_finite() {
            true => Ok(()),
            false => Err(wrong(&self.name())),
        }
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some(self.clone().into())
    }
}

impl BuiltIn for MultiStep {
    const USAGE: &'static [&'static str] = &["multi-step=EPOCHS:EPOCHS:...,FACTOR"];

    fn from_words(word: &str, values: &[&str]) -> Option<Self> {
        match (word, values) {
            ("multi-step", [milestones, factor]) => {
                let milestones: Result<Vec<usize>, _> =
                    milestones.split(':').map(|epochs| epochs.trim().parse()).collect();
                Some(MultiStep::new(milestones.ok()?, factor.parse().ok()?))
            }
            _ => None,
        }
    }
}

//! Schedules: how the learning rate changes while a network trains.
//!
//! [`Schedule`] is what a trainer needs of one. The built-in ones stand in a file each and in the table of
//! `built_in.rs`.

mod built_in;
mod constant;
mod cosine;
mod exponential;
mod function;
mod linear;
mod one_cycle;
mod plateau;
mod step;
mod warm_up;

use std::fmt;

use crate::{EpochRecord, TrainError};

pub use built_in::BuiltInSchedule;
pub use constant::Constant;
pub use cosine::Cosine;
pub use exponential::Exponential;
pub use function::{ScheduleFn, schedule_fn};
pub use linear::Linear;
pub use one_cycle::OneCycle;
pub use plateau::Plateau;
pub use step::Step;
pub(crate) use warm_up::rate_factor;

/// How the learning rate changes: what every learning rate of a run is multiplied by, from step to step.
///
/// Built in are [`Constant`], [`Linear`], [`Cosine`], [`OneCycle`], [`Step`], [`Exponential`] and [`Plateau`];
/// [`schedule_fn`] makes one of a closure.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition};
///
/// /// 1 over the root of the epochs.
/// #[derive(Debug)]
/// struct InverseRoot;
///
/// impl Schedule for InverseRoot {
///     fn name(&self) -> String {
///         "inverse-root".into()
///     }
///     fn factor(&self, at: &SchedulePosition) -> f64 {
///         1.0 / (1.0 + at.epochs_done).sqrt()
///     }
/// }
///
/// let at = SchedulePosition { epochs_done: 3.0, epochs: 10.0, history: &[] };
/// assert_eq!(InverseRoot.factor(&at), 0.5);
/// ```
pub trait Schedule: fmt::Debug + Send + Sync + 'static {
    /// What is shown and kept in model files; for the built-in ones what flags give, such as `cosine=0.1`.
    fn name(&self) -> String;

    /// What learning rates are multiplied by in a step; 0 or more. It is called once for each step, and must give the
    /// same for the same position if a resumed run is to give what the unbroken one would have.
    fn factor(&self, at: &SchedulePosition) -> f64;

    /// Refuses settings that nothing can be trained with; called before a run.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    fn check(&self) -> Result<(), TrainError> {
        Ok(())
    }

    /// The schedule as data, if it is one of the built-in ones.
    fn built_in(&self) -> Option<BuiltInSchedule> {
        None
    }
}

/// Where in a run a step is. Warm-up is left out: the schedule begins after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SchedulePosition<'a> {
    /// Epochs that are done, with a fraction for the steps of the current one.
    pub epochs_done: f64,
    /// Epochs in all.
    pub epochs: f64,
    /// What was measured in the epochs that are done, those of the warm-up included.
    pub history: &'a [EpochRecord],
}

impl SchedulePosition<'_> {
    /// The part of the run that is done, in `[0, 1]`.
    pub fn fraction(&self) -> f64 {
        (self.epochs_done / self.epochs.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0)
    }
}

/// From one value to another along half a cosine; `fraction` is 0 at the first and 1 at the second.
fn cosine_between(from: f64, to: f64, fraction: f64) -> f64 {
    to + (from - to) * (1.0 + (std::f64::consts::PI * fraction).cos()) / 2.0
}

//! Schedules: how the learning rate changes while a network trains.
//!
//! [`Schedule`] is what a trainer needs of one. The built-in ones stand in a file each and in the table
//! further down.

mod constant;
mod cosine;
mod cosine_restarts;
mod exponential;
mod function;
mod linear;
mod multi_step;
mod one_cycle;
mod plateau;
mod polynomial;
mod step;
mod warm_up;

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::{EpochRecord, TrainError};

pub use constant::Constant;
pub use cosine::Cosine;
pub use cosine_restarts::CosineRestarts;
pub use exponential::Exponential;
pub use function::{ScheduleFn, schedule_fn};
pub use linear::Linear;
pub use multi_step::MultiStep;
pub use one_cycle::OneCycle;
pub use plateau::Plateau;
pub use polynomial::Polynomial;
pub use step::Step;
pub(crate) use warm_up::rate_factor;

/// How the learning rate changes: what every learning rate of a run is multiplied by, from step to step.
///
/// Built in are [`Constant`], [`Linear`], [`Polynomial`], [`Cosine`], [`CosineRestarts`], [`OneCycle`], [`Step`],
/// [`MultiStep`], [`Exponential`] and [`Plateau`]; [`schedule_fn`] makes one of a closure.
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

/// What a built-in schedule has besides [`Schedule`].
trait BuiltIn: Schedule + Sized {
    /// How flags give it: its word, and what follows `=`.
    const USAGE: &'static [&'static str];

    /// The schedule of a word and the values after `=`; `None` if they are not its own.
    fn from_words(word: &str, values: &[&str]) -> Option<Self>;
}

macro_rules! built_in_schedules {
    ($($tag:literal => $schedule:ident,)+) => {
        /// A built-in schedule with its settings, as data: what files and flags give.
        ///
        /// In words, as flags give it and [`Display`](fmt::Display) writes it: `constant`, `linear`, `cosine`,
        /// `one-cycle`, `step=10,0.1`, `exponential=0.95`, `plateau=0.5,2`, `polynomial=2`, `cosine-restarts=10,2`,
        /// `multi-step=10:20:30,0.1`; `linear=0.1`, `cosine=0.1` and `polynomial=2,0.1` end at a tenth rather than at 0.
        ///
        /// ```
        /// use fireclay_train::{BuiltInSchedule, Schedule, SchedulePosition, schedule::Cosine};
        ///
        /// let schedule: BuiltInSchedule = "cosine".parse()?;
        /// assert_eq!(schedule, Cosine::to(0.0).into());
        /// // Halfway through 10 epochs a half, and at the end nothing.
        /// let factor = |epochs_done| {
        ///     schedule.factor(&SchedulePosition { epochs_done, epochs: 10.0, history: &[] })
        /// };
        /// assert!((factor(5.0) - 0.5).abs() < 1e-12);
        /// assert_eq!(factor(10.0), 0.0);
        /// # Ok::<(), fireclay_train::TrainError>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum BuiltInSchedule {
            $(
                #[doc = concat!("[`", stringify!($schedule), "`], written as `", $tag, "`.")]
                #[serde(rename = $tag)]
                $schedule($schedule),
            )+
        }

        $(
            impl From<$schedule> for BuiltInSchedule {
                fn from(schedule: $schedule) -> Self {
                    BuiltInSchedule::$schedule(schedule)
                }
            }
        )+

        impl BuiltInSchedule {
            fn inner(&self) -> &dyn Schedule {
                match self {
                    $(BuiltInSchedule::$schedule(schedule) => schedule,)+
                }
            }

            fn from_words(word: &str, values: &[&str]) -> Option<Self> {
                $(
                    if let Some(schedule) = <$schedule as BuiltIn>::from_words(word, values) {
                        return Some(schedule.into());
                    }
                )+
                None
            }

            fn usage() -> Vec<&'static str> {
                [$(<$schedule as BuiltIn>::USAGE),+].concat()
            }
        }
    };
}

built_in_schedules! {
    "constant" => Constant,
    "linear" => Linear,
    "cosine" => Cosine,
    "one_cycle" => OneCycle,
    "step" => Step,
    "exponential" => Exponential,
    "plateau" => Plateau,
    "polynomial" => Polynomial,
    "cosine_restarts" => CosineRestarts,
    "multi_step" => MultiStep,
}

impl Default for BuiltInSchedule {
    fn default() -> Self {
        Constant {}.into()
    }
}

impl Schedule for BuiltInSchedule {
    fn name(&self) -> String {
        self.inner().name()
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        self.inner().factor(at)
    }

    fn check(&self) -> Result<(), TrainError> {
        self.inner().check()
    }

    fn built_in(&self) -> Option<BuiltInSchedule> {
        Some(self.clone())
    }
}

impl fmt::Display for BuiltInSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl FromStr for BuiltInSchedule {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let (word, values) = match text.split_once('=') {
            Some((word, values)) => (word, values.split(',').map(str::trim).collect()),
            None => (text, Vec::new()),
        };
        let schedule = BuiltInSchedule::from_words(word, &values);
        schedule.filter(|schedule| schedule.check().is_ok()).ok_or_else(|| wrong(text))
    }
}

/// The error for a schedule, in words, that there is not or that nothing can be trained with.
fn wrong(found: &str) -> TrainError {
    static EXPECTED: LazyLock<String> = LazyLock::new(|| {
        let usage = BuiltInSchedule::usage();
        let (last, others) = usage.split_last().unwrap_or((&"", &[]));
        format!(
            "{} or {last}, with END from 0 to 1, FACTOR and POWER more than 0, for plateau FACTOR less than 1, EPOCHS and \
             MULTIPLIER whole numbers from 1, for multi-step in rising order",
            others.join(", ")
        )
    });
    TrainError::Setting { setting: "schedule", found: format!("'{found}'"), expected: EXPECTED.as_str() }
}

#[cfg(test)]
mod tests;

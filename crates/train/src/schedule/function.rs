//! A closure as a schedule.

use std::fmt;

use super::{Schedule, SchedulePosition};

/// A schedule from a closure, with the name that is shown and kept in model files.
///
/// ```
/// use fireclay_train::{Schedule, SchedulePosition, schedule_fn};
///
/// let halves = schedule_fn("halves", |at| 0.5f64.powi(at.epochs_done as i32));
/// assert_eq!(halves.name(), "halves");
/// assert_eq!(halves.factor(&SchedulePosition { epochs_done: 2.5, epochs: 9.0, history: &[] }), 0.25);
/// ```
pub fn schedule_fn<F>(name: impl Into<String>, factor: F) -> ScheduleFn<F>
where
    F: Fn(&SchedulePosition) -> f64 + Send + Sync + 'static,
{
    ScheduleFn { name: name.into(), factor }
}

/// A schedule from a closure; [`schedule_fn`] makes it.
#[derive(Clone)]
pub struct ScheduleFn<F> {
    name: String,
    factor: F,
}

impl<F: Fn(&SchedulePosition) -> f64 + Send + Sync + 'static> Schedule for ScheduleFn<F> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn factor(&self, at: &SchedulePosition) -> f64 {
        (self.factor)(at)
    }
}

impl<F> fmt::Debug for ScheduleFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScheduleFn").field("name", &self.name).finish_non_exhaustive()
    }
}

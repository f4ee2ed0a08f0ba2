//! The factor of a step: first warm-up, then the schedule.

use super::{Schedule, SchedulePosition};
use crate::EpochRecord;

/// What learning rates are multiplied by in a step: in the `warm_up` first epochs a straight line up to 1, then what the
/// schedule gives for what is left of `epochs`.
///
/// `epoch` counts from 1 and `step` from 0, of `steps` in each epoch.
pub(crate) fn rate_factor(
    schedule: &dyn Schedule,
    (warm_up, epochs): (f64, usize),
    (epoch, step, steps): (usize, usize, usize),
    history: &[EpochRecord],
) -> f64 {
    let position = (epoch - 1) as f64 + step as f64 / steps.max(1) as f64;
    match position < warm_up {
        // The first step is not of length 0.
        true => ((position + 1.0 / steps.max(1) as f64) / warm_up).min(1.0),
        false => schedule.factor(&SchedulePosition {
            epochs_done: position - warm_up,
            epochs: epochs as f64 - warm_up,
            history,
        }),
    }
}

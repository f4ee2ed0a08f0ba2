//! Ranges that several optimisers have in common.

use crate::TrainError;

/// Refuses what is not in `[0, 1)`: momentum coefficients and decay rates.
pub(super) fn below_one(setting: &'static str, value: f64) -> Result<(), TrainError> {
    check(setting, value, (0.0..1.0).contains(&value), "0 or more and less than 1")
}

/// Refuses what is not more than 0 and finite: learning rates and epsilons.
pub(super) fn positive(setting: &'static str, value: f64) -> Result<(), TrainError> {
    check(setting, value, value > 0.0, "more than 0")
}

/// Refuses what is less than 0 or not finite: weight decays.
pub(super) fn not_negative(setting: &'static str, value: f64) -> Result<(), TrainError> {
    check(setting, value, value >= 0.0, "0 or more")
}

fn check(
    setting: &'static str,
    value: f64,
    is_in_range: bool,
    expected: &'static str,
) -> Result<(), TrainError> {
    match is_in_range && value.is_finite() {
        true => Ok(()),
        false => Err(TrainError::Setting { setting, found: value.to_string(), expected }),
    }
}

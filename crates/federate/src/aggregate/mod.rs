//! From the updates of a round to one: a mean, or what a few clients that lie cannot move far
//! ([Yin et al. 2018](https://arxiv.org/abs/1803.01498)).

mod mean;
mod median;
mod trimmed_mean;

use serde::{Deserialize, Serialize};

pub(crate) use mean::Mean;

use crate::FederateError;

/// What the updates of a round come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Aggregation {
    /// Their mean, by the numbers of samples, or with differential privacy all alike.
    #[default]
    Mean,
    /// For each number the mean of what is left when this share of the clients, rounded down, is cut off at each end; below one
    /// half. Numbers of samples do not count, as a client that lies could choose its own.
    TrimmedMean(f64),
    /// For each number the middle one, or the mean of the two in the middle. Numbers of samples do not count.
    Median,
}

impl Aggregation {
    /// # Errors
    /// [`FederateError::Option`] for a share that leaves nothing.
    pub(crate) fn check(self) -> Result<(), FederateError> {
        match self {
            Aggregation::TrimmedMean(share) if !(0.0..0.5).contains(&share) => Err(FederateError::Option {
                option: "aggregation.trimmed_mean",
                expected: "a share from 0 up to 0.5, without 0.5".into(),
                found: share.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// What the values of all clients at one place come to, for those that need them all; the values are put in order.
    pub(crate) fn of_column(self, values: &mut [f32]) -> f64 {
        values.sort_unstable_by(f32::total_cmp);
        match self {
            Aggregation::TrimmedMean(share) => trimmed_mean::of_sorted(values, share),
            Aggregation::Median => median::of_sorted(values),
            Aggregation::Mean => trimmed_mean::of_sorted(values, 0.0),
        }
    }
}

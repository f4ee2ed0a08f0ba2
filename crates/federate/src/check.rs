//! What an update must be, and why one is refused.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::FederateError;
use crate::parameters::{Metrics, Parameters, shortened};
use crate::wire::{CONTROL_BYTES, Turn};

/// How large an update may be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UpdateLimits {
    /// The largest Euclidean norm of the difference between a client's parameters and the global ones; `None` for no limit.
    pub max_norm: Option<f64>,
    /// The most bytes of an answer; `None` for twice those of the global parameters and a little.
    pub max_bytes: Option<u64>,
    /// The most samples that a client may say it has.
    pub max_samples: u64,
}

impl Default for UpdateLimits {
    fn default() -> Self {
        UpdateLimits { max_norm: None, max_bytes: None, max_samples: 1_000_000 }
    }
}

/// The most samples that may be allowed: as weights they are exact, and their sums too.
const MAX_SAMPLES: u64 = 1 << 40;

/// The largest metric. Sums of such numbers with weights stay finite.
const MAX_METRIC: f64 = 1e30;

impl UpdateLimits {
    /// # Errors
    /// [`FederateError::Option`] for limits that let nothing through.
    pub(crate) fn check(&self) -> Result<(), FederateError> {
        let wrong =
            |option, expected: String, found: String| Err(FederateError::Option { option, expected, found });
        if let Some(norm) = self.max_norm.filter(|norm| !(norm.is_finite() && *norm > 0.0)) {
            return wrong("limits.max_norm", "a finite number above 0".into(), norm.to_string());
        }
        if !(1..=MAX_SAMPLES).contains(&self.max_samples) {
            return wrong("limits.max_samples", format!("1 to {MAX_SAMPLES}"), self.max_samples.to_string());
        }
        match self.max_bytes {
            Some(0) => wrong("limits.max_bytes", "1 or more".into(), "0".into()),
            _ => Ok(()),
        }
    }

    /// The most bytes of an answer in a round of so many clients, with parameters of so many bytes.
    pub(crate) fn bytes(&self, parameters: usize, clients: usize) -> u64 {
        // With secure aggregation, shares for each other client, and eight bytes for each number of four.
        let control = CONTROL_BYTES + clients.saturating_mul(512);
        self.max_bytes.unwrap_or(2 * parameters as u64 + control as u64)
    }

    /// Checks what a client trained.
    ///
    /// # Errors
    /// The first reason to refuse it.
    pub(crate) fn check_update(
        &self,
        global: &Parameters,
        parameters: &Parameters,
        samples: u64,
        metrics: &Metrics,
    ) -> Result<(), Refusal> {
        if samples == 0 || samples > self.max_samples {
            return Err(Refusal::Samples { found: samples, limit: self.max_samples });
        }
        if let Some((name, _)) = metrics.iter().find(|(_, value)| value.is_nan() || value.abs() > MAX_METRIC)
        {
            return Err(Refusal::Metric { name: shortened(name) });
        }
        if let Some(difference) = global.difference_in_form(parameters) {
            return Err(Refusal::OtherForm { difference });
        }
        if let Some((tensor, place)) = parameters.first_not_finite() {
            return Err(Refusal::NotFinite { tensor: shortened(tensor), place });
        }
        if let Some(limit) = self.max_norm {
            let norm = global.distance(parameters);
            if norm > limit {
                return Err(Refusal::TooLarge { norm, limit });
            }
        }
        Ok(())
    }
}

/// Why an answer of a client was refused. The round goes on with the others.
#[derive(Clone, Debug, PartialEq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// A value that is NaN or infinite.
    #[error(
        "tensor {tensor}: expected finite values, found another one at place {place}; lower the learning rate of the client"
    )]
    NotFinite {
        /// The tensor.
        tensor: String,
        /// The place, counted from 0.
        place: usize,
    },
    /// Other names or shapes than the global parameters have.
    #[error(
        "the parameters are those of another network: {difference}; use the same network on server and clients"
    )]
    OtherForm {
        /// How they differ.
        difference: String,
    },
    /// A difference that is too large.
    #[error("expected a norm of the update of {limit} at most, found {norm}")]
    TooLarge {
        /// The norm.
        norm: f64,
        /// The largest one.
        limit: f64,
    },
    /// An answer that is too long.
    #[error("expected an answer of {limit} bytes at most, found {found}")]
    TooManyBytes {
        /// Its length.
        found: u64,
        /// The largest length.
        limit: u64,
    },
    /// A number of samples that is 0, or too large.
    #[error("expected 1 to {limit} samples, found {found}")]
    Samples {
        /// The number.
        found: u64,
        /// The largest number.
        limit: u64,
    },
    /// A metric that is not finite.
    #[error("metric {name}: expected a finite number, found another one; leave out what is not defined")]
    Metric {
        /// The metric.
        name: String,
    },
    /// An answer to another round than the one that runs.
    #[error(
        "expected an answer to round {expected_round}, attempt {expected_attempt}, found one to round {round}, attempt {attempt}"
    )]
    OtherRound {
        /// The round that runs.
        expected_round: u64,
        /// The attempt that runs.
        expected_attempt: u32,
        /// The round of the answer.
        round: u64,
        /// The attempt of the answer.
        attempt: u32,
    },
    /// An answer of a client that was not asked in this round.
    #[error("the client was not asked in this round")]
    NotAsked,
    /// A second answer.
    #[error("the client has answered already")]
    Twice,
    /// An answer after the deadline of its step.
    #[error("the answer came after the deadline")]
    Late,
    /// Another message than the one that was asked for.
    #[error("expected {expected}, found {found}")]
    OutOfOrder {
        /// What was asked for.
        expected: String,
        /// What came.
        found: String,
    },
    /// Bytes that are no message.
    #[error("the message cannot be read: {problem}")]
    Unreadable {
        /// What was expected and found.
        problem: String,
    },
    /// A message that does not fit to the secure aggregation that runs.
    #[error("secure aggregation: {problem}")]
    Secure {
        /// What was expected and found.
        problem: String,
    },
}

impl Refusal {
    pub(crate) fn other_round(expected: Turn, found: Turn) -> Self {
        Refusal::OtherRound {
            expected_round: expected.round,
            expected_attempt: expected.attempt,
            round: found.round,
            attempt: found.attempt,
        }
    }

    /// Whether the client is not spoken to any more.
    pub(crate) fn ends_connection(&self) -> bool {
        matches!(self, Refusal::Unreadable { .. } | Refusal::TooManyBytes { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn parameters(name: &str, values: &[f32]) -> Parameters {
        Parameters::new([Tensor { name: name.into(), shape: vec![values.len()], values: values.into() }])
            .unwrap()
    }

    #[test]
    fn each_lie_has_its_reason() {
        let limits = UpdateLimits { max_norm: Some(5.0), max_samples: 100, ..UpdateLimits::default() };
        let global = parameters("w", &[0.0, 0.0]);
        let check = |name: &str, values: &[f32], samples, metric: f64| {
            let metrics = Metrics::from([("loss".to_owned(), metric)]);
            limits
                .check_update(&global, &parameters(name, values), samples, &metrics)
                .map_err(|refusal| refusal.to_string())
        };
        assert_eq!(check("w", &[3.0, 4.0], 100, 0.1), Ok(()));
        let wrong = [
            (check("w", &[3.0, 4.1], 100, 0.1), "a norm of the update of 5 at most, found 5.0"),
            (check("w", &[f32::NAN, 0.0], 1, 0.1), "finite values, found another one at place 0"),
            (check("w", &[0.0, f32::NEG_INFINITY], 1, 0.1), "at place 1"),
            (check("v", &[0.0, 0.0], 1, 0.1), "tensor \"w\" is missing"),
            (check("w", &[0.0], 1, 0.1), "expected shape [2], found [1]"),
            (check("w", &[0.0, 0.0], 0, 0.1), "1 to 100 samples, found 0"),
            (check("w", &[0.0, 0.0], 101, 0.1), "1 to 100 samples, found 101"),
            (check("w", &[0.0, 0.0], u64::MAX, 0.1), "found 18446744073709551615"),
            (check("w", &[0.0, 0.0], 1, f64::NAN), "metric \"loss\": expected a finite number"),
        ];
        for (found, expected) in wrong {
            let found = found.unwrap_err();
            assert!(found.contains(expected), "{found}, not {expected}");
        }
    }

    #[test]
    fn limits_that_let_nothing_through_are_refused() {
        for wrong in [
            UpdateLimits { max_norm: Some(0.0), ..UpdateLimits::default() },
            UpdateLimits { max_norm: Some(f64::NAN), ..UpdateLimits::default() },
            UpdateLimits { max_samples: 0, ..UpdateLimits::default() },
            UpdateLimits { max_samples: u64::MAX, ..UpdateLimits::default() },
            UpdateLimits { max_bytes: Some(0), ..UpdateLimits::default() },
        ] {
            assert!(wrong.check().unwrap_err().to_string().starts_with("option limits."));
        }
    }
}

//! Whole numbers that stand for fractions, in which masks cancel exactly.
//!
//! A difference of a parameter is clipped to `-clip_range..clip_range`, multiplied by `2^fraction_bits`, rounded to the nearest
//! whole number (towards zero with differential privacy, so that no norm grows), multiplied by the weight of the client and taken
//! modulo `2^32` or `2^64`. Sums that leave the lower or the upper half of that range would come out wrong; [`SecureRound::check`]
//! makes sure that no sum of so many clients can.

use serde::{Deserialize, Serialize};

use crate::FederateError;
use crate::parameters::Metrics;

/// What metrics are multiplied by, and the size that they may have.
const METRIC_SCALE: f64 = 65_536.0;
const MAX_METRIC: f64 = 65_536.0;

/// Modulo what masked numbers are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modulus {
    /// 2^32: half the bytes, for few clients with few samples.
    Bits32,
    /// 2^64.
    #[default]
    Bits64,
}

impl Modulus {
    /// The number of bits.
    pub fn bits(self) -> u8 {
        match self {
            Modulus::Bits32 => 32,
            Modulus::Bits64 => 64,
        }
    }

    pub(super) fn bytes(self) -> usize {
        usize::from(self.bits() / 8)
    }

    fn signed(self, value: u64) -> i64 {
        match self {
            Modulus::Bits32 => i64::from(value as u32 as i32),
            Modulus::Bits64 => value as i64,
        }
    }
}

/// How clients of a round with secure aggregation encode their updates.
#[derive(Clone, Debug, PartialEq)]
pub struct SecureRound {
    /// Modulo what is added.
    pub modulus: Modulus,
    /// The largest difference of a parameter.
    pub clip_range: f64,
    /// How many binary places are kept.
    pub fraction_bits: u32,
    /// The most samples that a client may have.
    pub max_samples: u64,
    /// Whether updates are weighted by samples; all weigh 1 otherwise.
    pub weighted: bool,
    /// The norm that each update is clipped to, with differential privacy.
    pub clip_norm: Option<f64>,
    /// The largest norm of an update.
    pub max_norm: Option<f64>,
    /// Which metrics are summed.
    pub metrics: Vec<String>,
}

/// Numbers under masks, or sums of them.
pub(super) struct Vector {
    /// The weight, the number of clipped values, and for each metric its weight and value; modulo 2^64.
    pub(super) totals: Vec<u64>,
    /// The differences of the parameters; modulo what the round says.
    pub(super) values: Vec<u64>,
}

/// What the sum of a round is of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SecureSum {
    /// The sum of the weights.
    pub(crate) weight: u64,
    /// How many values of all updates were clipped to the range.
    pub(crate) clipped: u64,
    /// Means of metrics by weight, over the clients that had them.
    pub(crate) metrics: Metrics,
    /// The mean of the differences by weight.
    pub(crate) mean: Vec<f64>,
}

impl SecureRound {
    fn scale(&self) -> f64 {
        2f64.powi(self.fraction_bits as i32)
    }

    /// # Errors
    /// [`FederateError::Option`] for settings that mean nothing, [`FederateError::SecureOverflow`] if a sum of so many clients could
    /// leave its range.
    pub(crate) fn check(&self, clients: usize) -> Result<(), FederateError> {
        let wrong = |option, expected: &str, found: String| {
            Err(FederateError::Option { option, expected: expected.into(), found })
        };
        if !(self.clip_range.is_finite() && self.clip_range > 0.0) {
            return wrong("secure.clip_range", "a finite number above 0", self.clip_range.to_string());
        }
        if self.fraction_bits > 48 {
            return wrong("secure.fraction_bits", "0 to 48", self.fraction_bits.to_string());
        }
        let largest = self.clip_range * self.scale();
        if largest < 1.0 {
            return wrong(
                "secure.clip_range",
                "more than the smallest fraction, 2^-fraction_bits",
                self.clip_range.to_string(),
            );
        }
        if self.max_samples == 0 {
            return wrong("limits.max_samples", "1 or more", "0".into());
        }
        for (option, norm) in [("privacy.clip_norm", self.clip_norm), ("limits.max_norm", self.max_norm)] {
            if let Some(norm) = norm.filter(|norm| !(norm.is_finite() && *norm > 0.0)) {
                return wrong(option, "a finite number above 0", norm.to_string());
            }
        }
        let weight = if self.weighted { self.max_samples } else { 1 };
        let room = |bits: u8, each: f64| {
            // One more than the largest number, for rounding; a float is exact up to 2^53 and never too small by more than a part.
            let sum = clients as f64 * weight as f64 * (each + 1.0);
            match sum < 2f64.powi(i32::from(bits) - 1) * (1.0 - 1e-9) {
                true => Ok(()),
                false => Err(FederateError::SecureOverflow {
                    clients,
                    weight,
                    largest: each,
                    needed: sum.log2().ceil() as u32 + 1,
                    bits,
                }),
            }
        };
        room(self.modulus.bits(), largest)?;
        room(64, METRIC_SCALE * MAX_METRIC)
    }

    /// How many totals there are beside the values.
    pub(super) fn totals(&self) -> usize {
        2 + 2 * self.metrics.len()
    }

    /// How many bytes a masked update has.
    pub(super) fn encoded_bytes(&self, dimension: usize) -> usize {
        self.totals() * 8 + dimension * self.modulus.bytes()
    }

    pub(super) fn zeros(&self, dimension: usize) -> Vector {
        Vector { totals: vec![0; self.totals()], values: vec![0; dimension] }
    }

    /// The numbers of a client. `samples` were checked to be no more than [`SecureRound::max_samples`].
    pub(super) fn vector(&self, difference: &[f64], samples: u64, metrics: &Metrics) -> Vector {
        let weight = if self.weighted { samples } else { 1 };
        let rounding = if self.clip_norm.is_some() { f64::trunc } else { f64::round };
        let mut clipped = 0u64;
        let value = |difference: &f64| {
            let inside = difference.clamp(-self.clip_range, self.clip_range);
            clipped += u64::from(inside != *difference);
            let whole = rounding(inside * self.scale()) as i64;
            (whole as u64).wrapping_mul(weight)
        };
        let values = difference.iter().map(value).collect();
        let mut totals = vec![weight, clipped];
        for name in &self.metrics {
            match metrics.get(name).filter(|value| value.abs() <= MAX_METRIC) {
                Some(value) => {
                    let whole = (value * METRIC_SCALE).round() as i64;
                    totals.extend([weight, (whole as u64).wrapping_mul(weight)]);
                }
                None => totals.extend([0, 0]),
            }
        }
        Vector { totals, values }
    }

    pub(super) fn encode(&self, vector: &Vector) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_bytes(vector.values.len()));
        vector.totals.iter().for_each(|total| bytes.extend(total.to_le_bytes()));
        let size = self.modulus.bytes();
        vector.values.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()[..size]));
        bytes
    }

    /// Adds an encoded vector to a sum; `false` if it has another length.
    pub(super) fn add_encoded(&self, sum: &mut Vector, bytes: &[u8]) -> bool {
        if bytes.len() != self.encoded_bytes(sum.values.len()) {
            return false;
        }
        let (totals, values) = bytes.split_at(self.totals() * 8);
        for (sum, bytes) in sum.totals.iter_mut().zip(totals.chunks_exact(8)) {
            *sum = sum.wrapping_add(whole(bytes));
        }
        for (sum, bytes) in sum.values.iter_mut().zip(values.chunks_exact(self.modulus.bytes())) {
            *sum = sum.wrapping_add(whole(bytes));
        }
        true
    }

    /// What the sum of the vectors of `clients` clients says, without masks.
    ///
    /// # Errors
    /// [`FederateError::SecureWeights`] for a sum of weights that no clients can have.
    pub(super) fn read(&self, sum: &Vector, clients: usize) -> Result<SecureSum, FederateError> {
        let [weight, clipped, of_metrics @ ..] = sum.totals.as_slice() else {
            unreachable!("there are two totals or more");
        };
        let most = if self.weighted { self.max_samples } else { 1 };
        let (least, most) = (clients as u64, most.saturating_mul(clients as u64));
        if !(least..=most).contains(weight) {
            return Err(FederateError::SecureWeights { clients, least, most, found: *weight });
        }
        let means = self.metrics.iter().zip(of_metrics.chunks_exact(2)).filter_map(|(name, total)| {
            let mean = total[1] as i64 as f64 / METRIC_SCALE / total[0] as f64;
            (total[0] > 0).then(|| (name.clone(), mean))
        });
        let divisor = self.scale() * *weight as f64;
        let mean = sum.values.iter().map(|value| self.modulus.signed(*value) as f64 / divisor).collect();
        Ok(SecureSum { weight: *weight, clipped: *clipped, metrics: means.collect(), mean })
    }
}

/// A number of up to eight bytes.
fn whole(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn round(modulus: Modulus) -> SecureRound {
        SecureRound {
            modulus,
            clip_range: 4.0,
            fraction_bits: 16,
            max_samples: 20,
            weighted: true,
            clip_norm: None,
            max_norm: None,
            metrics: vec!["loss".into(), "accuracy".into()],
        }
    }

    #[test]
    fn sums_that_could_overflow_are_refused() {
        // 4 * 2^16 * 20 is above 2^22, so 2^31 has room for 409 clients (409.6) and not for 410.
        round(Modulus::Bits32).check(409).unwrap();
        let error = round(Modulus::Bits32).check(410).unwrap_err().to_string();
        assert!(error.contains("410 clients") && error.contains("33 bits"), "{error}");
        round(Modulus::Bits64).check(65_535).unwrap();
        let huge = SecureRound { max_samples: u64::MAX, ..round(Modulus::Bits64) };
        assert!(matches!(huge.check(1), Err(FederateError::SecureOverflow { .. })));
        // The largest sum that is allowed is right, at both ends.
        for sign in [1.0, -1.0] {
            let secure = round(Modulus::Bits32);
            let mut sum = secure.zeros(1);
            for _ in 0..409 {
                let bytes = secure.encode(&secure.vector(&[sign * 4.0], 20, &Metrics::new()));
                assert!(secure.add_encoded(&mut sum, &bytes));
            }
            assert_eq!(secure.read(&sum, 409).unwrap().mean, [sign * 4.0]);
        }
    }

    #[test]
    fn settings_that_mean_nothing_are_refused() {
        let secure = round(Modulus::Bits64);
        let wrong = [
            SecureRound { clip_range: f64::NAN, ..secure.clone() },
            SecureRound { clip_range: 1e-9, ..secure.clone() },
            SecureRound { fraction_bits: 49, ..secure.clone() },
            SecureRound { max_samples: 0, ..secure.clone() },
            SecureRound { clip_norm: Some(0.0), ..secure.clone() },
            SecureRound { max_norm: Some(f64::INFINITY), ..secure },
        ];
        for secure in wrong {
            assert!(secure.check(2).unwrap_err().to_string().starts_with("option "));
        }
    }

    #[test]
    fn weights_metrics_and_clipping_are_summed_too() {
        for modulus in [Modulus::Bits32, Modulus::Bits64] {
            let secure = round(modulus);
            let mut sum = secure.zeros(2);
            let first = [("loss".to_owned(), 0.5), ("accuracy".to_owned(), -1.0)].into();
            let second = [("loss".to_owned(), 1.0), ("accuracy".to_owned(), 1e9)].into();
            for (difference, samples, metrics) in [([1.0, -9.0], 1, first), ([-2.0, 2.0], 3, second)] {
                let bytes = secure.encode(&secure.vector(&difference, samples, &metrics));
                assert!(secure.add_encoded(&mut sum, &bytes));
                assert!(!secure.add_encoded(&mut sum, &bytes[1..]));
            }
            let sum = secure.read(&sum, 2).unwrap();
            assert_eq!((sum.weight, sum.clipped), (4, 1));
            assert_eq!(sum.mean, [(1.0 - 6.0) / 4.0, (-4.0 + 6.0) / 4.0]);
            assert_eq!(sum.metrics["loss"], (0.5 + 3.0) / 4.0);
            // A number that is too large is none.
            assert_eq!(sum.metrics["accuracy"], -1.0);
        }
    }

    #[test]
    fn weights_that_no_clients_can_have_are_refused() {
        let secure = round(Modulus::Bits64);
        for (weight, clients) in [(1, 2), (41, 2), (u64::MAX, 2)] {
            let mut sum = secure.zeros(1);
            sum.totals[0] = weight;
            let error = secure.read(&sum, clients).unwrap_err();
            assert!(matches!(error, FederateError::SecureWeights { .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn a_mean_is_off_by_half_a_step_at_most(
            differences in prop::collection::vec((-4.0f64..4.0, 1u64..20), 1..20)
        ) {
            let secure = round(Modulus::Bits32);
            let mut sum = secure.zeros(1);
            for (difference, samples) in &differences {
                let bytes = secure.encode(&secure.vector(&[*difference], *samples, &Metrics::new()));
                prop_assert!(secure.add_encoded(&mut sum, &bytes));
            }
            let weight: u64 = differences.iter().map(|(_, samples)| samples).sum();
            let mean = differences.iter().map(|(d, samples)| d * *samples as f64).sum::<f64>() / weight as f64;
            let found = secure.read(&sum, differences.len()).unwrap();
            prop_assert_eq!(found.weight, weight);
            prop_assert!((found.mean[0] - mean).abs() <= 0.5 / 65_536.0 + 1e-12);
        }

        #[test]
        fn rounding_towards_zero_makes_no_norm_grow(difference in prop::collection::vec(-1.0f64..1.0, 1..20)) {
            let secure = SecureRound { clip_norm: Some(1.0), weighted: false, ..round(Modulus::Bits64) };
            let mut sum = secure.zeros(difference.len());
            let bytes = secure.encode(&secure.vector(&difference, 1, &Metrics::new()));
            prop_assert!(secure.add_encoded(&mut sum, &bytes));
            let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
            prop_assert!(norm(&secure.read(&sum, 1).unwrap().mean) <= norm(&difference));
        }
    }
}

//! Differential privacy of clients: what one client did is hidden in noise
//! ([McMahan et al. 2018](https://arxiv.org/abs/1710.06963)).
//!
//! The difference that a client trained is clipped to a norm, all clients weigh the same, and the server adds noise to the mean
//! that hides one client's part of it. The server itself sees the updates, unless secure aggregation hides them from it; then
//! clients clip, and the noise is still the server's. What is protected is the sequence of global parameters. Metrics of clients are
//! not: they are for the server's eyes.

use serde::{Deserialize, Serialize};

use crate::FederateError;
use crate::parameters::Parameters;
use crate::random::{NoiseSource, Random};
use crate::sampling::Sampling;

/// How clients are hidden.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientPrivacy {
    /// The Euclidean norm C that the difference of each client is clipped to.
    pub clip_norm: f64,
    /// The noise of the sum has this many times the norm as its standard deviation, that of the mean of n clients C/n times as much.
    /// With [`Sampling::Poisson`] n is the number of clients that is expected, the rate times those that are registered, as the number
    /// that came of it would tell who is in the round; with other samplings it is the number of updates.
    pub noise_multiplier: f64,
    /// Where the noise comes from.
    #[serde(default)]
    pub noise: NoiseSource,
}

/// What an accountant needs to know of a federation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrivacyUse {
    /// The probability that a client is in a round, independently of the others: that of [`Sampling::Poisson`]. For other samplings
    /// it is 1, which is always right; numbers by the usual accountants for a smaller one would be too good, as those samples are not
    /// independent.
    pub sampling_rate: f64,
    /// The noise of a round over the norm of a client's part.
    pub noise_multiplier: f64,
    /// How many rounds were published.
    pub rounds: u64,
}

impl ClientPrivacy {
    /// # Errors
    /// [`FederateError::Option`] for numbers out of their ranges.
    pub(crate) fn check(&self) -> Result<(), FederateError> {
        let numbers =
            [("privacy.clip_norm", self.clip_norm), ("privacy.noise_multiplier", self.noise_multiplier)];
        for (option, found) in numbers {
            if !(found.is_finite() && found > 0.0) {
                let expected = "a finite number above 0".into();
                return Err(FederateError::Option { option, expected, found: found.to_string() });
            }
        }
        Ok(())
    }

    /// Whether the noise hides anybody: that of a seed is known to who knows the seed.
    pub(crate) fn hides(&self) -> bool {
        self.noise == NoiseSource::System
    }

    pub(crate) fn used(&self, sampling: Sampling, rounds: u64) -> PrivacyUse {
        let sampling_rate = match sampling {
            Sampling::Poisson(rate) => rate,
            _ => 1.0,
        };
        PrivacyUse { sampling_rate, noise_multiplier: self.noise_multiplier, rounds }
    }

    /// What the sum of the differences is divided by.
    pub(crate) fn denominator(&self, sampling: Sampling, registered: usize, updates: usize) -> f64 {
        match sampling {
            Sampling::Poisson(rate) => rate * registered as f64,
            _ => updates as f64,
        }
    }

    /// Adds the noise of a round to the mean of the differences of so many clients.
    ///
    /// # Errors
    /// [`FederateError::Randomness`] if the operating system gives none.
    pub(crate) fn add_noise(
        &self,
        mean: &mut [f64],
        clients: f64,
        seed: u64,
        round: u64,
    ) -> Result<(), FederateError> {
        let mut random = match self.noise {
            NoiseSource::System => Random::system()?,
            NoiseSource::Seed => Random::seeded("noise of a round", &[seed, round]),
        };
        let deviation = self.noise_multiplier * self.clip_norm / clients;
        mean.iter_mut().for_each(|value| *value += random.normal(deviation));
        Ok(())
    }
}

/// The difference between parameters of one form.
pub(crate) fn difference(global: &Parameters, parameters: &Parameters) -> Vec<f64> {
    global
        .values()
        .zip(parameters.values())
        .map(|(before, after)| f64::from(after) - f64::from(before))
        .collect()
}

/// Makes a vector shorter that is longer than `norm`.
pub(crate) fn clip(vector: &mut [f64], norm: f64) {
    let length = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
    if length > norm {
        let factor = norm / length;
        vector.iter_mut().for_each(|value| *value *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_clipped_to_their_norm_and_short_ones_left() {
        let mut long = [3.0, 4.0];
        clip(&mut long, 1.0);
        assert!((long[0] - 0.6).abs() < 1e-15 && (long[1] - 0.8).abs() < 1e-15);
        let mut short = [0.3, 0.4];
        clip(&mut short, 1.0);
        assert_eq!(short, [0.3, 0.4]);
        let mut none = [0.0, 0.0];
        clip(&mut none, 1.0);
        assert_eq!(none, [0.0, 0.0]);
    }

    #[test]
    fn noise_has_the_stated_deviation_and_only_a_seed_repeats_it() {
        let privacy = |noise| ClientPrivacy { clip_norm: 0.5, noise_multiplier: 2.0, noise };
        let noise = |source, round| {
            let mut mean = vec![1.0; 40_000];
            privacy(source).add_noise(&mut mean, 10.0, 3, round).unwrap();
            mean
        };
        for source in [NoiseSource::Seed, NoiseSource::System] {
            let values = noise(source, 0);
            let deviation = (values.iter().map(|value| (value - 1.0).powi(2)).sum::<f64>() / 4e4).sqrt();
            // 2 * 0.5 / 10.
            assert!((deviation - 0.1).abs() < 0.003, "{deviation}");
        }
        assert_eq!(noise(NoiseSource::Seed, 1), noise(NoiseSource::Seed, 1));
        assert_ne!(noise(NoiseSource::Seed, 1), noise(NoiseSource::Seed, 2));
        assert_ne!(noise(NoiseSource::System, 1), noise(NoiseSource::System, 1));
    }

    #[test]
    fn only_independent_sampling_makes_a_rate_below_1() {
        let privacy = ClientPrivacy { clip_norm: 1.0, noise_multiplier: 1.0, noise: NoiseSource::System };
        assert_eq!(privacy.used(Sampling::Poisson(0.1), 5).sampling_rate, 0.1);
        assert_eq!(privacy.used(Sampling::Share(0.1), 5).sampling_rate, 1.0);
    }
}

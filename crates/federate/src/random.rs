//! Random numbers as functions of a seed and what they are for, and noise that nobody can foretell.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, Gamma, StandardNormal};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::FederateError;

/// Where the noise of differential privacy comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// The operating system: what is published cannot be taken back by who knows the seed.
    #[default]
    System,
    /// The seed of the federation, **for tests alone**: who knows it takes the noise off.
    Seed,
}

/// A stream of random numbers.
pub(crate) struct Random {
    generator: ChaCha20Rng,
    /// How many normal numbers are added up for one. The lowest bits of a single one would tell what it was added to
    /// ([Mironov 2012](https://doi.org/10.1145/2382196.2382264)); of a sum of several there are too many ways to come by it
    /// ([Holohan and Braghin 2021](https://arxiv.org/abs/2107.10138)).
    summed: u32,
}

impl Random {
    /// The stream for a purpose; streams of different purposes or numbers are unrelated.
    pub(crate) fn seeded(purpose: &str, numbers: &[u64]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"fireclay-federate random 1\0");
        hash.update((purpose.len() as u64).to_le_bytes());
        hash.update(purpose);
        numbers.iter().for_each(|number| hash.update(number.to_le_bytes()));
        Random { generator: ChaCha20Rng::from_seed(hash.finalize().into()), summed: 1 }
    }

    /// The stream of a secret for a purpose.
    pub(crate) fn secret(purpose: &str, secret: &[u8; 32], number: u64) -> Self {
        let mut hash = Sha256::new_with_prefix(b"fireclay-federate secret random 1\0");
        hash.update(secret);
        hash.update(number.to_le_bytes());
        hash.update(purpose);
        Random { generator: ChaCha20Rng::from_seed(hash.finalize().into()), summed: 1 }
    }

    /// A stream that never comes again.
    ///
    /// # Errors
    /// [`FederateError::Randomness`] if the operating system gives no key.
    pub(crate) fn system() -> Result<Self, FederateError> {
        Ok(Random { generator: ChaCha20Rng::from_seed(secret_bytes()?), summed: 4 })
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A number below `bound`, each as likely as the others.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let bound = bound as u64;
        // Numbers beyond the last whole multiple of the bound would make the first ones likelier.
        let beyond = u64::MAX - u64::MAX % bound;
        loop {
            let number = self.number();
            if number < beyond {
                return (number % bound) as usize;
            }
        }
    }

    /// From 0 to 1, without 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Brings `count` of the values, chosen at random, to the front.
    pub(crate) fn choose<T>(&mut self, values: &mut [T], count: usize) {
        for place in 0..count.min(values.len()) {
            let other = place + self.below(values.len() - place);
            values.swap(place, other);
        }
    }

    pub(crate) fn shuffle<T>(&mut self, values: &mut [T]) {
        self.choose(values, values.len());
    }

    /// A normal number with this standard deviation.
    pub(crate) fn normal(&mut self, deviation: f64) -> f64 {
        let sum: f64 = (0..self.summed).map(|_| -> f64 { StandardNormal.sample(&mut self.generator) }).sum();
        sum * (deviation / f64::from(self.summed).sqrt())
    }

    /// Shares that add up to 1, from a Dirichlet distribution.
    pub(crate) fn dirichlet(&mut self, concentrations: &[f64]) -> Vec<f64> {
        let mut gamma = |shape: f64| match Gamma::new(shape, 1.0) {
            Ok(gamma) if shape > 0.0 => gamma.sample(&mut self.generator),
            _ => 0.0,
        };
        let draws: Vec<f64> = concentrations.iter().map(|shape| gamma(*shape)).collect();
        let sum: f64 = draws.iter().sum();
        if sum > 0.0 {
            return draws.iter().map(|draw| draw / sum).collect();
        }
        // With very small concentrations all draws are 0; one share then is nearly all, which one by their sizes.
        let mut left = self.unit() * concentrations.iter().sum::<f64>();
        let chosen = concentrations.iter().position(|concentration| {
            left -= concentration;
            left < 0.0
        });
        let chosen = chosen.or_else(|| concentrations.iter().rposition(|concentration| *concentration > 0.0));
        (0..draws.len()).map(|place| f64::from(u8::from(Some(place) == chosen))).collect()
    }
}

/// A key that nobody else knows.
///
/// # Errors
/// [`FederateError::Randomness`] if the operating system gives none.
pub(crate) fn secret_bytes() -> Result<[u8; 32], FederateError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| FederateError::Randomness { source: error.into() })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_functions_of_purpose_and_numbers() {
        let first = |purpose, numbers: &[u64]| Random::seeded(purpose, numbers).number();
        assert_eq!(first("a", &[1, 2]), first("a", &[1, 2]));
        assert_ne!(first("a", &[1, 2]), first("a", &[2, 1]));
        assert_ne!(first("a", &[1]), first("b", &[1]));
        assert_ne!(Random::system().unwrap().number(), Random::system().unwrap().number());
        // Other numbers would sample other clients and split data sets otherwise than before.
        assert_eq!(first("pinned", &[3]), 15198620809982408689);
    }

    #[test]
    fn noise_is_normal_from_either_source() {
        for mut random in [Random::seeded("noise", &[1]), Random::system().unwrap()] {
            let values: Vec<f64> = (0..100_000).map(|_| random.normal(3.0) / 3.0).collect();
            let moment = |power| values.iter().map(|value| value.powi(power)).sum::<f64>() / 1e5;
            assert!(moment(1).abs() < 0.02, "{}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.04, "{}", moment(2));
            assert!((moment(4) - 3.0).abs() < 0.3, "{}", moment(4));
        }
    }

    #[test]
    fn numbers_below_a_bound_are_all_as_likely() {
        let mut random = Random::seeded("below", &[]);
        let mut counts = [0; 7];
        (0..70_000).for_each(|_| counts[random.below(7)] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }

    #[test]
    fn shares_add_up_to_one_also_with_tiny_concentrations() {
        let mut random = Random::seeded("dirichlet", &[]);
        for concentration in [1e-300, 1e-9, 0.1, 1.0, 1e3, 1e12] {
            for _ in 0..50 {
                let shares = random.dirichlet(&[concentration, 0.0, 3.0 * concentration]);
                assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
                assert_eq!(shares[1], 0.0);
            }
        }
    }
}

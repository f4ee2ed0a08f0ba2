//! Where a private training takes its random numbers from.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use fireclay_data::Pass;
use rand_distr::{Distribution, StandardNormal};

use crate::error::TrainError;
use crate::privacy::NoiseSource;

/// What random numbers are for; streams of different purposes are unrelated.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Samples = 1,
    Noise = 2,
    Dropout = 3,
}

/// A stream of random numbers for one purpose in one place of a run.
pub(crate) struct Random {
    generator: ChaCha20Rng,
    /// How many normal numbers are added up for one. The lowest bits of a single one would tell what it was added to
    /// ([Mironov 2012](https://doi.org/10.1145/2382196.2382264)); of a sum of several there are too many ways to come by it
    /// ([Holohan and Braghin 2021](https://arxiv.org/abs/2107.10138)).
    summed: u32,
}

impl Random {
    /// # Errors
    /// [`TrainError::Noise`] if the operating system gives no key.
    pub(crate) fn new(
        source: NoiseSource,
        pass: Pass,
        step: usize,
        purpose: Purpose,
    ) -> Result<Self, TrainError> {
        let mut key = [0; 32];
        let summed = match source {
            NoiseSource::System => {
                getrandom::fill(&mut key).map_err(|error| TrainError::Noise { reason: error.to_string() })?;
                4
            }
            NoiseSource::Seed => {
                let parts = [pass.seed, pass.epoch as u64, step as u64, purpose as u64];
                for (bytes, part) in key.chunks_exact_mut(8).zip(parts) {
                    bytes.copy_from_slice(&part.to_le_bytes());
                }
                1
            }
        };
        Ok(Random { generator: ChaCha20Rng::from_seed(key), summed })
    }

    /// The number at a place of the stream.
    pub(crate) fn number(mut self, place: usize) -> u64 {
        (0..place).for_each(|_| _ = self.generator.next_u64());
        self.generator.next_u64()
    }

    /// From 0 to 1, without either.
    fn open_unit(&mut self) -> f64 {
        ((self.generator.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// The numbers below `count` each of which is there with probability `rate`, in order.
    pub(crate) fn chosen(&mut self, count: usize, rate: f64) -> Vec<u32> {
        if rate >= 1.0 {
            return (0..count as u32).collect();
        }
        // The gaps between those that are there have a geometric distribution, so none has to be asked for by itself.
        let mut chosen = Vec::with_capacity((count as f64 * rate * 1.2) as usize + 16);
        let per_miss = (-rate).ln_1p();
        let mut next = 0.0;
        loop {
            next += (self.open_unit().ln() / per_miss).floor();
            if next >= count as f64 {
                return chosen;
            }
            chosen.push(next as u32);
            next += 1.0;
        }
    }

    /// Normal numbers with this standard deviation.
    pub(crate) fn normals(&mut self, count: usize, deviation: f64) -> Vec<f32> {
        let scale = deviation / f64::from(self.summed).sqrt();
        let mut normal = || {
            let sum: f64 =
                (0..self.summed).map(|_| -> f64 { StandardNormal.sample(&mut self.generator) }).sum();
            (sum * scale) as f32
        };
        (0..count).map(|_| normal()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(source: NoiseSource, step: usize, purpose: Purpose) -> Random {
        Random::new(source, Pass { seed: 3, epoch: 2 }, step, purpose).unwrap()
    }

    /// How often each sample is there, how many are there at once, and that one being there says nothing of its neighbour.
    #[test]
    fn samples_are_chosen_independently_of_each_other() {
        let (count, rate, times) = (200, 0.07, 20_000);
        let mut random = random(NoiseSource::Seed, 1, Purpose::Samples);
        let mut counts = vec![0u32; count];
        let (mut both, mut sizes, mut squares) = (0u32, 0.0, 0.0);
        for _ in 0..times {
            let chosen = random.chosen(count, rate);
            assert!(chosen.is_sorted_by(|a, b| a < b));
            both += chosen.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count() as u32;
            sizes += chosen.len() as f64;
            squares += (chosen.len() as f64).powi(2);
            for sample in chosen {
                counts[sample as usize] += 1;
            }
        }
        let expected = rate * f64::from(times);
        let deviation = (expected * (1.0 - rate)).sqrt();
        for (sample, count) in counts.iter().enumerate() {
            let off = (f64::from(*count) - expected) / deviation;
            assert!(off.abs() < 5.0, "sample {sample} came {count} times, not {expected}");
        }
        let pairs = rate * rate * (count - 1) as f64 * f64::from(times);
        assert!((f64::from(both) - pairs).abs() < 5.0 * pairs.sqrt(), "{both} pairs, not {pairs}");
        // A binomial distribution: batches of one size would have no variance, and shuffled ones come without repetition.
        let mean = sizes / f64::from(times);
        let variance = squares / f64::from(times) - mean * mean;
        let of_binomial = count as f64 * rate * (1.0 - rate);
        assert!((mean - count as f64 * rate).abs() < 0.15, "{mean} samples at once");
        assert!((variance / of_binomial - 1.0).abs() < 0.06, "variance {variance}, not {of_binomial}");
    }

    #[test]
    fn all_samples_are_chosen_at_rate_1_and_none_of_none() {
        let mut random = random(NoiseSource::System, 1, Purpose::Samples);
        assert_eq!(random.chosen(4, 1.0), [0, 1, 2, 3]);
        assert!(random.chosen(0, 0.5).is_empty());
        assert!(random.chosen(100, 1e-300).is_empty());
    }

    #[test]
    fn noise_is_normal_from_either_source() {
        for source in [NoiseSource::System, NoiseSource::Seed] {
            let values = random(source, 1, Purpose::Noise).normals(200_000, 3.0);
            let moment =
                |power| values.iter().map(|value| f64::from(*value / 3.0).powi(power)).sum::<f64>() / 2e5;
            assert!(moment(1).abs() < 0.02, "{}", moment(1));
            assert!((moment(2) - 1.0).abs() < 0.03, "{}", moment(2));
            // A sum of uniform numbers would have 2.7 or less.
            assert!((moment(4) - 3.0).abs() < 0.25, "{}", moment(4));
        }
    }

    #[test]
    fn a_seed_repeats_its_streams_and_the_system_does_not() {
        let draw = |source, step, purpose| random(source, step, purpose).normals(4, 1.0);
        let first = draw(NoiseSource::Seed, 1, Purpose::Noise);
        assert_eq!(first, draw(NoiseSource::Seed, 1, Purpose::Noise));
        assert_ne!(first, draw(NoiseSource::Seed, 2, Purpose::Noise));
        assert_ne!(first, draw(NoiseSource::Seed, 1, Purpose::Samples));
        assert_ne!(
            draw(NoiseSource::System, 1, Purpose::Noise),
            draw(NoiseSource::System, 1, Purpose::Noise)
        );
    }
}

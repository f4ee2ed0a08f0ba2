//! Random numbers whose values never change: the same seed gives the same order and the same drawings in every
//! release.
//!
//! Only the raw 32-bit outputs of PCG are used, whose algorithm is fixed by its paper; ranges and floats are derived
//! here, because the libraries that derive them are free to change how.

use fireclay_kernels::mix;
use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// A stream of random numbers that is a function of three numbers alone, the same in every release.
///
/// ```
/// use fireclay_data::Random;
///
/// let mut random = Random::new(1, 2, 3);
/// assert_eq!([random.below(1000), random.below(1000)], [298, 885]);
/// let mut order = [0, 1, 2, 3];
/// random.shuffle(&mut order);
/// order.sort_unstable();
/// assert_eq!(order, [0, 1, 2, 3]);
/// ```
#[derive(Clone, Debug)]
pub struct Random(Pcg32);

impl Random {
    /// The stream that belongs to these three numbers: what it is for, a seed, and for example an epoch or a sample.
    /// Streams of near numbers are unrelated.
    pub fn new(purpose: u64, seed: u64, index: u64) -> Self {
        let state = mix(mix(mix(purpose) ^ seed) ^ index);
        Self(Pcg32::new(state, mix(state)))
    }

    /// A number below `bound`, every one as likely; 0 if `bound` is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        // Lemire's method: the high half of a product, redrawn in the few cases that would favour low numbers.
        let reject_below = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.0.next_u32()) * u64::from(bound);
            let (high, low) = ((product >> 32) as u32, product as u32);
            if low >= reject_below {
                return high;
            }
        }
    }

    /// Uniform in `[0, 1)`, in steps of 2^-24.
    pub fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / 16_777_216.0
    }

    /// Uniform in `[low, high)`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True with probability `probability`.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Near enough to a standard normal number: a sum of four uniform ones, within `[-3.47, 3.47]`.
    pub fn normal(&mut self) -> f32 {
        let sum = self.unit() + self.unit() + self.unit() + self.unit();
        (sum - 2.0) * 1.732_050_8
    }

    /// Fisher and Yates' shuffle: every order as likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            // Callers hold at most u32::MAX items (see `Dataset`), so the bound is exact.
            let bound = u32::try_from(last + 1).unwrap_or(u32::MAX);
            items.swap(last, self.below(bound) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pinned() {
        let mut random = Random::new(1, 2, 3);
        let drawn: Vec<u32> = (0..6).map(|_| random.below(1000)).collect();
        assert_eq!(drawn, [298, 885, 263, 400, 951, 33]);
    }

    #[test]
    fn below_is_even() {
        let mut random = Random::new(0, 0, 0);
        let mut counts = [0u32; 3];
        for _ in 0..30_000 {
            counts[random.below(3) as usize] += 1;
        }
        assert!(counts.iter().all(|c| (9_600..10_400).contains(c)), "{counts:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn normal_has_mean_0_and_deviation_1() {
        let mut random = Random::new(0, 0, 1);
        let drawn: Vec<f32> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f32>() / 20_000.0;
        let variance = drawn.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}

//! Random numbers of which each trial has a stream of its own, so that what is drawn for one trial does not depend on how much
//! was drawn for another.
//!
//! Only the raw outputs of PCG are used, whose algorithm is fixed by its paper; floats are derived here, because the libraries
//! that derive them are free to change how.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::Rng;

/// A stream of random numbers.
pub(crate) struct Random(Pcg32);

impl Random {
    /// The stream of a trial: a function of the search's seed, the bracket and the trial's index in it alone.
    pub(crate) fn new(seed: u64, bracket: usize, index: usize) -> Self {
        let state = mix(mix(mix(seed) ^ bracket as u64) ^ index as u64);
        Self(Pcg32::new(state, mix(state)))
    }

    /// Uniform in `[0, 1)`, in steps of 2^-53.
    pub(crate) fn unit(&mut self) -> f64 {
        let bits = (u64::from(self.0.next_u32()) << 32) | u64::from(self.0.next_u32());
        (bits >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `bound`, every one as likely (to within 2^-53); 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((self.unit() * bound as f64) as usize).min(bound.saturating_sub(1))
    }

    /// A standard normal number, by the method of Box and Muller.
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 - unit is in (0, 1], so that its logarithm is finite.
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

/// One step of the generator SplitMix64: near numbers become unrelated ones.
fn mix(state: u64) -> u64 {
    let mut mixed = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pinned() {
        let mut random = Random::new(1, 2, 3);
        let drawn: Vec<usize> = (0..6).map(|_| random.below(1000)).collect();
        assert_eq!(drawn, [298, 263, 951, 949, 592, 899]);
    }

    #[test]
    fn normal_has_mean_0_and_deviation_1() {
        let mut random = Random::new(0, 0, 1);
        let drawn: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = drawn.iter().sum::<f64>() / 20_000.0;
        let variance = drawn.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}

//! Mixup: each sample of a batch becomes a mean of itself and another one.

use serde::{Deserialize, Serialize};

use super::elementary::{exponential, logarithm};
use super::{AugmentationProblem, stream};
use crate::random::Random;
use crate::{DataError, Pass};

/// Marks the random streams that plan batches.
const PURPOSE: u64 = 0x6d69_7875_7000_0001;

/// The greatest `alpha`; the sampler becomes slow with greater ones, whose shares are all but 1/2.
const GREATEST_ALPHA: f32 = 1_000.0;

/// Mixes each sample of a batch, and its target, with another one
/// ([Zhang et al. 2017](https://arxiv.org/abs/1710.09412)).
///
/// The share that samples keep of themselves is drawn once for each batch, from the distribution
/// `Beta(alpha, alpha)`.
///
/// ```
/// use fireclay_data::{Mixup, Pass};
///
/// # fn main() -> Result<(), fireclay_data::DataError> {
/// let mixup = Mixup { alpha: 0.2 };
/// mixup.check()?;
/// let plan = mixup.plan(Pass { seed: 1, epoch: 0 }, 0, 2);
/// let mut features = [1.0, 1.0, 3.0, 3.0];
/// plan.mix(&mut features, 2);
/// assert_eq!(features[0], features[1]);
/// assert!((1.0..=3.0).contains(&features[0]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixup {
    /// Above 0 and up to 1,000. Near 0 almost nothing is mixed, at 1 all shares are as likely, far above 1 they are all
    /// near 1/2; the paper takes 0.1 to 0.4 for ImageNet and 1 for CIFAR.
    pub alpha: f32,
}

/// What mixup does to one batch; targets are mixed with the same share and partners as features.
#[derive(Clone, Debug, PartialEq)]
pub struct MixupPlan {
    /// How much of a sample is its own, from 0 to 1; the rest is its partner's.
    pub share: f32,
    /// `[batch]`: the place in the batch of each sample's partner, each place once. A sample may be its own.
    pub partners: Vec<u32>,
}

impl Mixup {
    /// Whether `alpha` is in its range.
    ///
    /// # Errors
    /// [`DataError::Augmentation`] if it is not.
    pub fn check(&self) -> Result<(), DataError> {
        if self.alpha > 0.0 && self.alpha <= GREATEST_ALPHA {
            return Ok(());
        }
        let (name, found) = ("mixup.alpha", self.alpha);
        let problem = AugmentationProblem::Range { name, found, expected: "a number above 0, up to 1000" };
        Err(DataError::Augmentation { problem })
    }

    /// Plans the batch of `batch_len` samples which begins with the `first`-th that is visited in `pass`: a function of
    /// its arguments alone.
    ///
    /// # Panics
    /// If `alpha` is not in its range, see [`Mixup::check`].
    pub fn plan(&self, pass: Pass, first: u32, batch_len: u32) -> MixupPlan {
        assert!(self.check().is_ok(), "alpha is {}", self.alpha);
        let mut random = stream(PURPOSE, pass, first);
        let share = beta(f64::from(self.alpha), &mut random);
        let mut partners: Vec<u32> = (0..batch_len).collect();
        random.shuffle(&mut partners);
        MixupPlan { share, partners }
    }
}

impl MixupPlan {
    /// Mixes a batch in place, with memory for one sample more: a sample becomes
    /// `share · itself + (1 - share) · partner`.
    ///
    /// # Shapes
    /// - `features`: `[batch, sample_len]`
    ///
    /// # Panics
    /// If there are not as many samples as partners, or the partners are not a permutation of the batch.
    pub fn mix(&self, features: &mut [f32], sample_len: usize) {
        assert_eq!(
            Some(features.len()),
            self.partners.len().checked_mul(sample_len),
            "length of the features of {} samples",
            self.partners.len()
        );
        let mut is_mixed = vec![false; self.partners.len()];
        let mut first_sample = vec![0.0; sample_len];
        // A permutation consists of cycles. Along a cycle each partner is still as it was, but for the last one's, which
        // was mixed first.
        for first in 0..self.partners.len() {
            if is_mixed[first] {
                continue;
            }
            first_sample.copy_from_slice(&features[first * sample_len..][..sample_len]);
            let mut place = first;
            loop {
                is_mixed[place] = true;
                let partner = self.partners[place] as usize;
                if partner == first {
                    self.mix_pair(&mut features[place * sample_len..][..sample_len], &first_sample);
                    break;
                }
                assert!(!is_mixed[partner], "partners are a permutation");
                let (sample, other) = two_samples(features, place, partner, sample_len);
                self.mix_pair(sample, other);
                place = partner;
            }
        }
    }

    fn mix_pair(&self, sample: &mut [f32], partner: &[f32]) {
        for (value, other) in sample.iter_mut().zip(partner) {
            *value = self.share * *value + (1.0 - self.share) * other;
        }
    }
}

/// The samples at two different places.
fn two_samples(features: &mut [f32], one: usize, other: usize, len: usize) -> (&mut [f32], &[f32]) {
    let (before, after) = features.split_at_mut(one.max(other) * len);
    if one < other {
        (&mut before[one * len..][..len], &after[..len])
    } else {
        (&mut after[..len], &before[other * len..][..len])
    }
}

/// A number of the distribution `Beta(alpha, alpha)`, without approximation beyond that of floats.
///
/// Up to 1 by [Jöhnk's method (1964)](https://doi.org/10.1007/BF02613706): of two uniform numbers to the power of
/// `1 / alpha`, the fraction of the first in their sum, if that is at most 1. Above 1 by rejection from uniform numbers, as
/// the density is `(4 x (1 - x))^(alpha - 1)` of its peak. On average that takes 2 rounds or fewer up to 1, and fewer than
/// `1 + 1.2 √alpha` above.
fn beta(alpha: f64, random: &mut Random) -> f32 {
    // In the middle of the generator's steps of 2^-24; so never 0, whose logarithm is not a number.
    let mut open_unit = || f64::from(random.unit()) + 1.0 / 33_554_432.0;
    loop {
        let (first, second) = (open_unit(), open_unit());
        if alpha <= 1.0 {
            // In logarithms, as powers of small alphas are below every float.
            let (first, second) = (logarithm(first) / alpha, logarithm(second) / alpha);
            if exponential(first) + exponential(second) <= 1.0 {
                return (1.0 / (1.0 + exponential(second - first))) as f32;
            }
        } else if logarithm(second) <= (alpha - 1.0) * logarithm(4.0 * first * (1.0 - first)) {
            return first as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASS: Pass = Pass { seed: 4, epoch: 2 };

    #[test]
    fn shares_have_the_moments_and_the_symmetry_of_beta() {
        for alpha in [0.001, 0.1, 0.4, 1.0, 1.5, 8.0, 1_000.0] {
            let mut random = Random::new(5, 6, 7);
            let draws = 20_000;
            let shares: Vec<f64> = (0..draws).map(|_| f64::from(beta(alpha, &mut random))).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
            let moment =
                |power| shares.iter().map(|share| (share - 0.5f64).powi(power)).sum::<f64>() / draws as f64;
            let variance = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            let kurtosis = 3.0 - 6.0 / (2.0 * alpha + 3.0);
            assert!(moment(1).abs() < 4.0 * (variance / draws as f64).sqrt(), "{alpha}: {}", moment(1));
            assert!((moment(2) / variance - 1.0).abs() < 0.05, "{alpha}: {} {variance}", moment(2));
            let fourth = kurtosis * variance * variance;
            assert!((moment(4) / fourth - 1.0).abs() < 0.1, "{alpha}: {} {fourth}", moment(4));
        }
    }

    #[test]
    fn the_least_alphas_end_too() {
        for alpha in [f32::MIN_POSITIVE, 1e-45] {
            let share = Mixup { alpha }.plan(PASS, 0, 1).share;
            assert!(share == 0.0 || share == 1.0, "{share}");
        }
    }

    #[test]
    fn mixing_in_place_agrees_with_mixing_a_copy() {
        for batch in [0, 1, 2, 5, 64] {
            for first in 0..20 {
                let plan = Mixup { alpha: 1.0 }.plan(PASS, first, batch);
                let before: Vec<f32> = (0..batch * 3).map(|value| value as f32 * 0.7).collect();
                let mut after = before.clone();
                plan.mix(&mut after, 3);
                for (place, partner) in plan.partners.iter().enumerate() {
                    for value in 0..3 {
                        let own = before[place * 3 + value];
                        let other = before[*partner as usize * 3 + value];
                        let expected = plan.share * own + (1.0 - plan.share) * other;
                        assert_eq!(after[place * 3 + value], expected);
                    }
                }
            }
        }
    }

    #[test]
    fn a_plan_is_a_function_of_its_arguments_and_partners_are_a_permutation() {
        let mixup = Mixup { alpha: 0.3 };
        let plan = mixup.plan(PASS, 128, 64);
        assert_eq!(plan, mixup.plan(PASS, 128, 64));
        for other in [
            mixup.plan(PASS, 64, 64),
            mixup.plan(Pass { epoch: 3, ..PASS }, 128, 64),
            mixup.plan(Pass { seed: 5, ..PASS }, 128, 64),
        ] {
            assert_ne!(plan.partners, other.partners);
            assert_ne!(plan.share, other.share);
        }
        let mut partners = plan.partners;
        partners.sort_unstable();
        assert!(partners.into_iter().eq(0..64));
    }

    #[test]
    fn impossible_alphas_are_refused() {
        for alpha in [0.0, -1.0, f32::NAN, f32::INFINITY, 1_001.0] {
            let message = Mixup { alpha }.check().unwrap_err().to_string();
            assert!(
                message.contains("mixup.alpha is") && message.contains("above 0, up to 1000"),
                "{message}"
            );
        }
        assert!(serde_json::from_str::<Mixup>(r#"{"alpha": 1, "beta": 2}"#).is_err());
    }

    #[test]
    #[should_panic(expected = "partners are a permutation")]
    fn partners_that_are_no_permutation_panic() {
        MixupPlan { share: 0.5, partners: vec![1, 2, 1] }.mix(&mut [0.0; 3], 1);
    }
}

//! Which token comes next, drawn from a network's logits.

use fireclay_kernels::{MIX_STEP, mix};
use serde::{Deserialize, Serialize};

use crate::error::NnError;

/// How a token is drawn. The steps come in the order of the fields; all of them off is a draw from the network's own
/// probabilities.
///
/// ```
/// use fireclay_nn::{Sampler, Sampling};
///
/// let logits = [0.0, 3.0, 2.0, -1.0];
/// let mut greedy = Sampler::new(Sampling { temperature: 0.0, ..Sampling::default() }, 0)?;
/// assert_eq!(greedy.sample(&logits), Some(1));
/// let mut narrow = Sampler::new(Sampling { top_k: Some(2), ..Sampling::default() }, 0)?;
/// assert!((0..100).all(|_| matches!(narrow.sample(&logits), Some(1 | 2))));
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Logits are divided by it: below 1 the probable tokens become more probable, above 1 less; 0 always takes the most
    /// probable one. 1 by default.
    pub temperature: f32,
    /// Only so many of the most probable tokens are drawn from ([Fan et al. 2018](https://arxiv.org/abs/1805.04833)); all
    /// by default.
    pub top_k: Option<usize>,
    /// Only the fewest tokens whose probabilities come to this share are drawn from, the nucleus
    /// ([Holtzman et al. 2019](https://arxiv.org/abs/1904.09751)); 1, which is all, by default.
    pub top_p: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Sampling { temperature: 1.0, top_k: None, top_p: 1.0 }
    }
}

impl Sampling {
    /// Refuses what cannot be drawn with.
    ///
    /// # Errors
    /// [`NnError::Sampling`] with the setting, the value and the range.
    pub fn check(&self) -> Result<(), NnError> {
        let wrong = |setting, found: String, expected| Err(NnError::Sampling { setting, found, expected });
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return wrong("temperature", self.temperature.to_string(), "0 or more");
        }
        if self.top_k == Some(0) {
            return wrong("top_k", "0".into(), "1 or more");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return wrong("top_p", self.top_p.to_string(), "more than 0 and at most 1");
        }
        Ok(())
    }
}

/// Draws tokens; the same seed and the same logits give the same tokens.
#[derive(Clone, Debug)]
pub struct Sampler {
    sampling: Sampling,
    /// Tokens that are never drawn, in order.
    never: Vec<u32>,
    state: u64,
}

impl Sampler {
    /// A sampler that begins with a seed.
    ///
    /// # Errors
    /// As [`Sampling::check`].
    pub fn new(sampling: Sampling, seed: u64) -> Result<Self, NnError> {
        sampling.check()?;
        Ok(Sampler { sampling, never: Vec::new(), state: seed })
    }

    /// Sets tokens that are never drawn, such as padding.
    #[must_use]
    pub fn never(mut self, tokens: impl IntoIterator<Item = u32>) -> Self {
        self.never = tokens.into_iter().collect();
        self.never.sort_unstable();
        self
    }

    /// Draws a token; `None` if every token is one that is never drawn, or has a logit that is not a number.
    ///
    /// # Shapes
    /// - `logits`: one for each token of the vocabulary
    pub fn sample(&mut self, logits: &[f32]) -> Option<u32> {
        let mut tokens: Vec<(u32, f32)> = (0..).zip(logits.iter().copied()).collect();
        tokens.retain(|(token, logit)| !logit.is_nan() && self.never.binary_search(token).is_err());
        // The first of equal ones comes first, so that a draw is a function of logits and seed.
        tokens.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let (first, most) = *tokens.first()?;
        if self.sampling.temperature == 0.0 || most.is_infinite() {
            return Some(first);
        }
        tokens.truncate(self.sampling.top_k.unwrap_or(usize::MAX));
        let temperature = f64::from(self.sampling.temperature);
        let mut weights: Vec<f64> = tokens
            .iter()
            .map(|(_, logit)| ((f64::from(*logit) - f64::from(most)) / temperature).exp())
            .collect();
        weights.truncate(nucleus(&weights, f64::from(self.sampling.top_p)));
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let drawn = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave a little over behind the last one.
        Some(tokens[drawn.unwrap_or(weights.len() - 1)].0)
    }

    /// Uniform in `[0, 1)`: SplitMix64 ([Steele et al. 2014](https://doi.org/10.1145/2660193.2660195)).
    fn unit(&mut self) -> f64 {
        let mixed = mix(self.state);
        self.state = self.state.wrapping_add(MIX_STEP);
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How many of the weights, the greatest first, come to the share `top_p` of all.
fn nucleus(weights: &[f64], top_p: f64) -> usize {
    if top_p >= 1.0 {
        return weights.len();
    }
    let wanted = top_p * weights.iter().sum::<f64>();
    let mut sum = 0.0;
    let last = weights.iter().position(|weight| {
        sum += weight;
        sum >= wanted
    });
    last.map_or(weights.len(), |last| last + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sampling(temperature: f32, top_k: Option<usize>, top_p: f32) -> Sampling {
        Sampling { temperature, top_k, top_p }
    }

    #[test]
    fn tokens_come_as_often_as_they_are_probable() {
        let logits = [0.5f32.ln(), 0.3f32.ln(), 0.2f32.ln()];
        let counts = |sampling: Sampling| {
            let mut sampler = Sampler::new(sampling, 7).unwrap();
            let mut counts = [0; 3];
            (0..20_000).for_each(|_| counts[sampler.sample(&logits).unwrap() as usize] += 1);
            counts.map(|count| f64::from(count) / 20_000.0)
        };
        let near = |found: [f64; 3], expected: [f64; 3]| {
            assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 0.015), "{found:?} {expected:?}");
        };
        near(counts(Sampling::default()), [0.5, 0.3, 0.2]);
        // Squared and normalised.
        near(counts(sampling(0.5, None, 1.0)), [25.0 / 38.0, 9.0 / 38.0, 4.0 / 38.0]);
        near(counts(sampling(1.0, Some(2), 1.0)), [0.625, 0.375, 0.0]);
        near(counts(sampling(1.0, None, 0.6)), [0.625, 0.375, 0.0]);
        near(counts(sampling(1.0, None, 0.4)), [1.0, 0.0, 0.0]);
        near(counts(sampling(0.0, None, 1.0)), [1.0, 0.0, 0.0]);
    }

    #[test]
    fn draws_are_pinned() {
        let mut sampler = Sampler::new(Sampling::default(), 1).unwrap();
        let drawn: Vec<u32> = (0..8).filter_map(|_| sampler.sample(&[0.0; 10])).collect();
        assert_eq!(drawn, [5, 7, 9, 4, 4, 7, 8, 5]);
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for (sampling, words) in [
            (sampling(-1.0, None, 1.0), "temperature -1"),
            (sampling(f32::NAN, None, 1.0), "temperature NaN"),
            (sampling(1.0, Some(0), 1.0), "top_k 0"),
            (sampling(1.0, None, 0.0), "top_p 0"),
            (sampling(1.0, None, 1.1), "top_p 1.1"),
        ] {
            let message = Sampler::new(sampling, 0).unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
        }
    }

    #[test]
    fn where_nothing_can_be_drawn_nothing_is() {
        let mut sampler = Sampler::new(Sampling::default(), 0).unwrap().never([1, 0]);
        assert_eq!(sampler.sample(&[]), None);
        assert_eq!(sampler.sample(&[0.0, 1.0, f32::NAN]), None);
        assert_eq!(sampler.sample(&[0.0, 1.0, f32::NEG_INFINITY, f32::INFINITY]), Some(3));
    }

    proptest! {
        #[test]
        fn only_what_may_be_drawn_is(
            logits in proptest::collection::vec(-20f32..20.0, 5..40),
            never in proptest::collection::vec(0u32..5, 0..4),
            temperature in 0f32..3.0,
            top_k in 1usize..10,
            top_p in 0.01f32..1.0,
            seed: u64,
        ) {
            let sampler = Sampler::new(sampling(temperature, Some(top_k), top_p), seed).unwrap().never(never.clone());
            let draws = |mut sampler: Sampler| {
                (0..20).filter_map(|_| sampler.sample(&logits)).collect::<Vec<_>>()
            };
            let drawn = draws(sampler.clone());
            prop_assert_eq!(&drawn, &draws(sampler));
            prop_assert_eq!(drawn.len(), 20);
            prop_assert!(drawn.iter().all(|token| !never.contains(token)));
            let mut different = drawn.clone();
            different.sort_unstable();
            different.dedup();
            prop_assert!(different.len() <= top_k);
        }
    }
}

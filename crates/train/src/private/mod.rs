//! Training that does not give away whom it was trained on: differentially private stochastic gradient descent
//! ([Abadi et al. 2016](https://arxiv.org/abs/1607.00133)).
//!
//! Each step draws every sample with the same probability, independently of the others. The gradient of each is shortened to a norm, so that
//! nobody adds more than that to their sum; normal noise of a multiple of that norm is added, and the sum is divided by the number
//! of samples that is expected. What the steps spend together is the [`accountant`]'s. The norms of a batch's gradients come from one pass
//! over it (`fireclay_backend::ops::sample_norms`), and its clipped sum from a second, in which each loss counts by what is left of its gradient. A
//! network without such norms is trained on one sample after another.

mod accountant;
mod guard;
mod random;
mod step;
#[cfg(test)]
mod tests;

use crate::error::TrainError;
use crate::privacy::PrivacyOptions;
pub use accountant::{noise_for_privacy, privacy_spent};
pub(crate) use guard::{check_network, check_targets};
use random::{Purpose, Random};
pub(crate) use step::{Clipped, samples_at_once};

/// The norm that a sample's gradient is shortened to where nothing else is said.
const CLIP_NORM: f64 = 1.0;

/// How a run is made private: what its budget comes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    options: PrivacyOptions,
    clip_norm: f64,
    noise_multiplier: f64,
    sampling_rate: f64,
    /// Samples in a step, on the average.
    expected: f64,
}

impl Plan {
    /// How a run of so many steps on so many samples is made private.
    ///
    /// # Errors
    /// [`TrainError::Setting`] if delta is too large for so many samples, or no noise is enough for the budget.
    pub(crate) fn new(
        options: PrivacyOptions,
        clip_norm: Option<f64>,
        batch_size: usize,
        samples: usize,
        steps: u64,
    ) -> Result<Self, TrainError> {
        if options.delta * samples as f64 >= 1.0 {
            return Err(TrainError::Setting {
                setting: "delta",
                found: options.delta.to_string(),
                expected: "less than one in as many as there are training samples, such as 1e-7",
            });
        }
        let sampling_rate = (batch_size as f64 / samples as f64).min(1.0);
        let noise = noise_for_privacy(options.epsilon, options.delta, sampling_rate, steps);
        let Some(noise_multiplier) = noise else {
            return Err(TrainError::Setting {
                setting: "epsilon",
                found: format!("{} with delta {}", options.epsilon, options.delta),
                expected: "a budget that some noise is enough for: more epsilon, or a larger delta",
            });
        };
        Ok(Plan {
            options,
            clip_norm: clip_norm.unwrap_or(CLIP_NORM),
            noise_multiplier,
            sampling_rate,
            expected: sampling_rate * samples as f64,
        })
    }

    /// What is spent after so many steps.
    pub(crate) fn spent(&self, steps: u64) -> fireclay_store::PrivacyCard {
        fireclay_store::PrivacyCard {
            epsilon: privacy_spent(self.sampling_rate, self.noise_multiplier, steps, self.options.delta),
            delta: self.options.delta,
            noise_multiplier: self.noise_multiplier,
            clip_norm: self.clip_norm,
            sampling_rate: self.sampling_rate,
            steps,
            noise: self.options.noise.word().into(),
        }
    }
}

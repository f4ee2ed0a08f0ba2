//! How long, in which portions and from which seed to train.

use fireclay_backend::Precision;
use fireclay_data::Pass;
use serde::{Deserialize, Serialize};

use crate::attack::AdversarialOptions;
use crate::averaging::WeightAveraging;
use crate::error::TrainError;
use crate::history::EpochRecord;
use crate::privacy::PrivacyOptions;
use crate::schedule::{BuiltInSchedule, Schedule, rate_factor};

/// Settings of one [`fit`](crate::Trainer::fit).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FitOptions {
    /// Passes over the data; 5 by default.
    pub epochs: usize,
    /// Samples in one step; 64 by default. The last step of an epoch takes what is left.
    pub batch_size: usize,
    /// Decides the order of the samples and the dropout; 0 by default.
    pub seed: u64,
    /// Share of the training samples set aside to measure after each epoch, in `[0, 1)`; 0, which is none, by default.
    /// The share is the same for each class.
    pub validation_split: f64,
    /// How the learning rate changes; not at all by default.
    #[serde(default)]
    pub schedule: BuiltInSchedule,
    /// Epochs, or parts of one, in which the learning rate rises in a straight line before the schedule begins; 0 by
    /// default.
    #[serde(default)]
    pub warm_up: f64,
    /// The greatest size that a number in a gradient may have: larger ones are brought to it, with their sign, before the
    /// norm is clipped. None by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_value: Option<f64>,
    /// The greatest norm that the gradients of all parameters together may have: longer ones are shortened to it
    /// ([Pascanu et al. 2012](https://arxiv.org/abs/1211.5063)). None by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Batches in one step, whose gradients are averaged as if they were one batch: for batches larger than memory holds. The last
    /// step of an epoch takes what is left. 1 by default. Batch norm still sees each batch by itself.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub accumulate: usize,
    /// Which average of the weights is measured and kept in the place of the last ones; none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaging: Option<WeightAveraging>,
    /// In what numbers products are made, forward and backward; `f32` by default. Where the device has no other, a warning
    /// says so, and the run goes on in `f32`; another says where a CPU has it but is not faster for it.
    #[serde(default, with = "in_words", skip_serializing_if = "is_f32")]
    pub precision: Precision,
    /// Whether weights that are 0 stay 0, but for those of one dimension, such as biases; false by default. For a network of which
    /// single weights were taken out.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_zeros: bool,
    /// Whether batch norm normalises by the statistics of the whole batch where several ranks train ([`Trainer::group`](crate::Trainer::group)),
    /// and not by those of each rank's part; false by default, which asks for fewer sums and larger parts. The last batch of an epoch must have as many
    /// samples as there are ranks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sync_batch_norm: bool,
    /// Whether the training is differentially private, and how much; not at all by default. The norm of
    /// [`clip_norm`](Self::clip_norm), 1 by default, is then that of each sample's gradient, and `batch_size` the number of samples that a step
    /// has on the average: each is drawn with the same probability.
    ///
    /// What is protected is what the weights tell of single training samples, of this `fit` alone: weights that have seen the same samples
    /// before give away what they gave, and two private trainings one after the other spend the sum. Not covered are what was made of the data before, such as
    /// a vocabulary or means, validation samples and the choices that they make, the choice among several trainings, how many samples there are, and what callbacks are told of the
    /// training samples, such as losses: a callback or a schedule that decides by them gives more away. A model file holds no digests and no distributions of samples of a private training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privacy: Option<PrivacyOptions>,
    /// Whether the network is trained on pictures that are changed against it, so that it bears such changes; not at all by default. What a step
    /// reports, its loss and its accuracy, is then of these; validation samples are measured as they are. The network answers as a trained one
    /// while they are changed: no dropout, and batch norm by its running statistics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<AdversarialOptions>,
    /// Epochs that others of the same seed came before these: the order of the samples, augmentation and dropout are those of the epochs that
    /// follow. 0 by default. For a training in parts, such as the rounds of a federation; schedules and reports count from 1 all the same.
    #[serde(default, skip_serializing_if = "is_none")]
    pub first_epoch: usize,
    /// The coefficient mu of the proximal term (mu / 2) * ‖w - w₀‖², which is added to the loss to keep the weights close to those of the start, w₀
    /// ([Li et al. 2020](https://arxiv.org/abs/1812.06127)); 0, which is none, by default. Reported losses are without it. A run with it cannot be resumed, as
    /// its checkpoint does not hold w₀.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub proximal_mu: f64,
}

/// A precision by its name.
mod in_words {
    use fireclay_backend::Precision;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(precision: &Precision, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(precision)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Precision, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

fn one() -> usize {
    1
}

fn is_one(batches: &usize) -> bool {
    *batches == 1
}

fn is_none(epochs: &usize) -> bool {
    *epochs == 0
}

fn is_zero(number: &f64) -> bool {
    *number == 0.0
}

fn is_f32(precision: &Precision) -> bool {
    *precision == Precision::F32
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions {
            epochs: 5,
            batch_size: 64,
            seed: 0,
            validation_split: 0.0,
            schedule: BuiltInSchedule::default(),
            warm_up: 0.0,
            clip_value: None,
            clip_norm: None,
            accumulate: 1,
            averaging: None,
            precision: Precision::F32,
            keep_zeros: false,
            sync_batch_norm: false,
            privacy: None,
            adversarial: None,
            first_epoch: 0,
            proximal_mu: 0.0,
        }
    }
}

impl FitOptions {
    /// The pass over the samples that an epoch of this run is, counted from 1.
    pub(crate) fn pass(&self, epoch: usize) -> Pass {
        Pass { seed: self.seed, epoch: self.first_epoch.saturating_add(epoch) }
    }

    /// What learning rates are multiplied by in a step.
    ///
    /// `epoch` counts from 1 and `step` from 0, of `steps` in each epoch; `history` is the epochs that are done.
    pub fn rate_factor(&self, epoch: usize, step: usize, steps: usize, history: &[EpochRecord]) -> f64 {
        self.rate_factor_by(&self.schedule, epoch, step, steps, history)
    }

    /// The same with another schedule after the warm-up.
    pub(crate) fn rate_factor_by(
        &self,
        schedule: &dyn Schedule,
        epoch: usize,
        step: usize,
        steps: usize,
        history: &[EpochRecord],
    ) -> f64 {
        rate_factor(schedule, (self.warm_up, self.epochs), (epoch, step, steps), history)
    }

    /// Refuses what cannot be trained with.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the name, the value and the range.
    pub fn check(&self) -> Result<(), TrainError> {
        let counts =
            [("epochs", self.epochs), ("batch_size", self.batch_size), ("accumulate", self.accumulate)];
        for (setting, value) in counts {
            if value == 0 {
                return Err(TrainError::Setting { setting, found: "0".into(), expected: "1 or more" });
            }
        }
        if !(0.0..1.0).contains(&self.validation_split) {
            return Err(TrainError::Setting {
                setting: "validation_split",
                found: self.validation_split.to_string(),
                expected: "0 or more and less than 1, such as 0.1",
            });
        }
        if !(self.warm_up >= 0.0 && self.warm_up <= self.epochs as f64) {
            return Err(TrainError::Setting {
                setting: "warm_up",
                found: self.warm_up.to_string(),
                expected: "0 or more epochs, and no more than there are",
            });
        }
        for (setting, limit) in [("clip_value", self.clip_value), ("clip_norm", self.clip_norm)] {
            if let Some(limit) = limit.filter(|limit| !(*limit > 0.0 && limit.is_finite())) {
                return Err(TrainError::Setting {
                    setting,
                    found: limit.to_string(),
                    expected: "more than 0",
                });
            }
        }
        if !(self.proximal_mu >= 0.0 && self.proximal_mu.is_finite()) {
            return Err(TrainError::Setting {
                setting: "proximal_mu",
                found: self.proximal_mu.to_string(),
                expected: "0 or more",
            });
        }
        if let Some(averaging) = &self.averaging {
            averaging.check(self.epochs)?;
        }
        if let Some(privacy) = &self.privacy {
            privacy.check()?;
            check_private(self)?;
        }
        if let Some(adversarial) = &self.adversarial {
            adversarial.check()?;
        }
        self.schedule.check()
    }
}

/// Refuses settings by which a private training would give away more than is counted.
fn check_private(options: &FitOptions) -> Result<(), TrainError> {
    let wrong = |setting, found: String, expected| Err(TrainError::Setting { setting, found, expected });
    if options.precision != Precision::F32 {
        let expected =
            "f32 in a private training, as rounded gradients may be longer than they are clipped to";
        return wrong("precision", options.precision.to_string(), expected);
    }
    if options.accumulate != 1 {
        let expected = "1 in a private training, whose batches may be as large as you like";
        return wrong("accumulate", options.accumulate.to_string(), expected);
    }
    if let Some(limit) = options.clip_value {
        let expected = "nothing in a private training, which clips the gradient of each sample by its norm";
        return wrong("clip_value", limit.to_string(), expected);
    }
    if let Some(adversarial) = &options.adversarial {
        let expected = "nothing in a private training, whose samples must not depend on their place among those that were drawn";
        return wrong("adversarial", adversarial.to_string(), expected);
    }
    if let BuiltInSchedule::Plateau(_) = options.schedule {
        let expected = "one that does not look at losses, in a private training, such as cosine";
        return wrong("schedule", options.schedule.to_string(), expected);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_gradients_are_more_than_0() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for (setting, options) in [
                ("clip_value", FitOptions { clip_value: Some(value), ..FitOptions::default() }),
                ("clip_norm", FitOptions { clip_norm: Some(value), ..FitOptions::default() }),
            ] {
                let message = options.check().unwrap_err().to_string();
                assert!(
                    message.contains(&format!("{setting} is {value}; expected more than 0")),
                    "{message}"
                );
            }
        }
    }
}

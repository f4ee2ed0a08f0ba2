//! How private a training is to be.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// The greatest budget; long before that nothing is promised.
const MOST_EPSILON: f64 = 1_000.0;

/// How private a training is to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrivacyOptions {
    /// What all steps together may spend, more than 0: of two trainings that differ by one sample, neither gives any outcome with
    /// more than e to the power of epsilon times the probability of the other. 1 is strong, 8 is what is often taken, and beyond 10 little is promised.
    pub epsilon: f64,
    /// The probability with which that does not hold, more than 0 and less than one in as many as there are training samples: else it could
    /// be kept by publishing one of them.
    pub delta: f64,
    /// Where the noise comes from.
    #[serde(default)]
    pub noise: NoiseSource,
}

impl PrivacyOptions {
    /// With a delta of 1e-5, and noise that nobody can repeat.
    pub fn new(epsilon: f64) -> Self {
        PrivacyOptions { epsilon, delta: 1e-5, noise: NoiseSource::default() }
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        let wrong = |setting, found: f64, expected| {
            Err(TrainError::Setting { setting, found: found.to_string(), expected })
        };
        if !(self.epsilon > 0.0 && self.epsilon <= MOST_EPSILON) {
            return wrong("epsilon", self.epsilon, "more than 0 and at most 1000, such as 8");
        }
        if !(self.delta > 0.0 && self.delta < 1.0) {
            return wrong("delta", self.delta, "more than 0 and less than 1, such as 1e-5");
        }
        Ok(())
    }
}

/// Epsilon, or epsilon and delta, as a flag has them: `8`, `8,1e-6`.
impl FromStr for PrivacyOptions {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let wrong = || TrainError::Setting {
            setting: "private",
            found: text.to_string(),
            expected: "epsilon, such as 8, or epsilon and delta, such as 8,1e-6",
        };
        let number = |text: &str| text.trim().parse::<f64>().map_err(|_| wrong());
        let options = match text.split_once(',') {
            None => PrivacyOptions::new(number(text)?),
            Some((epsilon, delta)) => {
                PrivacyOptions { delta: number(delta)?, ..PrivacyOptions::new(number(epsilon)?) }
            }
        };
        options.check()?;
        Ok(options)
    }
}

impl fmt::Display for PrivacyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{:e}", self.epsilon, self.delta)
    }
}

/// Where noise and the choice of samples come from. Who knows it can take the noise away again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoiseSource {
    /// ChaCha20 with a key by the operating system, which nobody knows afterwards: no two runs are the same.
    #[default]
    System,
    /// ChaCha20 with a key made of the seed, so that a run can be repeated: for experiments, since everybody who knows the seed knows the
    /// noise.
    Seed,
}

impl NoiseSource {
    /// As flags and files have it: `system`, `seed`.
    pub fn word(self) -> &'static str {
        match self {
            NoiseSource::System => "system",
            NoiseSource::Seed => "seed",
        }
    }
}

impl FromStr for NoiseSource {
    type Err = TrainError;

    fn from_str(word: &str) -> Result<Self, TrainError> {
        let of_word = |source: &NoiseSource| source.word() == word;
        [NoiseSource::System, NoiseSource::Seed].into_iter().find(of_word).ok_or_else(|| {
            TrainError::Setting { setting: "noise", found: word.to_string(), expected: "system or seed" }
        })
    }
}

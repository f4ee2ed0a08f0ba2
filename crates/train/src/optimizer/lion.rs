//! Lion.

use burn::optim::LionConfig;
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Lion ([Chen et al. 2023](https://arxiv.org/abs/2302.06675)): each weight moves by the learning rate, in the direction of the
/// sign of `beta_1 * momentum + (1 - beta_1) * gradient`. A learning rate of a third to a tenth of AdamW's, and as much more
/// weight decay, are what the paper advises.
///
/// ```
/// use fireclay_train::{Lion, Optimizer};
///
/// let lion = Lion::new(1e-4).weight_decay(0.1);
/// assert_eq!((lion.name().as_str(), lion.beta_1, lion.beta_2), ("lion", 0.9, 0.99));
/// assert!(lion.betas(1.0, 0.99).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lion {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// What momentum counts in the direction of a step, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Decay rate of momentum, the mean of gradients, in `[0, 1)`; 0.99 by default.
    pub beta_2: f64,
    /// Decoupled weight decay: a step takes this times the learning rate times the weight away; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl Lion {
    /// Lion without weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Lion { learning_rate, beta_1: 0.9, beta_2: 0.99, weight_decay: 0.0 }
    }

    /// Sets what momentum counts in the direction of a step and the decay rate of momentum, each in `[0, 1)`.
    pub fn betas(mut self, beta_1: f64, beta_2: f64) -> Self {
        (self.beta_1, self.beta_2) = (beta_1, beta_2);
        self
    }

    /// Sets the decoupled weight decay, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Lion {
    fn name(&self) -> String {
        "lion".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let config = LionConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_weight_decay(self.weight_decay as f32);
        UpdateRule::new(config.build())
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        positive("learning_rate", self.learning_rate)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Lion {
    const NAMES: &'static [&'static str] = &["lion"];
    const USUAL_LEARNING_RATE: f64 = 1e-4;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Lion::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

//! Adam.

use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::fused::FusedAdam;
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Adam ([Kingma and Ba 2014](https://arxiv.org/abs/1412.6980)).
///
/// ```
/// use fireclay_train::{Adam, Optimizer};
///
/// let adam = Adam::new(1e-3).betas(0.9, 0.98);
/// assert_eq!((adam.name().as_str(), adam.beta_2, adam.weight_decay), ("adam", 0.98, 0.0));
/// assert!(Adam::new(-1.0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adam {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the first moment, the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Decay rate of the second moment, the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root of the second moment; more than 0, 1e-8 by default.
    pub epsilon: f64,
    /// L2 penalty: this times the weight is added to its gradient; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl Adam {
    /// Adam with the paper's defaults.
    pub fn new(learning_rate: f64) -> Self {
        Adam { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// Sets the decay rates of the first and the second moment, each in `[0, 1)`.
    pub fn betas(mut self, beta_1: f64, beta_2: f64) -> Self {
        (self.beta_1, self.beta_2) = (beta_1, beta_2);
        self
    }

    /// Sets what is added to the root of the second moment; more than 0.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Sets the L2 penalty, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Adam {
    fn name(&self) -> String {
        "adam".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let Adam { learning_rate: _, beta_1, beta_2, epsilon, weight_decay } = *self;
        UpdateRule::new(FusedAdam { beta_1, beta_2, epsilon, weight_decay, decoupled: false })
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Adam {
    const NAMES: &'static [&'static str] = &["adam"];
    const USUAL_LEARNING_RATE: f64 = 1e-3;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Adam::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

//! LAMB.

use burn::optim::LambConfig;
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// LAMB, for large batches ([You et al. 2019](https://arxiv.org/abs/1904.00962)): Adam's step with decoupled weight decay,
/// brought for each parameter to the norm of the parameter itself, so that the learning rate is the part of its norm by which
/// it moves.
///
/// The paper has no weight decay for biases and normalisation layers, which a [`ParameterGroup`](crate::ParameterGroup) gives
/// an optimiser of their own. A parameter that is all 0 takes Adam's step.
///
/// ```
/// use fireclay_train::{Lamb, Optimizer};
///
/// let lamb = Lamb::new(2e-3).weight_decay(0.01);
/// assert_eq!((lamb.name().as_str(), lamb.beta_2, lamb.epsilon), ("lamb", 0.999, 1e-6));
/// assert!(lamb.epsilon(0.0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lamb {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the first moment, the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Decay rate of the second moment, the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root of the second moment; more than 0, 1e-6 by default.
    pub epsilon: f64,
    /// Weight decay: this times the weight is added to Adam's step before that is brought to its norm; 0 or more, 0 by
    /// default.
    pub weight_decay: f64,
}

impl Lamb {
    /// LAMB without weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Lamb { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-6, weight_decay: 0.0 }
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

    /// Sets the weight decay, 0 or more.
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }
}

impl Optimizer for Lamb {
    fn name(&self) -> String {
        "lamb".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let config = LambConfig::new()
            .with_beta_1(self.beta_1 as f32)
            .with_beta_2(self.beta_2 as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(self.weight_decay as f32);
        UpdateRule::new(config.build())
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

impl BuiltIn for Lamb {
    const NAMES: &'static [&'static str] = &["lamb"];
    const USUAL_LEARNING_RATE: f64 = 1e-3;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Lamb::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

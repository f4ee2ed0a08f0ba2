//! RMSprop.

use burn::optim::RmsPropConfig;
use burn::optim::decay::WeightDecayConfig;
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// RMSprop ([Tieleman and Hinton 2012](https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf)).
///
/// ```
/// use fireclay_train::RmsProp;
///
/// let rms_prop = RmsProp::new(1e-3).momentum(0.9);
/// assert_eq!((rms_prop.alpha, rms_prop.momentum, rms_prop.epsilon), (0.99, 0.9, 1e-8));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RmsProp {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the second moment, the mean of squared gradients, in `[0, 1)`; 0.99 by default.
    pub alpha: f64,
    /// Momentum coefficient, in `[0, 1)`; 0 by default.
    pub momentum: f64,
    /// Added to the root of the second moment; more than 0, 1e-8 by default.
    pub epsilon: f64,
    /// L2 penalty: this times the weight is added to its gradient; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl RmsProp {
    /// RMSprop without momentum.
    pub fn new(learning_rate: f64) -> Self {
        RmsProp { learning_rate, alpha: 0.99, momentum: 0.0, epsilon: 1e-8, weight_decay: 0.0 }
    }

    /// Sets the decay rate of the second moment, in `[0, 1)`.
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// Sets the momentum coefficient, in `[0, 1)`.
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
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

impl Optimizer for RmsProp {
    fn name(&self) -> String {
        "rmsprop".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let decay = (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        let config = RmsPropConfig::new()
            .with_alpha(self.alpha as f32)
            .with_momentum(self.momentum as f32)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(decay);
        UpdateRule::new(config.build())
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("alpha", self.alpha)?;
        below_one("momentum", self.momentum)?;
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for RmsProp {
    const NAMES: &'static [&'static str] = &["rmsprop"];
    const USUAL_LEARNING_RATE: f64 = 1e-3;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        RmsProp::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

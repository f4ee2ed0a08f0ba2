//! RAdam.

use burn::optim::{AdamState, LearningRate};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::plain::{Betas, Decay};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Rectified Adam ([Liu et al. 2019](https://arxiv.org/abs/1908.03265)): gradient descent with momentum for the first steps,
/// in which the second moment says little, then Adam with steps that grow from small ones, as after a warm-up.
///
/// ```
/// use fireclay_train::{Optimizer, RAdam};
///
/// let radam = RAdam::new(1e-3).weight_decay(0.01).decoupled_weight_decay();
/// assert_eq!((radam.name().as_str(), radam.beta_1, radam.epsilon), ("radam", 0.9, 1e-8));
/// assert!(radam.betas(0.9, 1.0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RAdam {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the first moment, the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Decay rate of the second moment, the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root of the second moment; more than 0, 1e-8 by default.
    pub epsilon: f64,
    /// Weight decay: an L2 penalty, which adds this times the weight to its gradient, unless it is decoupled; 0 or more, 0
    /// by default.
    pub weight_decay: f64,
    /// Whether a step takes `weight_decay` times the learning rate times the weight away instead, as AdamW's does; false by
    /// default.
    pub decoupled_weight_decay: bool,
}

impl RAdam {
    /// RAdam with PyTorch's defaults.
    pub fn new(learning_rate: f64) -> Self {
        RAdam {
            learning_rate,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
        }
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

    /// Makes weight decay decoupled, as AdamW's is.
    pub fn decoupled_weight_decay(mut self) -> Self {
        self.decoupled_weight_decay = true;
        self
    }
}

impl Optimizer for RAdam {
    fn name(&self) -> String {
        "radam".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let RAdam { beta_1, beta_2, epsilon, .. } = *self;
        let decay = Decay { weight_decay: self.weight_decay, decoupled: self.decoupled_weight_decay };
        UpdateRule::new(Rule { betas: Betas(beta_1, beta_2), epsilon, decay })
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

impl BuiltIn for RAdam {
    const NAMES: &'static [&'static str] = &["radam"];
    const USUAL_LEARNING_RATE: f64 = 1e-3;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        RAdam::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

#[derive(Clone)]
struct Rule {
    betas: Betas,
    epsilon: f64,
    decay: Decay,
}

impl Rule {
    /// What Adam's step is multiplied by, once the second moment says enough: the paper's `r`.
    fn rectification(&self, steps: usize) -> Option<f64> {
        let Betas(_, beta_2) = self.betas;
        let (_, correction) = self.betas.corrections(steps);
        let limit = 2.0 / (1.0 - beta_2) - 1.0;
        let length = limit - 2.0 * steps as f64 * (1.0 - correction) / correction;
        let part = |length: f64| (length - 4.0) * (length - 2.0) / length;
        (length > 5.0).then(|| (part(length) / part(limit)).sqrt())
    }
}

impl burn::optim::Optimizer for Rule {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let (parameter, gradient) = self.decay.apply(learning_rate, parameter, gradient);
        let moments = self.betas.next(state, gradient);
        let (correction_1, correction_2) = self.betas.corrections(moments.time);
        let mean = moments.moment_1.clone() * (learning_rate / correction_1);
        let step = match self.rectification(moments.time) {
            Some(factor) => {
                let root = moments.moment_2.clone().sqrt() + self.epsilon;
                mean / root * (correction_2.sqrt() * factor)
            }
            None => mean,
        };
        (parameter - step, Some(AdamState::new(moments)))
    }

    fn to_device<const D: usize>(mut state: AdamState<D>, device: &Device) -> AdamState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

//! NAdam.

use burn::optim::{AdamState, LearningRate, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::plain::{Betas, Decay};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Adam with Nesterov's momentum ([Dozat 2016](https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ)). Of step `t`, from 1, the
/// momentum coefficient is `beta_1 * (1 - 0.96^(t * momentum_decay) / 2)`.
///
/// ```
/// use fireclay_train::{NAdam, Optimizer};
///
/// let nadam = NAdam::new(2e-3);
/// assert_eq!((nadam.name().as_str(), nadam.momentum_decay, nadam.beta_2), ("nadam", 0.004, 0.999));
/// assert!(nadam.momentum_decay(-1.0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NAdam {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the first moment, the mean of gradients, in `[0, 1)`; 0.9 by default.
    pub beta_1: f64,
    /// Decay rate of the second moment, the mean of squared gradients, in `[0, 1)`; 0.999 by default.
    pub beta_2: f64,
    /// Added to the root of the second moment; more than 0, 1e-8 by default.
    pub epsilon: f64,
    /// How fast the momentum coefficient rises from half of `beta_1`; 0 or more, 0.004 by default.
    pub momentum_decay: f64,
    /// Weight decay: an L2 penalty, which adds this times the weight to its gradient, unless it is decoupled; 0 or more, 0
    /// by default.
    pub weight_decay: f64,
    /// Whether a step takes `weight_decay` times the learning rate times the weight away instead, as AdamW's does; false by
    /// default.
    pub decoupled_weight_decay: bool,
}

impl NAdam {
    /// NAdam with PyTorch's defaults.
    pub fn new(learning_rate: f64) -> Self {
        NAdam {
            learning_rate,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            momentum_decay: 0.004,
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

    /// Sets how fast the momentum coefficient rises, 0 or more.
    pub fn momentum_decay(mut self, momentum_decay: f64) -> Self {
        self.momentum_decay = momentum_decay;
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

impl Optimizer for NAdam {
    fn name(&self) -> String {
        "nadam".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let NAdam { beta_1, beta_2, epsilon, momentum_decay, .. } = *self;
        let decay = Decay { weight_decay: self.weight_decay, decoupled: self.decoupled_weight_decay };
        UpdateRule::new(Rule { betas: Betas(beta_1, beta_2), epsilon, momentum_decay, decay })
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("momentum_decay", self.momentum_decay)?;
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for NAdam {
    const NAMES: &'static [&'static str] = &["nadam"];
    const USUAL_LEARNING_RATE: f64 = 2e-3;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        NAdam::new(learning_rate)
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
    momentum_decay: f64,
    decay: Decay,
}

/// What stays between two steps.
#[derive(Clone)]
struct NAdamState<const D: usize> {
    adam: AdamState<D>,
    /// The momentum coefficients of all steps so far, multiplied.
    product: f64,
}

/// By hand, since Burn's derive works inside Burn only.
impl<const D: usize> RecordState for NAdamState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        self.adam.state_flatten(prefix, out);
        out.push_scalar(prefix, "product", self.product.into());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let product = source.take_scalar(prefix, "product")?.try_into().ok()?;
        Some(NAdamState { adam: AdamState::state_unflatten(prefix, source, device)?, product })
    }
}

impl burn::optim::Optimizer for Rule {
    type State<const D: usize> = NAdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<NAdamState<D>>,
    ) -> (Tensor<D>, Option<NAdamState<D>>) {
        let Rule { betas, epsilon, momentum_decay, decay } = *self;
        let (parameter, gradient) = decay.apply(learning_rate, parameter, gradient);
        let (adam, product) = state.map_or((None, 1.0), |NAdamState { adam, product }| (Some(adam), product));
        let moments = betas.next(adam, gradient.clone());
        let coefficient = |step: usize| betas.0 * (1.0 - 0.5 * 0.96f64.powf(step as f64 * momentum_decay));
        let (now, next) = (coefficient(moments.time), coefficient(moments.time + 1));
        let product = product * now;
        let (_, correction) = betas.corrections(moments.time);
        let root = (moments.moment_2.clone() / correction).sqrt() + epsilon;
        let ahead = gradient * ((1.0 - now) / (1.0 - product))
            + moments.moment_1.clone() * (next / (1.0 - product * next));
        let parameter = parameter - ahead / root * learning_rate;
        (parameter, Some(NAdamState { adam: AdamState::new(moments), product }))
    }

    fn to_device<const D: usize>(mut state: NAdamState<D>, device: &Device) -> NAdamState<D> {
        state.adam.momentum = state.adam.momentum.to_device(device);
        state
    }
}

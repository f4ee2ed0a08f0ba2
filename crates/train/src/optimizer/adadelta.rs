//! Adadelta.

use burn::optim::{LearningRate, RecordState, StateSink, StateSource};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{below_one, not_negative, positive};
use super::plain::Decay;
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Adadelta ([Zeiler 2012](https://arxiv.org/abs/1212.5701)): each gradient is divided by the root of the mean of its squares
/// and multiplied by the root of the mean of the squared steps before, so that the learning rate is 1 as a rule.
///
/// ```
/// use fireclay_train::{Adadelta, Optimizer};
///
/// let adadelta = Adadelta::new(1.0);
/// assert_eq!((adadelta.name().as_str(), adadelta.rho, adadelta.epsilon), ("adadelta", 0.9, 1e-6));
/// assert!(Adadelta::new(1.0).rho(1.0).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adadelta {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// Decay rate of the means of squared gradients and of squared steps, in `[0, 1)`; 0.9 by default.
    pub rho: f64,
    /// Added to both means before their roots are taken; more than 0, 1e-6 by default.
    pub epsilon: f64,
    /// L2 penalty: this times the weight is added to its gradient; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl Adadelta {
    /// Adadelta with PyTorch's defaults, where the learning rate is 1.
    pub fn new(learning_rate: f64) -> Self {
        Adadelta { learning_rate, rho: 0.9, epsilon: 1e-6, weight_decay: 0.0 }
    }

    /// Sets the decay rate of both means, in `[0, 1)`.
    pub fn rho(mut self, rho: f64) -> Self {
        self.rho = rho;
        self
    }

    /// Sets what is added to both means; more than 0.
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

impl Optimizer for Adadelta {
    fn name(&self) -> String {
        "adadelta".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let Adadelta { learning_rate: _, rho, epsilon, weight_decay } = *self;
        UpdateRule::new(Rule { rho, epsilon, decay: Decay { weight_decay, decoupled: false } })
    }

    fn check(&self) -> Result<(), TrainError> {
        below_one("rho", self.rho)?;
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Adadelta {
    const NAMES: &'static [&'static str] = &["adadelta"];
    const USUAL_LEARNING_RATE: f64 = 1.0;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Adadelta::new(learning_rate)
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
    rho: f64,
    epsilon: f64,
    decay: Decay,
}

/// What stays between two steps.
#[derive(Clone)]
struct AdadeltaState<const D: usize> {
    /// Mean of squared gradients.
    squares: Tensor<D>,
    /// Mean of squared steps, without the learning rate.
    steps: Tensor<D>,
}

/// By hand, since Burn's derive works inside Burn only.
impl<const D: usize> RecordState for AdadeltaState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "squares", self.squares.to_data());
        out.push_tensor(prefix, "steps", self.steps.to_data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let squares = Tensor::from_data(source.take_tensor(prefix, "squares")?, device);
        let steps = Tensor::from_data(source.take_tensor(prefix, "steps")?, device);
        Some(AdadeltaState { squares, steps })
    }
}

impl burn::optim::Optimizer for Rule {
    type State<const D: usize> = AdadeltaState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdadeltaState<D>>,
    ) -> (Tensor<D>, Option<AdadeltaState<D>>) {
        let Rule { rho, epsilon, decay } = *self;
        let (parameter, gradient) = decay.apply(learning_rate, parameter, gradient);
        let zeros = || AdadeltaState { squares: gradient.zeros_like(), steps: gradient.zeros_like() };
        let AdadeltaState { squares, steps } = state.unwrap_or_else(zeros);
        let squares = squares * rho + gradient.clone().square() * (1.0 - rho);
        let step = (steps.clone() + epsilon).sqrt() / (squares.clone() + epsilon).sqrt() * gradient;
        let steps = steps * rho + step.clone().square() * (1.0 - rho);
        (parameter - step * learning_rate, Some(AdadeltaState { squares, steps }))
    }

    fn to_device<const D: usize>(state: AdadeltaState<D>, device: &Device) -> AdadeltaState<D> {
        AdadeltaState { squares: state.squares.to_device(device), steps: state.steps.to_device(device) }
    }
}

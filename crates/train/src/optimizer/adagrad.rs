//! Adagrad.

use burn::optim::decay::WeightDecayConfig;
use burn::optim::{AdaGrad, AdaGradConfig, AdaGradState, LearningRate, LrDecayState};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::BuiltIn;
use super::checks::{not_negative, positive};
use super::{BuiltInOptimizer, Optimizer, UpdateRule};
use crate::TrainError;

/// Adagrad ([Duchi et al. 2011](https://jmlr.org/papers/v12/duchi11a.html)): each gradient is divided by the root of the sum
/// of all its squares so far, `g / (sqrt(sum) + epsilon)`.
///
/// ```
/// use fireclay_train::{Adagrad, Optimizer};
///
/// // As in Keras; in PyTorch sums begin at 0.
/// let adagrad = Adagrad::new(1e-2).initial_accumulator_value(0.1);
/// assert_eq!((adagrad.name().as_str(), adagrad.learning_rate_decay, adagrad.epsilon), ("adagrad", 0.0, 1e-10));
/// assert!(adagrad.initial_accumulator_value(-0.1).check().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Adagrad {
    /// Size of a step; more than 0.
    pub learning_rate: f64,
    /// The learning rate of step `t`, from 0, is divided by `1 + t * learning_rate_decay`; 0 or more, 0 by default.
    pub learning_rate_decay: f64,
    /// What the sums of squares begin with; 0 or more, 0 by default.
    pub initial_accumulator_value: f64,
    /// Added to the root of the sum of squares; more than 0, 1e-10 by default.
    pub epsilon: f64,
    /// L2 penalty: this times the weight is added to its gradient; 0 or more, 0 by default.
    pub weight_decay: f64,
}

impl Adagrad {
    /// Adagrad with PyTorch's defaults.
    pub fn new(learning_rate: f64) -> Self {
        Adagrad {
            learning_rate,
            learning_rate_decay: 0.0,
            initial_accumulator_value: 0.0,
            epsilon: 1e-10,
            weight_decay: 0.0,
        }
    }

    /// Sets by how much the learning rate falls from step to step, 0 or more.
    pub fn learning_rate_decay(mut self, learning_rate_decay: f64) -> Self {
        self.learning_rate_decay = learning_rate_decay;
        self
    }

    /// Sets what the sums of squares begin with, 0 or more.
    pub fn initial_accumulator_value(mut self, initial_accumulator_value: f64) -> Self {
        self.initial_accumulator_value = initial_accumulator_value;
        self
    }

    /// Sets what is added to the root of the sum of squares; more than 0.
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

impl Optimizer for Adagrad {
    fn name(&self) -> String {
        "adagrad".into()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn update_rule(&self) -> UpdateRule {
        let decay = (self.weight_decay > 0.0).then(|| WeightDecayConfig::new(self.weight_decay as f32));
        let config = AdaGradConfig::new()
            .with_lr_decay(self.learning_rate_decay)
            .with_epsilon(self.epsilon as f32)
            .with_weight_decay(decay);
        UpdateRule::new(FromInitial { adagrad: config.build(), initial: self.initial_accumulator_value })
    }

    fn check(&self) -> Result<(), TrainError> {
        not_negative("learning_rate_decay", self.learning_rate_decay)?;
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        positive("learning_rate", self.learning_rate)?;
        positive("epsilon", self.epsilon)?;
        not_negative("weight_decay", self.weight_decay)
    }

    fn built_in(&self) -> Option<BuiltInOptimizer> {
        Some(self.clone().into())
    }
}

impl BuiltIn for Adagrad {
    const NAMES: &'static [&'static str] = &["adagrad"];
    const USUAL_LEARNING_RATE: f64 = 1e-2;

    fn by_name(_: &str, learning_rate: f64) -> Self {
        Adagrad::new(learning_rate)
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.learning_rate = learning_rate;
    }

    fn set_weight_decay(&mut self, weight_decay: f64) {
        self.weight_decay = weight_decay;
    }
}

/// Burn's Adagrad, with sums that begin at any value.
#[derive(Clone)]
struct FromInitial {
    adagrad: AdaGrad,
    initial: f64,
}

impl burn::optim::Optimizer for FromInitial {
    type State<const D: usize> = AdaGradState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdaGradState<D>>,
    ) -> (Tensor<D>, Option<AdaGradState<D>>) {
        let initial = || AdaGradState::new(LrDecayState::new(0, gradient.full_like(self.initial)));
        let state = state.unwrap_or_else(initial);
        self.adagrad.step(learning_rate, parameter, gradient, Some(state))
    }

    fn to_device<const D: usize>(state: AdaGradState<D>, device: &Device) -> AdaGradState<D> {
        <AdaGrad as burn::optim::Optimizer>::to_device(state, device)
    }
}

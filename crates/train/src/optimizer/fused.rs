//! Optimisers whose step is one pass over a parameter, as Burn's optimisers of modules.

use burn::optim::{AdamState, AdaptiveMomentumState, LearningRate, Optimizer};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{AdamSettings, adam_step};

/// Adam and AdamW. The state is that of Burn's Adam.
#[derive(Clone)]
pub(super) struct FusedAdam {
    pub(super) beta_1: f64,
    pub(super) beta_2: f64,
    pub(super) epsilon: f64,
    pub(super) weight_decay: f64,
    /// Whether weight decay is AdamW's.
    pub(super) decoupled: bool,
}

impl Optimizer for FusedAdam {
    type State<const D: usize> = AdamState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<AdamState<D>>,
    ) -> (Tensor<D>, Option<AdamState<D>>) {
        let FusedAdam { beta_1, beta_2, epsilon, weight_decay, decoupled } = *self;
        let settings = AdamSettings { learning_rate, beta_1, beta_2, epsilon, weight_decay, decoupled };
        let (steps, first, second) = match state {
            Some(AdamState { momentum }) => (momentum.time, momentum.moment_1, momentum.moment_2),
            None => (0, gradient.zeros_like(), gradient.zeros_like()),
        };
        let step = steps + 1;
        let (parameter, first, second) =
            adam_step(parameter, gradient, first, second, &settings, step as u64);
        (parameter, Some(AdamState::new(AdaptiveMomentumState::new(step, first, second))))
    }

    fn to_device<const D: usize>(mut state: AdamState<D>, device: &Device) -> AdamState<D> {
        state.momentum = state.momentum.to_device(device);
        state
    }
}

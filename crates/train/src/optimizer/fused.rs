//! Optimisers whose step is one pass over a parameter, as Burn's optimisers of modules.

use burn::optim::{
    AdamState, AdaptiveMomentumState, LearningRate, Optimizer, RecordState, StateSink, StateSource,
};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{AdamSettings, MuonSettings, SgdSettings, adam_step, muon_step, sgd_step};

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

/// Stochastic gradient descent.
#[derive(Clone)]
pub(super) struct FusedSgd {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) weight_decay: f64,
}

/// What stays between two steps, if there is momentum.
#[derive(Clone)]
pub(super) struct SgdState<const D: usize> {
    /// The step before, without the learning rate.
    velocity: Tensor<D>,
}

/// By hand, since Burn's derive works inside Burn only.
impl<const D: usize> RecordState for SgdState<D> {
    fn state_flatten(&self, prefix: &str, out: &mut StateSink) {
        out.push_tensor(prefix, "velocity", self.velocity.to_data());
    }

    fn state_unflatten(prefix: &str, source: &mut StateSource, device: &Device) -> Option<Self> {
        let velocity = source.take_tensor(prefix, "velocity")?;
        Some(SgdState { velocity: Tensor::from_data(velocity, device) })
    }
}

impl Optimizer for FusedSgd {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        let FusedSgd { momentum, nesterov, weight_decay } = *self;
        let settings = SgdSettings { learning_rate, momentum, nesterov, weight_decay };
        let velocity = state.map(|state| state.velocity);
        let (parameter, velocity) = sgd_step(parameter, gradient, velocity, &settings);
        (parameter, velocity.map(|velocity| SgdState { velocity }))
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        SgdState { velocity: state.velocity.to_device(device) }
    }
}

/// Muon, for matrices and the kernels of convolutions; the state is a velocity.
#[derive(Clone)]
pub(super) struct FusedMuon {
    pub(super) momentum: f64,
    pub(super) nesterov: bool,
    pub(super) weight_decay: f64,
    pub(super) normalized: bool,
    pub(super) iterations: usize,
}

impl Optimizer for FusedMuon {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<SgdState<D>>,
    ) -> (Tensor<D>, Option<SgdState<D>>) {
        let FusedMuon { momentum, nesterov, weight_decay, normalized, iterations } = *self;
        let settings =
            MuonSettings { learning_rate, momentum, nesterov, weight_decay, normalized, iterations };
        let velocity = state.map_or_else(|| gradient.zeros_like(), |state| state.velocity);
        let (parameter, velocity) = muon_step(parameter, gradient, velocity, &settings);
        (parameter, Some(SgdState { velocity }))
    }

    fn to_device<const D: usize>(state: SgdState<D>, device: &Device) -> SgdState<D> {
        SgdState { velocity: state.velocity.to_device(device) }
    }
}

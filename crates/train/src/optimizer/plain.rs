//! What optimisers in plain operations of Burn have in common.

use burn::optim::{AdamState, AdaptiveMomentumState};
use burn::tensor::Tensor;

/// Weight decay, in either form.
#[derive(Clone, Copy)]
pub(super) struct Decay {
    pub(super) weight_decay: f64,
    /// Whether it shrinks the parameter, as AdamW does, rather than being added to the gradient.
    pub(super) decoupled: bool,
}

impl Decay {
    /// A parameter and its gradient with it.
    pub(super) fn apply<const D: usize>(
        self,
        learning_rate: f64,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
    ) -> (Tensor<D>, Tensor<D>) {
        match self {
            Decay { weight_decay: 0.0, .. } => (parameter, gradient),
            Decay { decoupled: true, weight_decay } => {
                (parameter * (1.0 - learning_rate * weight_decay), gradient)
            }
            Decay { decoupled: false, weight_decay } => {
                (parameter.clone(), gradient + parameter * weight_decay)
            }
        }
    }
}

/// The decay rates of Adam's two moments.
#[derive(Clone, Copy)]
pub(super) struct Betas(pub(super) f64, pub(super) f64);

impl Betas {
    /// The moments after one more gradient, and how many there were.
    pub(super) fn next<const D: usize>(
        self,
        state: Option<AdamState<D>>,
        gradient: Tensor<D>,
    ) -> AdaptiveMomentumState<D> {
        let Betas(beta_1, beta_2) = self;
        let (steps, first, second) = match state {
            Some(AdamState { momentum }) => (momentum.time, momentum.moment_1, momentum.moment_2),
            None => (0, gradient.zeros_like(), gradient.zeros_like()),
        };
        let first = first * beta_1 + gradient.clone() * (1.0 - beta_1);
        let second = second * beta_2 + gradient.square() * (1.0 - beta_2);
        AdaptiveMomentumState::new(steps + 1, first, second)
    }

    /// By how much the moments are too small after so many steps from 0.
    pub(super) fn corrections(self, steps: usize) -> (f64, f64) {
        let Betas(beta_1, beta_2) = self;
        (1.0 - beta_1.powf(steps as f64), 1.0 - beta_2.powf(steps as f64))
    }
}

//! Tanh and the logistic function under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{Saturating, SaturatingGradient, SaturatingOp};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct Saturate;

impl<B: SaturatingGradient> Backward<B, 1> for Saturate {
    /// The output, and the function. Not rounded while it waits: slopes are differences to 1, which rounding would take away.
    type State = (FloatTensor<B>, Saturating);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |(output, function), gradient, _| {
            [Some(B::saturating_backward(output, gradient, function))]
        });
    }
}

impl<B: SaturatingGradient, C: CheckpointStrategy> SaturatingOp for Autodiff<B, C> {
    fn saturating(input: FloatTensor<Self>, function: Saturating) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        match Saturate.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::saturating(input, function)),
            OpsKind::Tracked(prep) => {
                let output = B::saturating(input, function);
                prep.finish((output.clone(), function), output)
            }
        }
    }
}

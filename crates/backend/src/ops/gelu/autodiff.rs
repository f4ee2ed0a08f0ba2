//! GELU under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{GeluGradient, GeluOp};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct Gelu;

impl<B: GeluGradient> Backward<B, 1> for Gelu {
    /// The input.
    type State = B::Stored;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |input, gradient, _| {
            [Some(B::gelu_exact_backward(B::restore(input), gradient))]
        });
    }
}

impl<B: GeluGradient, C: CheckpointStrategy> GeluOp for Autodiff<B, C> {
    fn gelu_exact(input: FloatTensor<Self>) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        match Gelu.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::gelu_exact(input)),
            OpsKind::Tracked(prep) => prep.finish(B::store(input.clone()), B::gelu_exact(input)),
        }
    }
}

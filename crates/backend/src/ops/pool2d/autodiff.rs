//! Pooling under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{Pool2d, Pool2dGradient, Pool2dOp, Pool2dTape};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct Pooling;

impl<B: Pool2dGradient> Backward<B, 1> for Pooling {
    type State = (Pool2dTape<B>, Pool2d);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |(tape, pool), gradient, _| {
            [Some(B::pool2d_backward(tape, pool, gradient))]
        });
    }
}

impl<B: Pool2dGradient, C: CheckpointStrategy> Pool2dOp for Autodiff<B, C> {
    fn pool2d(input: FloatTensor<Self>, pool: Pool2d) -> FloatTensor<Self> {
        let (input, node) = input.into_parts();
        match Pooling.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::pool2d(input, pool)),
            OpsKind::Tracked(prep) => {
                let (output, tape) = B::pool2d_for_training(input, pool);
                prep.finish((tape, pool), output)
            }
        }
    }
}

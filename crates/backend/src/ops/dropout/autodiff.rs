//! Dropout under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{DropoutGradient, DropoutOp, DropoutSeed, reference};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct Dropout;

impl<B: DropoutGradient> Backward<B, 1> for Dropout {
    /// Rate and seed.
    type State = (f64, DropoutSeed);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |(rate, seed), gradient, _| {
            [Some(B::dropout_by_seed(gradient, rate, seed))]
        });
    }
}

impl<B: DropoutGradient, C: CheckpointStrategy> DropoutOp for Autodiff<B, C> {
    fn dropout_values(input: FloatTensor<Self>, rate: f64) -> FloatTensor<Self> {
        let Some(seed) = B::dropout_seed(input.primitive()) else {
            return reference::forward::<Self>(input, rate);
        };
        let (input, node) = input.into_parts();
        let output = B::dropout_by_seed(input, rate, seed);
        match Dropout.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(output),
            OpsKind::Tracked(prep) => prep.finish((rate, seed), output),
        }
    }
}

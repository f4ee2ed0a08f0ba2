//! Layer normalisation under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{LayerNormGradient, LayerNormOp};
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct LayerNorm;

impl<B: LayerNormGradient> Backward<B, 3> for LayerNorm {
    /// Input, weight and epsilon.
    type State = (B::Stored, FloatTensor<B>, f64);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 3>(ops, grads, |(input, weight, epsilon), gradient, _| {
            B::layer_norm_backward(B::restore(input), weight, epsilon, gradient)
        });
    }
}

impl<B: LayerNormGradient, C: CheckpointStrategy> LayerNormOp for Autodiff<B, C> {
    fn layer_norm_rows(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let bias = bias.into_option();
        let nodes = [input.node(), weight.node(), node_or_untracked::<B, C>(bias.as_ref(), &input)];
        let (input, weight) = (input.into_primitive(), weight.into_primitive());
        let bias = Maybe::new(bias.map(|bias| bias.into_primitive()));
        match LayerNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::layer_norm_rows(input, weight, bias, epsilon)),
            OpsKind::Tracked(prep) => {
                let output = B::layer_norm_rows(input.clone(), weight.clone(), bias, epsilon);
                prep.finish((B::store(input), weight, epsilon), output)
            }
        }
    }
}

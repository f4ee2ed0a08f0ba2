//! Convolution under autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, TensorMetadata};
use burn::tensor::Shape;

use super::{Conv2dFused, Conv2dGradient, Conv2dKept, Conv2dOp};
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::Maybe;
use crate::ops::sample_norms;

#[derive(Debug)]
struct Conv2d;

impl<B: Conv2dGradient> Backward<B, 3> for Conv2d {
    type State = Conv2dKept<B>;

    fn backward(self, ops: Ops<Conv2dKept<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        if sample_norms::gathers_sample_norms() {
            let weight = ops.state.weight.shape();
            let bias = Shape::new([weight[0]]);
            let shapes = [None, Some(weight), Some(bias)];
            return sample_norms::run_backward::<B, _, 3>(ops, grads, shapes, |kept, gradient, wanted| {
                let (by_input, squares) = B::conv2d_fused_squares(kept, gradient, wanted);
                ([by_input, None, None], squares)
            });
        }
        run_backward::<B, _, 3>(ops, grads, B::conv2d_fused_backward);
    }
}

impl<B: Conv2dGradient, C: CheckpointStrategy> Conv2dOp for Autodiff<B, C> {
    fn conv2d_fused(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        fused: Conv2dFused,
    ) -> FloatTensor<Self> {
        let bias = bias.into_option();
        let nodes = [input.node(), weight.node(), node_or_untracked::<B, C>(bias.as_ref(), &input)];
        let (input, weight) = (input.into_primitive(), weight.into_primitive());
        let bias = bias.map(|bias| bias.into_primitive());
        match Conv2d.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::conv2d_fused(input, weight, Maybe::new(bias), fused)),
            OpsKind::Tracked(prep) => {
                let image = input.shape().dims();
                let (output, tape) = B::conv2d_fused_for_training(input, weight.clone(), bias, fused);
                prep.finish(Conv2dKept { image, weight, tape, fused }, output)
            }
        }
    }
}

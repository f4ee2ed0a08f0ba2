//! The feed-forward network under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{FeedForwardGradient, FeedForwardKept, FeedForwardOp, FeedForwardOptions, reference};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct FeedForward;

impl<B: FeedForwardGradient> Backward<B, 5> for FeedForward {
    type State = FeedForwardKept<B>;

    fn backward(self, ops: Ops<FeedForwardKept<B>, 5>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 5>(ops, grads, |kept, gradient, _| B::feed_forward_backward(kept, gradient));
    }
}

impl<B: FeedForwardGradient, C: CheckpointStrategy> FeedForwardOp for Autodiff<B, C> {
    fn feed_forward_rows(
        input: FloatTensor<Self>,
        weight1: FloatTensor<Self>,
        bias1: FloatTensor<Self>,
        weight2: FloatTensor<Self>,
        bias2: FloatTensor<Self>,
        options: FeedForwardOptions,
    ) -> FloatTensor<Self> {
        let tensors = [input, weight1, bias1, weight2, bias2];
        if !B::feed_forward_has_kernel(tensors.each_ref().map(|tensor| tensor.primitive())) {
            let [input, weights @ ..] = tensors;
            return reference::forward::<Self>(input, weights, options);
        }
        let nodes = tensors.each_ref().map(|tensor| tensor.node());
        let tensors = tensors.map(|tensor| tensor.into_primitive());
        match FeedForward.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                let [input, weight1, bias1, weight2, bias2] = tensors;
                prep.finish(B::feed_forward_rows(input, weight1, bias1, weight2, bias2, options))
            }
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::feed_forward_for_training(tensors, options);
                prep.finish(kept, output)
            }
        }
    }
}

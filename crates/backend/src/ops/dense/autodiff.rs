//! The dense layer under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{DenseGradient, DenseKept, DenseOp};
use crate::ops::Activation;
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct Dense;

impl<B: DenseGradient> Backward<B, 3> for Dense {
    type State = DenseKept<B>;

    fn backward(self, ops: Ops<DenseKept<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 3>(ops, grads, B::dense_backward);
    }
}

impl<B: DenseGradient, C: CheckpointStrategy> DenseOp for Autodiff<B, C> {
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let bias = bias.into_option();
        let nodes = [input.node(), weight.node(), node_or_untracked::<B, C>(bias.as_ref(), &input)];
        let (input, weight) = (input.into_primitive(), weight.into_primitive());
        let bias = Maybe::new(bias.map(|bias| bias.into_primitive()));
        match Dense.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::dense(input, weight, bias, activation)),
            OpsKind::Tracked(prep) => {
                let output = B::dense_for_training(input.clone(), weight.clone(), bias, activation);
                let kept = DenseKept { input, weight, output: activation.kept(&output), activation };
                prep.finish(kept, output)
            }
        }
    }
}

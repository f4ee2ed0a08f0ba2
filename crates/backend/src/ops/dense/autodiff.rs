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
    type State = State<B>;

    fn backward(self, ops: Ops<State<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 3>(ops, grads, |state, gradient, wanted| {
            let State { input, weight, output, activation } = state;
            let (input, output) = (B::restore(input), output.map(B::restore));
            B::dense_backward(DenseKept { input, weight, output, activation }, gradient, wanted)
        });
    }
}

/// [`DenseKept`] until it is read.
#[derive(Clone, Debug)]
struct State<B: DenseGradient> {
    input: B::Stored,
    weight: FloatTensor<B>,
    output: Option<B::Stored>,
    activation: Activation,
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
                let kept = activation.kept(&output).map(B::store);
                let state = State { input: B::store(input), weight, output: kept, activation };
                prep.finish(state, output)
            }
        }
    }
}

//! A recurrent network under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{
    PARENTS, RecurrentGradient, RecurrentKept, RecurrentOp, RecurrentSettings, RecurrentTensors, reference,
};
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct Recurrent;

impl<B: RecurrentGradient> Backward<B, PARENTS> for Recurrent {
    type State = RecurrentKept<B>;

    fn backward(self, ops: Ops<RecurrentKept<B>, PARENTS>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, PARENTS>(ops, grads, B::recurrent_backward);
    }
}

impl<B: RecurrentGradient, C: CheckpointStrategy> RecurrentOp for Autodiff<B, C> {
    fn recurrent_sequence(tensors: RecurrentTensors<Self>, settings: RecurrentSettings) -> FloatTensor<Self> {
        let RecurrentTensors { input, weight_ih, weight_hh, bias, .. } = &tensors;
        let [bias_new, initial_h, initial_c, mask] =
            [&tensors.bias_new, &tensors.initial_h, &tensors.initial_c, &tensors.recurrent_dropout]
                .map(Maybe::as_option);
        let all =
            [Some(input), Some(weight_ih), Some(weight_hh), Some(bias), bias_new, initial_h, initial_c, mask];
        let all: Vec<_> = all.into_iter().flatten().map(|tensor| tensor.primitive()).collect();
        if !B::recurrent_has_kernel(&all) {
            return reference::forward::<Self>(tensors, settings);
        }
        let nodes = [
            input.node(),
            weight_ih.node(),
            weight_hh.node(),
            bias.node(),
            node_or_untracked::<B, C>(bias_new, input),
            node_or_untracked::<B, C>(initial_h, input),
            node_or_untracked::<B, C>(initial_c, input),
        ];
        let inner =
            |tensor: Maybe<Self>| Maybe::new(tensor.into_option().map(|tensor| tensor.into_primitive()));
        let tensors = RecurrentTensors {
            input: tensors.input.into_primitive(),
            weight_ih: tensors.weight_ih.into_primitive(),
            weight_hh: tensors.weight_hh.into_primitive(),
            bias: tensors.bias.into_primitive(),
            bias_new: inner(tensors.bias_new),
            initial_h: inner(tensors.initial_h),
            initial_c: inner(tensors.initial_c),
            tokens: tensors.tokens.on(),
            lengths: tensors.lengths.on(),
            recurrent_dropout: inner(tensors.recurrent_dropout),
        };
        match Recurrent.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::recurrent_sequence(tensors, settings)),
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::recurrent_for_training(tensors, settings);
                prep.finish(kept, output)
            }
        }
    }
}

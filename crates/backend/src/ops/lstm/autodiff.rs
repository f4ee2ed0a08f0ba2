//! An LSTM under autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};

use super::{LstmGradient, LstmKept, LstmOp, LstmSettings, LstmTensors, reference};
use crate::ops::gradient::run_backward;
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct Lstm;

impl<B: LstmGradient> Backward<B, 4> for Lstm {
    type State = LstmKept<B>;

    fn backward(self, ops: Ops<LstmKept<B>, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 4>(ops, grads, B::lstm_backward);
    }
}

impl<B: LstmGradient, C: CheckpointStrategy> LstmOp for Autodiff<B, C> {
    fn lstm_sequence(tensors: LstmTensors<Self>, settings: LstmSettings) -> FloatTensor<Self> {
        let LstmTensors { input, weight_ih, weight_hh, bias, tokens, lengths, recurrent_dropout } = tensors;
        let mask = recurrent_dropout.into_option().map(|mask| mask.into_primitive());
        let mut all = [&input, &weight_ih, &weight_hh, &bias].map(|tensor| tensor.primitive()).to_vec();
        all.extend(&mask);
        if !B::lstm_has_kernel(&all) {
            let recurrent_dropout = Maybe::new(mask.map(Self::from_inner));
            let tensors =
                LstmTensors { input, weight_ih, weight_hh, bias, tokens, lengths, recurrent_dropout };
            return reference::forward::<Self>(tensors, settings);
        }
        let nodes = [input.node(), weight_ih.node(), weight_hh.node(), bias.node()];
        let tensors = LstmTensors {
            input: input.into_primitive(),
            weight_ih: weight_ih.into_primitive(),
            weight_hh: weight_hh.into_primitive(),
            bias: bias.into_primitive(),
            tokens: tokens.on(),
            lengths: lengths.on(),
            recurrent_dropout: Maybe::new(mask),
        };
        match Lstm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::lstm_sequence(tensors, settings)),
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::lstm_for_training(tensors, settings);
                prep.finish(kept, output)
            }
        }
    }
}

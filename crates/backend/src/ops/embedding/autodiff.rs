//! The embedding under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};

use super::{EmbeddingGradient, EmbeddingOp};
use crate::ops::gradient::run_backward;

#[derive(Debug)]
struct Embedding;

impl<B: EmbeddingGradient> Backward<B, 1> for Embedding {
    type State = (FloatTensor<B>, IntTensor<B>, Option<usize>);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |(weight, tokens, padding_idx), gradient, _| {
            [Some(B::embedding_rows_backward(weight, tokens, padding_idx, gradient))]
        });
    }
}

impl<B: EmbeddingGradient, C: CheckpointStrategy> EmbeddingOp for Autodiff<B, C> {
    fn embedding_rows(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
    ) -> FloatTensor<Self> {
        let (weight, node) = weight.into_parts();
        match Embedding.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::embedding_rows(weight, tokens, padding_idx)),
            OpsKind::Tracked(prep) => {
                let output = B::embedding_rows(weight.clone(), tokens.clone(), padding_idx);
                prep.finish((weight, tokens, padding_idx), output)
            }
        }
    }
}

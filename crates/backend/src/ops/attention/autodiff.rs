//! Self-attention under autodiff.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{AttentionGradient, AttentionKept, AttentionOp, AttentionSettings, reference};
use crate::ops::gradient::run_backward;
use crate::ops::maybe::MaybeInt;

#[derive(Debug)]
struct Attention;

impl<B: AttentionGradient> Backward<B, 1> for Attention {
    type State = AttentionKept<B>;

    fn backward(self, ops: Ops<AttentionKept<B>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |kept, gradient, _| {
            [Some(B::attention_backward(kept, gradient))]
        });
    }
}

impl<B: AttentionGradient, C: CheckpointStrategy> AttentionOp for Autodiff<B, C> {
    fn self_attention(
        projected: FloatTensor<Self>,
        lengths: MaybeInt<Self>,
        settings: AttentionSettings,
    ) -> FloatTensor<Self> {
        if !B::attention_has_kernel(projected.primitive()) {
            return reference::forward::<Self>(projected, lengths.into_option(), settings);
        }
        let (projected, node) = projected.into_parts();
        match Attention.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => prep.finish(B::self_attention(projected, lengths.on(), settings)),
            OpsKind::Tracked(prep) => {
                let (output, kept) = B::attention_for_training(projected, lengths.into_option(), settings);
                prep.finish(kept, output)
            }
        }
    }
}

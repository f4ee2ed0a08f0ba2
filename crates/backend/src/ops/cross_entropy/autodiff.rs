//! Cross-entropy under autodiff.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend};
use burn::tensor::Shape;

use super::{CrossEntropyGradient, CrossEntropyOp};
use crate::ops::gradient::run_backward;
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct CrossEntropy;

impl<B: Backend> Backward<B, 1> for CrossEntropy {
    /// The gradient of the loss by the logits.
    type State = FloatTensor<B>;

    fn backward(self, ops: Ops<FloatTensor<B>, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 1>(ops, grads, |by_logits, gradient, _| {
            let scale = B::float_reshape(gradient, Shape::new([1, 1]));
            [Some(B::float_mul(by_logits, scale))]
        });
    }
}

impl<B: CrossEntropyGradient, C: CheckpointStrategy> CrossEntropyOp for Autodiff<B, C> {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        class_weights: Maybe<Self>,
        label_smoothing: f32,
    ) -> FloatTensor<Self> {
        let (logits, node) = logits.into_parts();
        let weights = class_weights.into_option().map(|weights| weights.into_primitive());
        match CrossEntropy.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                prep.finish(B::cross_entropy(logits, targets, Maybe::new(weights), label_smoothing))
            }
            OpsKind::Tracked(prep) => {
                let (loss, gradient) =
                    B::cross_entropy_for_training(logits, targets, weights, label_smoothing);
                prep.finish(gradient, loss)
            }
        }
    }
}

//! A last dense layer with its cross-entropy under autodiff: the gradients are made in the forward pass, while the logits are at
//! hand, and the backward pass only scales them.

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Backend, TensorMetadata};
use burn::tensor::Shape;

use super::{DenseCrossEntropyGradient, DenseCrossEntropyOp, reference};
use crate::ops::gradient::{node_or_untracked, run_backward};
use crate::ops::maybe::Maybe;

#[derive(Debug)]
struct DenseCrossEntropy;

impl<B: Backend> Backward<B, 3> for DenseCrossEntropy {
    /// The gradients of the loss by input, weight and bias.
    type State = [FloatTensor<B>; 3];

    fn backward(self, ops: Ops<[FloatTensor<B>; 3], 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        run_backward::<B, _, 3>(ops, grads, |gradients, gradient, wanted| {
            let mut wanted = wanted.into_iter();
            gradients.map(|by| {
                let scale: Shape = vec![1; by.shape().num_dims()].into();
                let wanted = wanted.next().unwrap_or_default();
                wanted.then(|| B::float_mul(by, B::float_reshape(gradient.clone(), scale)))
            })
        });
    }
}

impl<B: DenseCrossEntropyGradient, C: CheckpointStrategy> DenseCrossEntropyOp for Autodiff<B, C> {
    fn dense_cross_entropy(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        targets: IntTensor<Self>,
        class_weights: Maybe<Self>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        let others = [bias.as_option(), class_weights.as_option()];
        let others = others.map(|tensor| tensor.map(|tensor| tensor.primitive()));
        if !B::dense_cross_entropy_has_kernel([input.primitive(), weight.primitive()], others) {
            return reference::forward::<Self>(input, weight, bias, targets, class_weights, label_smoothing);
        }
        let bias = bias.into_option();
        let nodes = [input.node(), weight.node(), node_or_untracked::<B, C>(bias.as_ref(), &input)];
        let (input, weight) = (input.into_primitive(), weight.into_primitive());
        let [bias, class_weights] =
            [bias, class_weights.into_option()].map(|tensor| tensor.map(|tensor| tensor.into_primitive()));
        match DenseCrossEntropy.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::UnTracked(prep) => {
                let (bias, class_weights) = (Maybe::new(bias), Maybe::new(class_weights));
                let (loss, correct) =
                    B::dense_cross_entropy(input, weight, bias, targets, class_weights, label_smoothing);
                (prep.finish(loss), correct)
            }
            OpsKind::Tracked(prep) => {
                let (loss, correct, gradients) = B::dense_cross_entropy_for_training(
                    input,
                    weight,
                    bias,
                    targets,
                    class_weights,
                    label_smoothing,
                );
                (prep.finish(gradients, loss), correct)
            }
        }
    }
}

//! A dense layer, and the cross-entropy of its logits.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata, get_or_init_device_settings};
use burn::tensor::Shape;

use crate::ops::Activation;
use crate::ops::cross_entropy::CrossEntropyOp;
use crate::ops::dense::DenseOp;
use crate::ops::maybe::Maybe;

pub(super) fn forward<B: DenseOp + CrossEntropyOp>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Maybe<B>,
    targets: IntTensor<B>,
    class_weights: Maybe<B>,
    label_smoothing: f32,
) -> (FloatTensor<B>, IntTensor<B>) {
    let logits = B::dense(input, weight, bias, Activation::None);
    let correct = correct::<B>(logits.clone(), targets.clone());
    (B::cross_entropy(logits, targets, class_weights, label_smoothing), correct)
}

/// `[1]`: rows whose greatest logit, the first of equal ones, is the target's.
fn correct<B: Backend>(logits: FloatTensor<B>, targets: IntTensor<B>) -> IntTensor<B> {
    let settings = get_or_init_device_settings::<B>(&logits.device());
    let rows = Shape::new([logits.shape()[0]]);
    let greatest = B::int_reshape(B::float_argmax(logits, 1, targets.dtype().into()), rows);
    let is_right = B::int_equal(greatest, targets, settings.bool_dtype);
    B::int_sum(B::bool_into_int(is_right, settings.int_dtype))
}

//! Cross-entropy on Flex.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use fireclay_kernels::{self as kernels, Values};

use super::{CrossEntropyGradient, CrossEntropyOp, reference};
use crate::flex_tensor::{all_f32, contiguous, contiguous_ints, from_values};
use crate::instructions::cpu;
use crate::ops::maybe::Maybe;

impl CrossEntropyOp for Flex {
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        class_weights: Maybe<Self>,
        label_smoothing: f32,
    ) -> FloatTensor<Self> {
        let class_weights = class_weights.into_option();
        if !all_f32([&logits].into_iter().chain(&class_weights)) {
            return reference::forward::<Self>(logits, targets, class_weights, label_smoothing);
        }
        loss(logits, targets, class_weights, label_smoothing, None)
    }
}

impl CrossEntropyGradient for Flex {
    fn cross_entropy_for_training(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        class_weights: Option<FloatTensor<Self>>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32([&logits].into_iter().chain(&class_weights)) {
            return reference::forward_for_training::<Self>(logits, targets, class_weights, label_smoothing);
        }
        let shape = logits.layout().shape().clone();
        let mut gradient = Values::unspecified(shape.num_elements());
        let loss = loss(logits, targets, class_weights, label_smoothing, Some(&mut gradient));
        (loss, from_values(gradient, shape))
    }
}

fn loss(
    logits: FloatTensor<Flex>,
    targets: IntTensor<Flex>,
    class_weights: Option<FloatTensor<Flex>>,
    label_smoothing: f32,
    gradient: Option<&mut [f32]>,
) -> FloatTensor<Flex> {
    let classes = logits.layout().shape()[1];
    let (logits, targets) = (contiguous(logits), contiguous_ints(targets));
    let class_weights = class_weights.map(contiguous);
    let kind = kernels::CrossEntropy { label_smoothing, class_weights: class_weights.as_deref() };
    let loss = kernels::cross_entropy(cpu(), kind, classes, &logits, &targets, gradient);
    from_values(vec![loss.mean], [1])
}

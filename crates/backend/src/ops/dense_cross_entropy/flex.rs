//! A last dense layer with its cross-entropy on Flex.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{DenseCrossEntropyGradient, DenseCrossEntropyOp};
use crate::flex_tensor::{all_f32, contiguous, contiguous_ints, from_ints, from_values};
use crate::instructions::cpu;

impl DenseCrossEntropyOp for Flex {}

impl DenseCrossEntropyGradient for Flex {
    fn dense_cross_entropy_has_kernel(
        tensors: [&FloatTensor<Self>; 2],
        others: [Option<&FloatTensor<Self>>; 2],
    ) -> bool {
        all_f32(tensors.into_iter().chain(others.into_iter().flatten())) && shape(tensors).pays()
    }

    fn dense_cross_entropy_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        targets: IntTensor<Self>,
        class_weights: Option<FloatTensor<Self>>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, IntTensor<Self>, [FloatTensor<Self>; 3]) {
        let shape = shape([&input, &weight]);
        let kernels::DenseCrossEntropyShape { rows, features, classes, turned } = shape;
        let weight = contiguous(if turned { weight.transpose(0, 1) } else { weight });
        let (input, targets) = (contiguous(input), contiguous_ints(targets));
        let [bias, class_weights] = [bias, class_weights].map(|tensor| tensor.map(contiguous));
        let [mut by_input, mut by_weight, mut by_bias] =
            [rows * features, features * classes, classes].map(Values::unspecified);
        let into = kernels::DenseCrossEntropyGradients {
            input: &mut by_input,
            weight: &mut by_weight,
            bias: &mut by_bias,
        };
        let kind = kernels::CrossEntropy { label_smoothing, class_weights: class_weights.as_deref() };
        let bias = bias.as_deref();
        let loss = kernels::dense_cross_entropy(cpu(), kind, &shape, &input, &weight, bias, &targets, into);
        let by_weight = match turned {
            false => from_values(by_weight, [features, classes]),
            true => from_values(by_weight, [classes, features]).transpose(0, 1),
        };
        let gradients = [from_values(by_input, [rows, features]), by_weight, from_values(by_bias, [classes])];
        (from_values(vec![loss.mean], [1]), from_ints(vec![loss.correct as i64], [1]), gradients)
    }
}

fn shape([input, weight]: [&FloatTensor<Flex>; 2]) -> kernels::DenseCrossEntropyShape {
    let ([rows, features], [_, classes]) = (input.shape().dims(), weight.shape().dims());
    let turned = !weight.is_contiguous() && weight.transpose(0, 1).is_contiguous();
    kernels::DenseCrossEntropyShape { rows, features, classes, turned }
}

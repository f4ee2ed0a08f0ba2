//! The dense layer in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::DenseKept;
use crate::ops::Activation;
use crate::ops::product::product;

pub(super) fn forward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    activation: Activation,
) -> FloatTensor<B> {
    let product = product::<B>(input, weight);
    let sum = match bias {
        Some(bias) => {
            let row = Shape::new([1, bias.shape()[0]]);
            B::float_add(product, B::float_reshape(bias, row))
        }
        None => product,
    };
    activation.forward::<B>(sum)
}

pub(super) fn backward<B: Backend>(
    kept: DenseKept<B>,
    gradient: FloatTensor<B>,
    [for_input, for_weight, for_bias]: [bool; 3],
) -> [Option<FloatTensor<B>>; 3] {
    let gradient = kept.activation.backward::<B>(kept.output, gradient);
    let input = for_input.then(|| product::<B>(gradient.clone(), B::float_transpose(kept.weight)));
    let weight = for_weight.then(|| product::<B>(B::float_transpose(kept.input), gradient.clone()));
    let bias = for_bias.then(|| {
        let width = Shape::new([gradient.shape()[1]]);
        B::float_reshape(B::float_sum_dim(gradient, 0), width)
    });
    [input, weight, bias]
}

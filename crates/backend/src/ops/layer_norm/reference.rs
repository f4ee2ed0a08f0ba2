//! Layer normalisation in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

pub(super) fn forward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
    epsilon: f64,
) -> FloatTensor<B> {
    B::layer_norm(input, weight, bias, epsilon)
}

pub(super) fn backward<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    epsilon: f64,
    gradient: FloatTensor<B>,
) -> [Option<FloatTensor<B>>; 3] {
    let (shape, features) = (input.shape(), weight.shape()[0]);
    let rows = Shape::new([shape.num_elements() / features.max(1), features]);
    let (input, gradient) = (B::float_reshape(input, rows.clone()), B::float_reshape(gradient, rows));
    let centered = B::float_sub(input.clone(), B::float_mean_dim(input, 1));
    let variance = B::float_mean_dim(B::float_mul(centered.clone(), centered.clone()), 1);
    let deviation = B::float_sqrt(B::float_add_scalar(variance, epsilon.into()));
    let normed = B::float_div(centered, deviation.clone());

    let by_normed = B::float_mul(gradient.clone(), B::float_reshape(weight, Shape::new([1, features])));
    let level = B::float_mean_dim(by_normed.clone(), 1);
    let along = B::float_mean_dim(B::float_mul(by_normed.clone(), normed.clone()), 1);
    let left = B::float_sub(B::float_sub(by_normed, level), B::float_mul(normed.clone(), along));
    let by_input = B::float_reshape(B::float_div(left, deviation), shape);
    let sum = |rows| B::float_reshape(B::float_sum_dim(rows, 0), Shape::new([features]));
    [Some(by_input), Some(sum(B::float_mul(gradient.clone(), normed))), Some(sum(gradient))]
}

//! Dropout in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Distribution;

pub(super) fn forward<B: Backend>(input: FloatTensor<B>, rate: f64) -> FloatTensor<B> {
    let kept = 1.0 - rate;
    let (shape, device, dtype) = (input.shape(), input.device(), input.dtype().into());
    let mask = B::float_random(shape, Distribution::Bernoulli(kept), &device, dtype);
    B::float_mul(input, B::float_mul_scalar(mask, (1.0 / kept).into()))
}

//! Dropout in Burn's operations.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Distribution, Slice};

use crate::random::batch_part;

pub(super) fn forward<B: Backend>(input: FloatTensor<B>, rate: f64) -> FloatTensor<B> {
    let kept = 1.0 - rate;
    let mask = random_mask::<B>(&input, kept);
    B::float_mul(input, B::float_mul_scalar(mask, (1.0 / kept).into()))
}

/// 1 with a probability, else 0, for each value of a tensor; of a part of a batch as in the whole one.
pub(crate) fn random_mask<B: Backend>(of: &FloatTensor<B>, probability: f64) -> FloatTensor<B> {
    let (shape, device, dtype) = (of.shape(), of.device(), of.dtype().into());
    let drawn = |shape| B::float_random(shape, Distribution::Bernoulli(probability), &device, dtype);
    let rows = shape.first().copied().unwrap_or(0);
    let Some((before, whole)) = batch_part().and_then(|part| part.of(rows)) else {
        return drawn(shape);
    };
    let mut of_whole = shape.clone();
    of_whole[0] = whole;
    let slices: Vec<Slice> = std::iter::once(before..before + rows)
        .chain(shape.iter().skip(1).map(|size| 0..*size))
        .map(Slice::from)
        .collect();
    B::float_slice(drawn(of_whole), &slices)
}

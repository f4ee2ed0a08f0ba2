//! The embedding in Burn's operations.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice};

pub(super) fn forward<B: Backend>(weight: FloatTensor<B>, tokens: IntTensor<B>) -> FloatTensor<B> {
    B::embedding(weight, tokens)
}

pub(super) fn backward<B: Backend>(
    weight: FloatTensor<B>,
    tokens: IntTensor<B>,
    padding_idx: Option<usize>,
    gradient: FloatTensor<B>,
) -> FloatTensor<B> {
    let by_weight = B::embedding_backward(weight, gradient, tokens);
    let Some(token) = padding_idx else {
        return by_weight;
    };
    let dim = by_weight.shape()[1];
    let nothing = B::float_zeros(Shape::new([1, dim]), &by_weight.device(), by_weight.dtype().into());
    B::float_slice_assign(by_weight, &[Slice::from(token..token + 1), Slice::from(0..dim)], nothing)
}

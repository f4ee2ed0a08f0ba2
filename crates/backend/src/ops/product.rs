//! Burn's matrix product, in this thread's precision, and for empty matrices too, at which some of its backends panic.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::Shape;

use super::half::in_half;

/// `[rows, terms]` times `[terms, columns]`; zeros if there are no terms.
pub(crate) fn product<B: Backend>(a: FloatTensor<B>, b: FloatTensor<B>) -> FloatTensor<B> {
    let ([rows, terms], [_, columns]) = (a.shape().dims::<2>(), b.shape().dims::<2>());
    match rows * terms * columns {
        0 => B::float_zeros(Shape::new([rows, columns]), &a.device(), a.dtype().into()),
        _ => in_half::<B>([a, b], |[a, b]| B::float_matmul(a, b)),
    }
}

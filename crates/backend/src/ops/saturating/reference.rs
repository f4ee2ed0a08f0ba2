//! Tanh and the logistic function in Burn's operations.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::Saturating;

pub(super) fn forward<B: Backend>(input: FloatTensor<B>, function: Saturating) -> FloatTensor<B> {
    match function {
        Saturating::Tanh => B::float_tanh(input),
        Saturating::Sigmoid => B::sigmoid(input),
    }
}

/// Tanh's slope is `1 - y²`, that of the logistic function `y (1 - y)`.
pub(super) fn backward<B: Backend>(
    output: FloatTensor<B>,
    gradient: FloatTensor<B>,
    function: Saturating,
) -> FloatTensor<B> {
    let square = B::float_mul(output.clone(), output.clone());
    let slope = match function {
        Saturating::Tanh => B::float_add_scalar(B::float_neg(square), 1.0.into()),
        Saturating::Sigmoid => B::float_sub(output, square),
    };
    B::float_mul(gradient, slope)
}

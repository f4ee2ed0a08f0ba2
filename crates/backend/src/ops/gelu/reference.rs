//! GELU in Burn's operations.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

pub(super) fn forward<B: Backend>(input: FloatTensor<B>) -> FloatTensor<B> {
    B::float_mul(input.clone(), share_below::<B>(input))
}

pub(super) fn backward<B: Backend>(input: FloatTensor<B>, gradient: FloatTensor<B>) -> FloatTensor<B> {
    let square = B::float_mul(input.clone(), input.clone());
    let density = B::float_mul_scalar(
        B::float_exp(B::float_mul_scalar(square, (-0.5).into())),
        (1.0 / (2.0 * PI).sqrt()).into(),
    );
    let slope = B::float_add(share_below::<B>(input.clone()), B::float_mul(input, density));
    B::float_mul(gradient, slope)
}

/// `Φ(x) = (1 + erf(x / √2)) / 2`
fn share_below<B: Backend>(input: FloatTensor<B>) -> FloatTensor<B> {
    let erf = B::float_erf(B::float_mul_scalar(input, FRAC_1_SQRT_2.into()));
    B::float_mul_scalar(B::float_add_scalar(erf, 1.0.into()), 0.5.into())
}

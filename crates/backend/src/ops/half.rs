//! Products of 16-bit numbers on devices without kernels of ours, such as GPUs: factors are cast, and the result is cast back.
//!
//! Where the device has bfloat16, factors are rounded to it as they are. Where it has only `f16`, whose values end at 65,504 and
//! below which gradients vanish, each factor is first divided by its largest absolute value and the product multiplied by both,
//! so that no scale of the loss has to be found and no step is lost. (What Micikevicius et al. do with one factor for the
//! whole loss, "Mixed Precision Training", <https://arxiv.org/abs/1710.03740>.)

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{DType, FloatDType, Shape};

/// The least that a factor is divided by: below it, as for a factor of zeros, the quotient would be no number.
const LEAST: f32 = 1e-30;

/// `multiply`, which is linear in both factors, in 16-bit numbers where this thread and the factors' device have them, else as it
/// is.
pub(crate) fn in_half<B: Backend>(
    [a, b]: [FloatTensor<B>; 2],
    multiply: impl FnOnce([FloatTensor<B>; 2]) -> FloatTensor<B>,
) -> FloatTensor<B> {
    let all_f32 = [&a, &b].into_iter().all(|factor| factor.dtype() == DType::F32);
    match half_of::<B>(&a.device()) {
        Some(FloatDType::F16) if all_f32 => {
            let [(a, of_a), (b, of_b)] = [a, b].map(to_one::<B>);
            let product = multiply([a, b].map(|factor| B::float_cast(factor, FloatDType::F16)));
            let product = B::float_cast(product, FloatDType::F32);
            let scale = Shape::from(vec![1; product.shape().num_dims()]);
            // One after the other: their product may be beyond the numbers where the result is not.
            let product = B::float_mul(product, B::float_reshape(of_a, scale.clone()));
            B::float_mul(product, B::float_reshape(of_b, scale))
        }
        Some(half) if all_f32 => {
            B::float_cast(multiply([a, b].map(|factor| B::float_cast(factor, half))), FloatDType::F32)
        }
        _ => multiply([a, b]),
    }
}

/// The numbers of this thread's products on a device; none where they are `f32`, or made by our kernels.
pub(crate) fn half_of<B: Backend>(device: &B::Device) -> Option<FloatDType> {
    #[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
    {
        use std::any::TypeId;

        use crate::precision::{Precision, half, precision};

        let has_no_kernels = TypeId::of::<B>() == TypeId::of::<burn::backend::Cube>();
        if has_no_kernels && precision() == Precision::Bf16 {
            return half(|dtype| B::supports_dtype(device, dtype));
        }
    }
    let _ = device;
    None
}

/// A factor divided by its largest absolute value, and that value, `[1]`.
fn to_one<B: Backend>(factor: FloatTensor<B>) -> (FloatTensor<B>, FloatTensor<B>) {
    let largest = B::float_clamp_min(B::float_max_abs(factor.clone()), LEAST.into());
    let scale = Shape::from(vec![1; factor.shape().num_dims()]);
    (B::float_div(factor, B::float_reshape(largest.clone(), scale)), largest)
}

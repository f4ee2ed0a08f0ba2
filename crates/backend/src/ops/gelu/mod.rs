//! GELU in one pass.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::run_reference_on_other_devices;
use super::stored::StoresActivations;

/// `x · Φ(x)` for each value, with the exact normal distribution
/// ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
///
/// # Shapes
/// - input and output: any
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::gelu;
/// let output = gelu(Tensor::<1>::from_floats([0.0, 1.0, -20.0], &Device::default()));
/// let output = output.into_data().try_into_vec::<f32>().unwrap();
/// assert!(output[0] == 0.0 && (output[1] - 0.841_344_7).abs() < 1e-6 && output[2].abs() < 1e-30);
/// ```
pub fn gelu<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    let input = input.into_dispatch();
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::gelu_exact(input),
        false => reference::forward::<Dispatch>(input),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait GeluOp: Backend {
    /// See [`gelu`]; named so that Burn's own `gelu` stays reachable, whose gradient is that of the approximation by
    /// tanh on most backends.
    fn gelu_exact(input: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::forward::<Self>(input)
    }
}

/// Its gradient on a device.
pub trait GeluGradient: GeluOp + StoresActivations {
    /// The gradient by the input, from the input and the gradient by the output.
    fn gelu_exact_backward(input: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self> {
        reference::backward::<Self>(input, gradient)
    }
}

run_reference_on_other_devices!(GeluOp, GeluGradient);

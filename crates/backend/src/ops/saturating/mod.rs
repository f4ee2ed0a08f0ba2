//! Tanh and the logistic function in one pass, with gradients that are made from what they gave.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::run_reference_on_other_devices;

/// The hyperbolic tangent of each value.
///
/// # Shapes
/// - input and output: any
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::tanh;
/// let output = tanh(Tensor::<1>::from_floats([0.0, 0.5, -50.0], &Device::default()));
/// let output = output.into_data().try_into_vec::<f32>().unwrap();
/// assert!(output[0] == 0.0 && (output[1] - 0.5f32.tanh()).abs() < 1e-6 && output[2] == -1.0);
/// ```
pub fn tanh<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    run(input, Saturating::Tanh)
}

/// `1 / (1 + exp(-x))` of each value.
///
/// # Shapes
/// - input and output: any
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::sigmoid;
/// let output = sigmoid(Tensor::<1>::from_floats([0.0, 3f32.ln()], &Device::default()));
/// let output = output.into_data().try_into_vec::<f32>().unwrap();
/// assert!(output[0] == 0.5 && (output[1] - 0.75).abs() < 1e-6);
/// ```
pub fn sigmoid<const D: usize>(input: Tensor<D>) -> Tensor<D> {
    run(input, Saturating::Sigmoid)
}

fn run<const D: usize>(input: Tensor<D>, function: Saturating) -> Tensor<D> {
    let input = input.into_dispatch();
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::saturating(input, function),
        false => reference::forward::<Dispatch>(input, function),
    })
}

/// A function that comes to rest on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saturating {
    /// See [`tanh`].
    Tanh,
    /// See [`sigmoid`].
    Sigmoid,
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait SaturatingOp: Backend {
    /// See [`tanh`] and [`sigmoid`].
    fn saturating(input: FloatTensor<Self>, function: Saturating) -> FloatTensor<Self> {
        reference::forward::<Self>(input, function)
    }
}

/// Its gradient on a device.
pub trait SaturatingGradient: SaturatingOp {
    /// The gradient by the input, from the output and the gradient by it.
    fn saturating_backward(
        output: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        function: Saturating,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(output, gradient, function)
    }
}

run_reference_on_other_devices!(SaturatingOp, SaturatingGradient);

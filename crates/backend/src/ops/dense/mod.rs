//! The dense layer: a matrix product, the bias and an activation in one pass.

mod autodiff;
mod by_sample;
#[cfg(feature = "flex")]
mod flex;
mod reference;

#[cfg(feature = "flex")]
pub(crate) use flex::{in_int8, ordered};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::maybe::Maybe;
use super::stored::StoresActivations;
use super::{Activation, run_reference_on_other_devices, sample_norms};

/// `activation(input · weight + bias)`
///
/// # Shapes
/// - input: `[batch, in_features]`
/// - weight: `[in_features, out_features]`
/// - bias: `[out_features]`
/// - output: `[batch, out_features]`
///
/// # Panics
/// If the shapes do not agree.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, dense};
/// let device = Device::default();
/// let input = Tensor::<2>::from_floats([[1.0, 2.0]], &device);
/// let weight = Tensor::<2>::from_floats([[1.0, -1.0, 0.5], [1.0, -1.0, 0.0]], &device);
/// let bias = Tensor::<1>::from_floats([0.0, 0.0, 1.0], &device);
/// let output = dense(input, weight, Some(bias), Activation::Relu);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [3.0, 0.0, 1.5]);
/// ```
pub fn dense(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<2> {
    let ([_, in_features], [rows, out_features]) = (input.dims(), weight.dims());
    assert_eq!(rows, in_features, "the weight has a row for each feature of the input");
    if let Some(bias) = &bias {
        assert_eq!(bias.dims(), [out_features], "the bias has a value for each column of the weight");
    }
    if let Some(batch) = sample_norms::watched_batch() {
        return by_sample::dense(input, weight, bias, activation, batch);
    }
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    let bias = bias.map(Tensor::into_dispatch);
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::dense(input, weight, Maybe::new(bias), activation),
        false => reference::forward::<Dispatch>(input, weight, bias, activation),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait DenseOp: Backend {
    /// See [`dense`].
    fn dense(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(input, weight, bias.into_option(), activation)
    }
}

/// Its gradient on a device.
pub trait DenseGradient: DenseOp + StoresActivations {
    /// The operation where the weight is about to change.
    fn dense_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        Self::dense(input, weight, bias, activation)
    }

    /// The gradients by input, weight and bias, each only if `wanted`, from the gradient by the output.
    fn dense_backward(
        kept: DenseKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3] {
        reference::backward::<Self>(kept, gradient, wanted)
    }
}

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
pub struct DenseKept<B: Backend> {
    /// The input.
    pub input: FloatTensor<B>,
    /// The weight.
    pub weight: FloatTensor<B>,
    /// The output, if the activation's gradient is made from it.
    pub output: Option<FloatTensor<B>>,
    /// The activation.
    pub activation: Activation,
}

run_reference_on_other_devices!(DenseOp, DenseGradient);

//! Layer normalisation.

mod autodiff;
mod by_sample;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::maybe::Maybe;
use super::stored::StoresActivations;
use super::{run_reference_on_other_devices, sample_norms};

/// `weight · (row - mean) / √(variance + epsilon) + bias` for each row of the last dimension, by its own mean and variance
/// ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)).
///
/// # Shapes
/// - input and output: `[.., features]`
/// - weight and bias: `[features]`
///
/// # Panics
/// If the shapes do not agree.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::layer_norm;
/// let device = Device::default();
/// let input = Tensor::<2>::from_floats([[4.0, 8.0]], &device);
/// let output = layer_norm(input, Tensor::from_floats([2.0, 2.0], &device), None, 0.0);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [-2.0, 2.0]);
/// ```
pub fn layer_norm<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<D> {
    let features = input.dims()[D - 1];
    for tensor in [&weight].into_iter().chain(&bias) {
        assert_eq!(tensor.dims(), [features], "one weight and one bias for each feature");
    }
    if let Some(batch) = sample_norms::watched_batch() {
        return by_sample::layer_norm(input, weight, bias, epsilon, batch);
    }
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    let bias = bias.map(Tensor::into_dispatch);
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::layer_norm_rows(input, weight, Maybe::new(bias), epsilon),
        false => reference::forward::<Dispatch>(input, weight, bias, epsilon),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait LayerNormOp: Backend {
    /// See [`layer_norm`]; named so that Burn's own `layer_norm` stays reachable.
    fn layer_norm_rows(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(input, weight, bias.into_option(), epsilon)
    }
}

/// Its gradient on a device.
pub trait LayerNormGradient: LayerNormOp + StoresActivations {
    /// The gradients by input, weight and bias, from the gradient by the output.
    fn layer_norm_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 3] {
        reference::backward::<Self>(input, weight, epsilon, gradient)
    }
}

run_reference_on_other_devices!(LayerNormOp, LayerNormGradient);

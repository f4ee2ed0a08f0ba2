//! Batch normalisation and an activation in one pass, by the batch's statistics or by known ones.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::stored::StoresActivations;
use super::{Activation, run_reference_on_other_devices};

/// What [`batch_norm_train`] gives.
#[derive(Clone, Debug)]
pub struct BatchNormTrain<const D: usize> {
    /// Of the shape of the input.
    pub output: Tensor<D>,
    /// `[channels]`, the batch's; no gradient goes through it.
    pub mean: Tensor<1>,
    /// `[channels]`, the batch's, divided by the count; no gradient goes through it.
    pub variance: Tensor<1>,
}

/// `activation(weight · (input - mean) / √(variance + epsilon) + bias)` for each channel, by the mean and the variance
/// of the batch ([Ioffe and Szegedy 2015](https://arxiv.org/abs/1502.03167)).
///
/// # Shapes
/// - input and output: `[batch, channels, ..]`
/// - weight, bias, mean and variance: `[channels]`
///
/// # Panics
/// If the shapes do not agree, or there are fewer than two dimensions.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, batch_norm_train};
/// let device = Device::default();
/// let input = Tensor::<2>::from_floats([[4.0], [8.0]], &device);
/// let (weight, bias) = (Tensor::from_floats([2.0], &device), Tensor::from_floats([1.0], &device));
/// let normed = batch_norm_train(input, weight, bias, 0.0, Activation::Relu);
/// assert_eq!(normed.output.into_data().try_into_vec::<f32>().unwrap(), [0.0, 3.0]);
/// assert_eq!(normed.mean.into_scalar::<f32>(), 6.0);
/// assert_eq!(normed.variance.into_scalar::<f32>(), 4.0);
/// ```
pub fn batch_norm_train<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> BatchNormTrain<D> {
    check(&input, [&weight, &bias]);
    let (input, weight, bias) = (input.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let (output, mean, variance) = match is_supported(&input) {
        true => Dispatch::batch_norm_by_batch(input, weight, bias, epsilon, activation),
        false => reference::by_batch::<Dispatch>(input, weight, bias, epsilon, activation),
    };
    BatchNormTrain {
        output: Tensor::from_dispatch(output),
        mean: Tensor::from_dispatch(mean).detach(),
        variance: Tensor::from_dispatch(variance).detach(),
    }
}

/// The same by a mean and a variance that are known.
///
/// # Shapes
/// - input and output: `[batch, channels, ..]`
/// - weight, bias, mean and variance: `[channels]`
///
/// # Panics
/// If the shapes do not agree, or there are fewer than two dimensions.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, batch_norm};
/// let device = Device::default();
/// let of = |value: f32| Tensor::<1>::from_floats([value], &device);
/// let input = Tensor::<2>::from_floats([[4.0], [8.0]], &device);
/// let output = batch_norm(input, of(2.0), of(1.0), of(6.0), of(4.0), 0.0, Activation::Relu);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [0.0, 3.0]);
/// ```
pub fn batch_norm<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<1>,
    bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
    epsilon: f64,
    activation: Activation,
) -> Tensor<D> {
    check(&input, [&weight, &bias, &mean, &variance]);
    let (input, weight, bias) = (input.into_dispatch(), weight.into_dispatch(), bias.into_dispatch());
    let (mean, variance) = (mean.into_dispatch(), variance.into_dispatch());
    let run = match is_supported(&input) {
        true => Dispatch::batch_norm_by_statistics,
        false => reference::by_statistics::<Dispatch>,
    };
    Tensor::from_dispatch(run(input, weight, bias, mean, variance, epsilon, activation))
}

fn check<const D: usize, const N: usize>(input: &Tensor<D>, of_channels: [&Tensor<1>; N]) {
    assert!(D >= 2, "an input has a batch and channels");
    let channels = input.dims()[1];
    for tensor in of_channels {
        assert_eq!(tensor.dims(), [channels], "one weight, bias, mean and variance for each channel");
    }
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait BatchNormOp: Backend {
    /// See [`batch_norm_train`]: output, mean and variance.
    fn batch_norm_by_batch(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        reference::by_batch::<Self>(input, weight, bias, epsilon, activation)
    }

    /// See [`batch_norm`].
    fn batch_norm_by_statistics(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self> {
        reference::by_statistics::<Self>(input, weight, bias, mean, variance, epsilon, activation)
    }
}

/// The gradient of [`batch_norm_train`] on a device. That of [`batch_norm`], which a frozen layer needs, is made by
/// autodiff from the reference.
pub trait BatchNormGradient: BatchNormOp + StoresActivations {
    /// Whether the gradient of an activation is made from the output; a kernel makes it from the input again.
    fn batch_norm_keeps_output(input: &FloatTensor<Self>) -> bool {
        let _ = input;
        true
    }

    /// The gradients by input, weight and bias, from the gradient by the output.
    fn batch_norm_backward(
        kept: BatchNormKept<Self>,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 3] {
        reference::backward::<Self>(kept, gradient)
    }
}

/// What the backward pass needs of the forward pass.
#[derive(Clone, Debug)]
pub struct BatchNormKept<B: Backend> {
    /// The input.
    pub input: FloatTensor<B>,
    /// The weight.
    pub weight: FloatTensor<B>,
    /// The bias.
    pub bias: FloatTensor<B>,
    /// The output, if the activation's gradient is made from it.
    pub output: Option<FloatTensor<B>>,
    /// The batch's.
    pub mean: FloatTensor<B>,
    /// The batch's.
    pub variance: FloatTensor<B>,
    /// Added to the variance.
    pub epsilon: f64,
    /// The activation.
    pub activation: Activation,
}

run_reference_on_other_devices!(BatchNormOp, BatchNormGradient);

//! Convolution and batch norm by known statistics: one operation of a network that only answers.
//!
//! On a CPU the norm is folded into the convolution's weights, once for as long as they stay. Elsewhere, and under autodiff, it
//! is the two operations that it consists of.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::Tensor;

use super::batch_norm::BatchNormOp;
use super::conv2d::{Conv2dFused, Conv2dOp};
use super::fallback::is_supported;
use super::maybe::Maybe;
use super::{Activation, Conv2dOptions, MaxPool, run_reference_on_other_devices};

/// A batch norm by known statistics; each tensor is `[channels]`.
#[derive(Clone, Debug)]
pub struct BatchNormWeights {
    /// What a normalised channel is multiplied by.
    pub weight: Tensor<1>,
    /// What is added to it then.
    pub bias: Tensor<1>,
    /// The mean of each channel.
    pub mean: Tensor<1>,
    /// The variance of each channel.
    pub variance: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
}

/// Where the max pooling stands that goes with a convolution and a batch norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolPlace {
    /// There is none.
    Nowhere,
    /// Between the convolution and the norm.
    BeforeNorm(MaxPool),
    /// Behind the activation.
    Last(MaxPool),
}

/// `activation(batch_norm(input * weight + bias))`, where `*` is the cross-correlation of deep learning, with max pooling
/// before the norm or behind the activation.
///
/// # Shapes
/// - input: `[batch, in_channels, height, width]`
/// - weight: `[out_channels, in_channels / groups, kernel height, kernel width]`
/// - bias: `[out_channels]`, as each tensor of the norm
/// - output: that of [`conv2d`](super::conv2d) with this pooling
///
/// # Panics
/// As [`conv2d`](super::conv2d), and if the norm is one of another number of channels.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, BatchNormWeights, Conv2dOptions, PoolPlace, conv2d_batch_norm};
/// let device = Device::default();
/// let of = |value: f32| Tensor::<1>::from_floats([value], &device);
/// let norm = BatchNormWeights { weight: of(2.0), bias: of(1.0), mean: of(6.0), variance: of(4.0), epsilon: 0.0 };
/// let input = Tensor::<4>::from_floats([[[[1.0, 2.0]]]], &device);
/// let weight = Tensor::<4>::from_floats([[[[4.0]]]], &device);
/// let options = Conv2dOptions::default();
/// let output = conv2d_batch_norm(input, weight, None, options, norm, Activation::Relu, PoolPlace::Nowhere);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [0.0, 3.0]);
/// ```
pub fn conv2d_batch_norm(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: Conv2dOptions,
    norm: BatchNormWeights,
    activation: Activation,
    pool: PoolPlace,
) -> Tensor<4> {
    let fused = Conv2dBatchNormFused { options, activation, pool, epsilon: norm.epsilon };
    fused.folded().check(input.dims(), weight.dims(), bias.as_ref().map(|bias| bias.dims()[0]));
    let [channels, ..] = weight.dims();
    for tensor in [&norm.weight, &norm.bias, &norm.mean, &norm.variance] {
        assert_eq!(tensor.dims(), [channels], "one weight, bias, mean and variance for each out_channel");
    }
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    let bias = bias.map(Tensor::into_dispatch);
    let norm = NormTensors {
        weight: norm.weight.into_dispatch(),
        bias: norm.bias.into_dispatch(),
        mean: norm.mean.into_dispatch(),
        variance: norm.variance.into_dispatch(),
    };
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::conv2d_batch_norm(input, weight, Maybe::new(bias), norm, fused),
        false => reference::forward::<Dispatch>(input, weight, Maybe::new(bias), norm, fused),
    })
}

/// The tensors of the norm on a device.
#[derive(Clone, Debug, ExtensionType)]
pub struct NormTensors<B: Backend> {
    /// What a normalised channel is multiplied by.
    pub weight: FloatTensor<B>,
    /// What is added to it then.
    pub bias: FloatTensor<B>,
    /// The mean of each channel.
    pub mean: FloatTensor<B>,
    /// The variance of each channel.
    pub variance: FloatTensor<B>,
}

/// Everything about the operation but its tensors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv2dBatchNormFused {
    /// How the kernel moves.
    pub options: Conv2dOptions,
    /// What follows the norm.
    pub activation: Activation,
    /// Where the pooling is.
    pub pool: PoolPlace,
    /// Added to the variance.
    pub epsilon: f64,
}

impl Conv2dBatchNormFused {
    /// The convolution before the norm, with what comes before it.
    fn convolution(&self) -> Conv2dFused {
        let pool = match self.pool {
            PoolPlace::BeforeNorm(pool) => Some(pool),
            PoolPlace::Nowhere | PoolPlace::Last(_) => None,
        };
        Conv2dFused { options: self.options, activation: Activation::None, pool }
    }

    /// The one convolution that does it all with other weights. Where the pooling comes first, that holds if no channel is
    /// multiplied by a negative number.
    fn folded(&self) -> Conv2dFused {
        let pool = match self.pool {
            PoolPlace::BeforeNorm(pool) | PoolPlace::Last(pool) => Some(pool),
            PoolPlace::Nowhere => None,
        };
        Conv2dFused { options: self.options, activation: self.activation, pool }
    }
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait Conv2dBatchNormOp: Backend + Conv2dOp + BatchNormOp {
    /// See [`conv2d_batch_norm`].
    fn conv2d_batch_norm(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        #[extension_type] norm: NormTensors<Self>,
        fused: Conv2dBatchNormFused,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(input, weight, bias, norm, fused)
    }
}

run_reference_on_other_devices!(Conv2dBatchNormOp);

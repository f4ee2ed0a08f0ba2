//! Convolution, bias, ReLU and max pooling in one pass.

mod autodiff;
#[cfg(feature = "flex")]
pub(super) mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Device, Tensor, TensorData};

use super::fallback::is_supported;
use super::maybe::Maybe;
use super::stored::StoresActivations;
use super::{Activation, run_reference_on_other_devices};

/// How a convolution's kernel moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dOptions {
    /// Step down and to the right; at least 1.
    pub stride: [usize; 2],
    /// Zeros above, to the left, below and to the right of the input.
    pub padding: [usize; 4],
    /// Distance between the kernel's values, down and to the right; at least 1.
    pub dilation: [usize; 2],
    /// Groups of channels that do not see each other; at least 1.
    pub groups: usize,
}

/// Stride 1, no padding, dilation 1, one group.
impl Default for Conv2dOptions {
    fn default() -> Self {
        Conv2dOptions { stride: [1, 1], padding: [0; 4], dilation: [1, 1], groups: 1 }
    }
}

/// Max pooling without padding; a remainder that fills no window is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MaxPool {
    /// Height and width of a window; at least 1.
    pub kernel_size: [usize; 2],
    /// Step down and to the right; at least 1.
    pub stride: [usize; 2],
}

/// `max_pool(activation(input * weight + bias))`, where `*` is the cross-correlation of deep learning.
///
/// # Shapes
/// - input: `[batch, in_channels, height, width]`
/// - weight: `[out_channels, in_channels / groups, kernel height, kernel width]`
/// - bias: `[out_channels]`
/// - output: `[batch, out_channels, out_height, out_width]`, where before pooling
///   `out_height = (height + padding above + padding below - dilation * (kernel height - 1) - 1) / stride + 1`, rounded
///   down, and pooling makes `(out_height - pool height) / pool stride + 1` of it, rounded down; the width likewise
///
/// # Panics
/// If the shapes do not agree, if a stride, a dilation, a kernel size or `groups` is 0, or if the kernel or the pooling
/// window is larger than what it moves over.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{Activation, Conv2dOptions, MaxPool, conv2d};
/// let device = Device::default();
/// let input = Tensor::<4>::ones([1, 1, 4, 4], &device);
/// let weight = Tensor::<4>::ones([2, 1, 3, 3], &device);
/// let bias = Tensor::<1>::from_floats([0.5, -20.0], &device);
/// let pool = MaxPool { kernel_size: [2, 2], stride: [2, 2] };
/// let output = conv2d(input, weight, Some(bias), Conv2dOptions::default(), Activation::Relu, Some(pool));
/// assert_eq!(output.dims(), [1, 2, 1, 1]);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [9.5, 0.0]);
/// ```
pub fn conv2d(
    input: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: Conv2dOptions,
    activation: Activation,
    pool: Option<MaxPool>,
) -> Tensor<4> {
    let fused = Conv2dFused { options, activation, pool };
    fused.check(input.dims(), weight.dims(), bias.as_ref().map(|bias| bias.dims()[0]));
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    let bias = bias.map(Tensor::into_dispatch);
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::conv2d_fused(input, weight, Maybe::new(bias), fused),
        false => reference::forward::<Dispatch>(input, weight, bias, fused),
    })
}

/// Puts a convolution's weight onto a device, laid out as its kernels read it: on a CPU as `[kernel height, kernel width,
/// in_channels / groups, out_channels]` in memory, seen through a view of the shape that everybody knows. Other layouts
/// work as well, but are copied at each call.
///
/// # Shapes
/// - weight: `[out_channels, in_channels / groups, kernel height, kernel width]`
///
/// # Panics
/// If the weight does not have 4 dimensions, or `D` is not 4.
///
/// ```
/// use burn::tensor::{Device, Tensor, TensorData};
/// use fireclay_backend::ops::conv2d_weight;
/// let values: Vec<f32> = (0..36).map(|value| value as f32).collect();
/// let weight: Tensor<4> = conv2d_weight(TensorData::new(values.clone(), [2, 2, 3, 3]), &Device::default());
/// assert_eq!(weight.dims(), [2, 2, 3, 3]);
/// assert_eq!(weight.into_data().try_into_vec::<f32>().unwrap(), values);
/// ```
pub fn conv2d_weight<const D: usize>(weight: TensorData, device: &Device) -> Tensor<D> {
    assert!(D == 4 && weight.shape().num_dims() == 4, "the weight of a convolution has 4 dimensions");
    let weight = Tensor::from_data(weight, device);
    if !crate::reads_at_once(device) {
        return weight;
    }
    let axes = |axes: [isize; 4]| std::array::from_fn(|axis| axes[axis]);
    let ordered = weight.permute(axes([2, 3, 1, 0])).into_data();
    Tensor::from_data(ordered, device).permute(axes([3, 2, 0, 1]))
}

/// Everything about the operation but its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv2dFused {
    /// How the kernel moves.
    pub options: Conv2dOptions,
    /// What is done to each sum.
    pub activation: Activation,
    /// What follows.
    pub pool: Option<MaxPool>,
}

impl Conv2dFused {
    pub(super) fn check(&self, input: [usize; 4], weight: [usize; 4], bias: Option<usize>) {
        let Conv2dOptions { stride, padding: [top, left, bottom, right], dilation, groups } = self.options;
        let [_, in_channels, height, width] = input;
        let [out_channels, group_channels, kernel @ ..] = weight;
        assert!(groups > 0, "groups is at least 1");
        assert_eq!(group_channels * groups, in_channels, "the weight has in_channels / groups channels");
        assert_eq!(out_channels % groups, 0, "groups divides out_channels");
        assert!(bias.is_none_or(|len| len == out_channels), "the bias has a value for each out_channel");
        let padded = [height + top + bottom, width + left + right];
        for axis in [0, 1] {
            assert!(stride[axis] > 0 && dilation[axis] > 0, "strides and dilations are at least 1");
            assert!(kernel[axis] > 0, "the kernel has a size");
            let reach = dilation[axis] * (kernel[axis] - 1) + 1;
            assert!(reach <= padded[axis], "the kernel reaches over {reach} of {} places", padded[axis]);
            let places = (padded[axis] - reach) / stride[axis] + 1;
            if let Some(MaxPool { kernel_size, stride }) = self.pool {
                assert!(kernel_size[axis] > 0 && stride[axis] > 0, "pooling has a size and a stride");
                assert!(
                    kernel_size[axis] <= places,
                    "the pool takes {} of {places} places",
                    kernel_size[axis]
                );
            }
        }
    }
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait Conv2dOp: Backend {
    /// See [`conv2d`].
    fn conv2d_fused(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        fused: Conv2dFused,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(input, weight, bias.into_option(), fused)
    }
}

/// Its gradient on a device.
pub trait Conv2dGradient: Conv2dOp + StoresActivations {
    /// The output, and what the gradient needs beside input and weight.
    fn conv2d_fused_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        fused: Conv2dFused,
    ) -> (FloatTensor<Self>, Conv2dTape<Self>) {
        reference::forward_for_training::<Self>(input, weight, bias, fused)
    }

    /// The gradients by input, weight and bias, each only if `wanted`, from the gradient by the output.
    fn conv2d_fused_backward(
        kept: Conv2dKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> [Option<FloatTensor<Self>>; 3] {
        reference::backward::<Self>(kept, gradient, wanted)
    }

    /// The gradient by the input, if `wanted`, and for each image the squared norm of its own gradients by weight and bias, of those that
    /// are.
    fn conv2d_fused_squares(
        kept: Conv2dKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 3],
    ) -> (Option<FloatTensor<Self>>, Vec<f64>) {
        reference::squares::<Self>(kept, gradient, wanted)
    }
}

/// What the forward pass leaves for the backward pass; the backward pass of the same device reads it.
#[derive(Clone, Debug)]
pub enum Conv2dTape<B: StoresActivations> {
    /// The reference's.
    Reference {
        /// The input; a gradient by the input takes only the shape from it.
        input: FloatTensor<B>,
        /// The image after the activation and before pooling, if activation or pooling want it.
        activated: Option<FloatTensor<B>>,
        /// Where the largest value of each window was, if there is pooling.
        index: Option<IntTensor<B>>,
    },
    /// A kernel's.
    #[cfg(feature = "flex")]
    Kernel {
        /// The input, channels-last: it may have been copied to be so, and once is enough.
        input: B::Stored,
        /// The output, if there is an activation.
        output: Option<B::Stored>,
        /// What the kernel itself keeps.
        tape: fireclay_kernels::Conv2dTape,
    },
}

/// What the backward pass needs.
#[derive(Clone, Debug)]
pub struct Conv2dKept<B: StoresActivations> {
    /// The input's sizes.
    pub image: [usize; 4],
    /// The weight; a gradient by the weight takes only the shape from it.
    pub weight: FloatTensor<B>,
    /// What the forward pass left.
    pub tape: Conv2dTape<B>,
    /// The rest of the operation.
    pub fused: Conv2dFused,
}

run_reference_on_other_devices!(Conv2dOp, Conv2dGradient);

//! Pooling over height and width: the greatest or the mean value of each window, or the mean of each channel.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::run_reference_on_other_devices;

/// The windows of a pooling; a remainder that fills no window is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolOptions {
    /// Height and width of a window; at least 1.
    pub kernel_size: [usize; 2],
    /// Step down and to the right; at least 1.
    pub stride: [usize; 2],
    /// Rows above and below, and columns to the left and to the right; at most half of the window. They count for
    /// nothing in a maximum, and for zeros in a mean if that is asked for.
    pub padding: [usize; 2],
}

impl PoolOptions {
    /// Windows of `size` by `size`, side by side.
    pub fn square(size: usize) -> Self {
        PoolOptions { kernel_size: [size; 2], stride: [size; 2], padding: [0; 2] }
    }
}

/// The greatest value of each window.
///
/// # Shapes
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, out_height, out_width]`, where
///   `out_height = (height + 2 * padding - kernel_size) / stride + 1`, rounded down
///
/// # Panics
/// If a kernel size or a stride is 0, if the padding is more than half of the window, or if the window is larger than the
/// padded image.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{PoolOptions, max_pool2d};
/// let input = Tensor::<4>::from_floats([[[[1.0, 5.0], [2.0, 0.0]]]], &Device::default());
/// assert_eq!(max_pool2d(input, PoolOptions::square(2)).into_scalar::<f32>(), 5.0);
/// ```
pub fn max_pool2d(input: Tensor<4>, options: PoolOptions) -> Tensor<4> {
    check(&input, options);
    run(input, Pool2d::Max(options))
}

/// The mean of each window; with `count_include_pad`, padding counts as zeros, without, only the image counts.
///
/// # Shapes
/// As for [`max_pool2d`].
///
/// # Panics
/// As [`max_pool2d`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{PoolOptions, avg_pool2d};
/// let input = Tensor::<4>::from_floats([[[[1.0, 5.0], [2.0, 0.0]]]], &Device::default());
/// assert_eq!(avg_pool2d(input, PoolOptions::square(2), false).into_scalar::<f32>(), 2.0);
/// ```
pub fn avg_pool2d(input: Tensor<4>, options: PoolOptions, count_include_pad: bool) -> Tensor<4> {
    check(&input, options);
    run(input, Pool2d::Average(options, count_include_pad))
}

/// The mean of each channel of each image ([Lin et al. 2013](https://arxiv.org/abs/1312.4400)).
///
/// # Shapes
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels]`
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::global_avg_pool2d;
/// let input = Tensor::<4>::from_floats([[[[1.0, 5.0]], [[2.0, 0.0]]]], &Device::default());
/// assert_eq!(global_avg_pool2d(input).into_data().try_into_vec::<f32>().unwrap(), [3.0, 1.0]);
/// ```
pub fn global_avg_pool2d(input: Tensor<4>) -> Tensor<2> {
    run(input, Pool2d::Global)
}

fn run<const D: usize>(input: Tensor<4>, pool: Pool2d) -> Tensor<D> {
    let input = input.into_dispatch();
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::pool2d(input, pool),
        false => reference::forward::<Dispatch>(input, pool),
    })
}

fn check(input: &Tensor<4>, options: PoolOptions) {
    let [_, _, sizes @ ..] = input.dims();
    let PoolOptions { kernel_size, stride, padding } = options;
    for axis in [0, 1] {
        let (size, kernel) = (sizes[axis] + 2 * padding[axis], kernel_size[axis]);
        assert!(kernel > 0 && stride[axis] > 0, "a window has a size and a stride");
        assert!(2 * padding[axis] <= kernel, "the padding is at most half of the window");
        assert!(kernel <= size, "the window takes {kernel} of {size} places");
    }
}

/// A pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pool2d {
    /// The greatest value of each window.
    Max(PoolOptions),
    /// The mean of each window, with or without the padding.
    Average(PoolOptions, bool),
    /// The mean of each channel, without height and width.
    Global,
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait Pool2dOp: Backend {
    /// See [`max_pool2d`], [`avg_pool2d`] and [`global_avg_pool2d`].
    fn pool2d(input: FloatTensor<Self>, pool: Pool2d) -> FloatTensor<Self> {
        reference::forward::<Self>(input, pool)
    }
}

/// Its gradient on a device.
pub trait Pool2dGradient: Pool2dOp {
    /// The output, and what the gradient needs.
    fn pool2d_for_training(input: FloatTensor<Self>, pool: Pool2d) -> (FloatTensor<Self>, Pool2dTape<Self>) {
        reference::forward_for_training::<Self>(input, pool)
    }

    /// The gradient by the input, from the gradient by the output.
    fn pool2d_backward(
        tape: Pool2dTape<Self>,
        pool: Pool2d,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(tape, pool, gradient)
    }
}

/// What the forward pass leaves for the backward pass; the backward pass of the same device reads it.
#[derive(Clone, Debug)]
pub enum Pool2dTape<B: Backend> {
    /// The reference's.
    Reference {
        /// The input.
        input: FloatTensor<B>,
        /// Where the greatest values were.
        index: Option<IntTensor<B>>,
    },
    /// A kernel's.
    #[cfg(feature = "flex")]
    Kernel {
        /// The shape of the input.
        shape: [usize; 4],
        /// Where in its window each greatest value was.
        index: Vec<u8>,
    },
}

run_reference_on_other_devices!(Pool2dOp, Pool2dGradient);

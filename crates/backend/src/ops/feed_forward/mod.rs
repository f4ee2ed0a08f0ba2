//! The feed-forward network of a transformer's block: two dense layers and what is between them.
//!
//! On a CPU that is one operation which never holds what the second layer reads. Elsewhere, and where it is small, it is the
//! operations that it consists of, which autodiff differentiates one by one.

mod autodiff;
mod by_sample;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::dense::{DenseGradient, DenseOp};
use super::dropout::{DropoutGradient, DropoutOp, DropoutSeed};
use super::fallback::is_supported;
use super::gelu::{GeluGradient, GeluOp};
use super::stored::StoresActivations;
use super::{run_reference_on_other_devices, sample_norms};

/// The weights of a feed-forward network.
#[derive(Clone, Debug)]
pub struct FeedForwardWeights {
    /// `[features, inner]`
    pub weight1: Tensor<2>,
    /// `[inner]`
    pub bias1: Tensor<1>,
    /// `[inner, features]`
    pub weight2: Tensor<2>,
    /// `[features]`
    pub bias2: Tensor<1>,
}

/// What is between the two layers of a feed-forward network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedForwardOptions {
    /// Whether it is GELU; else ReLU.
    pub gelu: bool,
    /// Share of the values behind it set to zero, in `[0, 1)`; the others are scaled up. Not 0 in training only.
    pub dropout: f64,
}

/// `drop(activation(input · weight1 + bias1)) · weight2 + bias2`
/// ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762))
///
/// # Shapes
/// - input and output: `[rows, features]`
///
/// # Panics
/// If the shapes do not agree, a size but the number of rows is 0, or `dropout` is not in `[0, 1)`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{FeedForwardOptions, FeedForwardWeights, feed_forward};
/// let device = Device::default();
/// let weights = FeedForwardWeights {
///     weight1: Tensor::from_floats([[1.0, -1.0]], &device),
///     bias1: Tensor::from_floats([0.0, 0.5], &device),
///     weight2: Tensor::from_floats([[2.0], [3.0]], &device),
///     bias2: Tensor::from_floats([10.0], &device),
/// };
/// let options = FeedForwardOptions { gelu: false, dropout: 0.0 };
/// let output = feed_forward(Tensor::from_floats([[4.0], [-1.0]], &device), weights, options);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [18.0, 14.5]);
/// ```
pub fn feed_forward(input: Tensor<2>, weights: FeedForwardWeights, options: FeedForwardOptions) -> Tensor<2> {
    let FeedForwardWeights { weight1, bias1, weight2, bias2 } = weights;
    let ([_, features], [_, inner]) = (input.dims(), weight1.dims());
    assert!(features * inner > 0, "rows of {features} and {inner} values hold nothing");
    assert_eq!(weight1.dims(), [features, inner], "the first weight has a row for each feature of the input");
    assert_eq!(weight2.dims(), [inner, features], "the second weight leads back to the features");
    assert_eq!([bias1.dims(), bias2.dims()], [[inner], [features]], "a bias has a value for each column");
    assert!((0.0..1.0).contains(&options.dropout), "dropout is in [0, 1)");
    if sample_norms::gathers_sample_norms() {
        let weights = FeedForwardWeights { weight1, bias1, weight2, bias2 };
        return by_sample::feed_forward(input, weights, options);
    }
    let (input, weight1, weight2) = (input.into_dispatch(), weight1.into_dispatch(), weight2.into_dispatch());
    let (bias1, bias2) = (bias1.into_dispatch(), bias2.into_dispatch());
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::feed_forward_rows(input, weight1, bias1, weight2, bias2, options),
        false => reference::forward::<Dispatch>(input, [weight1, bias1, weight2, bias2], options),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait FeedForwardOp: Backend + DenseOp + DropoutOp + GeluOp {
    /// See [`feed_forward`].
    fn feed_forward_rows(
        input: FloatTensor<Self>,
        weight1: FloatTensor<Self>,
        bias1: FloatTensor<Self>,
        weight2: FloatTensor<Self>,
        bias2: FloatTensor<Self>,
        options: FeedForwardOptions,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(input, [weight1, bias1, weight2, bias2], options)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait FeedForwardGradient:
    FeedForwardOp + DenseGradient + DropoutGradient + GeluGradient + StoresActivations
{
    /// Whether the other functions are there for tensors of these types and sizes.
    fn feed_forward_has_kernel(tensors: [&FloatTensor<Self>; 5]) -> bool {
        let _ = tensors;
        false
    }

    /// The output, and what the gradient needs. The tensors are the input, first weight and bias, second weight and bias.
    fn feed_forward_for_training(
        tensors: [FloatTensor<Self>; 5],
        options: FeedForwardOptions,
    ) -> (FloatTensor<Self>, FeedForwardKept<Self>) {
        let _ = (tensors, options);
        unreachable!("there is no kernel")
    }

    /// The gradients by those five tensors, from the gradient by the output.
    fn feed_forward_backward(
        kept: FeedForwardKept<Self>,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 5] {
        let _ = (kept, gradient);
        unreachable!("there is no kernel")
    }
}

/// What a kernel keeps for the backward pass.
#[derive(Clone, Debug)]
pub struct FeedForwardKept<B: StoresActivations> {
    /// `[rows, features]`
    pub input: B::Stored,
    /// First weight and bias, second weight and bias.
    pub weights: [FloatTensor<B>; 4],
    /// `[rows, inner]`: what the first layer gave.
    pub hidden: B::Stored,
    /// What decides which values are dropped.
    pub seed: DropoutSeed,
    /// The rest of the operation.
    pub options: FeedForwardOptions,
}

run_reference_on_other_devices!(FeedForwardOp, FeedForwardGradient);

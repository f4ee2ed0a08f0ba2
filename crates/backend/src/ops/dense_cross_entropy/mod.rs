//! A last dense layer with the cross-entropy of its logits, and how many of them are right.
//!
//! On a CPU that is one operation of a training which never holds all logits, nor their gradients: with a large vocabulary
//! those are more than the rest of a network. Elsewhere, where it is small, and without a gradient, it is the operations that it
//! consists of.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::cross_entropy::{CrossEntropyGradient, CrossEntropyOp};
use super::dense::{DenseGradient, DenseOp};
use super::fallback::is_supported;
use super::maybe::Maybe;
use super::{run_reference_on_other_devices, sample_norms};

/// What [`dense_cross_entropy`] gives.
#[derive(Clone, Debug)]
pub struct DenseCrossEntropy {
    /// `[1]`, the mean over the rows.
    pub loss: Tensor<1>,
    /// `[1]`: rows whose greatest logit, the first of equal ones, is the target's.
    pub correct: Tensor<1, Int>,
}

/// The [cross-entropy](super::cross_entropy) of the logits `input · weight + bias`.
///
/// # Shapes
/// - input: `[rows, features]`
/// - weight: `[features, classes]`
/// - bias: `[classes]`
/// - targets: `[rows]`, each from 0 to `classes - 1`
/// - label_smoothing: in `[0, 1)`
/// - class_weights: `[classes]`; all 1 if `None`. They are settings: no gradient goes into them.
///
/// # Panics
/// If the shapes do not agree, on Flex if a target is no class, and while [norms of samples](super::sample_norms) are gathered.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use fireclay_backend::ops::dense_cross_entropy;
/// let device = Device::default();
/// let input = Tensor::<2>::from_floats([[1.0], [2.0]], &device);
/// let weight = Tensor::<2>::from_floats([[0.0, 2f32.ln()]], &device);
/// let targets = Tensor::<1, Int>::from_ints([1, 0], &device);
/// // The probabilities are 1 to 2, and 1 to 4.
/// let found = dense_cross_entropy(input, weight, None, targets, 0.0, None);
/// let loss = found.loss.into_scalar::<f32>();
/// assert!((loss - (1.5f32.ln() + 5f32.ln()) / 2.0).abs() < 1e-6);
/// assert_eq!(found.correct.into_scalar::<i64>(), 1);
/// ```
pub fn dense_cross_entropy(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    label_smoothing: f32,
    class_weights: Option<Tensor<1>>,
) -> DenseCrossEntropy {
    let ([batch, in_features], [rows, classes]) = (input.dims(), weight.dims());
    assert_eq!(rows, in_features, "the weight has a row for each feature of the input");
    assert_eq!(targets.dims(), [batch], "one target for each row of the input");
    for (tensor, what) in [(&bias, "bias"), (&class_weights, "class weight")] {
        assert!(tensor.as_ref().is_none_or(|tensor| tensor.dims() == [classes]), "one {what} for each class");
    }
    assert!(!sample_norms::gathers_sample_norms(), "the loss of a batch has no norms of samples");
    let (input, weight) = (input.into_dispatch(), weight.into_dispatch());
    let (bias, targets) = (Maybe::from_tensor(bias), targets.into_dispatch());
    let class_weights = Maybe::from_tensor(class_weights.map(Tensor::detach));
    let (loss, correct) = match is_supported(&input) {
        true => Dispatch::dense_cross_entropy(input, weight, bias, targets, class_weights, label_smoothing),
        false => reference::forward::<Dispatch>(input, weight, bias, targets, class_weights, label_smoothing),
    };
    DenseCrossEntropy { loss: Tensor::from_dispatch(loss), correct: Tensor::from_dispatch(correct) }
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait DenseCrossEntropyOp: Backend + DenseOp + CrossEntropyOp {
    /// See [`dense_cross_entropy`]: the loss, and how many rows are right.
    fn dense_cross_entropy(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        targets: IntTensor<Self>,
        #[extension_type] class_weights: Maybe<Self>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, IntTensor<Self>) {
        reference::forward::<Self>(input, weight, bias, targets, class_weights, label_smoothing)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait DenseCrossEntropyGradient: DenseCrossEntropyOp + DenseGradient + CrossEntropyGradient {
    /// Whether the other function is there for tensors of these types and sizes: input, weight, bias, class weights.
    fn dense_cross_entropy_has_kernel(
        tensors: [&FloatTensor<Self>; 2],
        others: [Option<&FloatTensor<Self>>; 2],
    ) -> bool {
        let _ = (tensors, others);
        false
    }

    /// The loss, how many rows are right, and the gradients by input, weight and bias.
    fn dense_cross_entropy_for_training(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        targets: IntTensor<Self>,
        class_weights: Option<FloatTensor<Self>>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, IntTensor<Self>, [FloatTensor<Self>; 3]) {
        let _ = (input, weight, bias, targets, class_weights, label_smoothing);
        unreachable!("there is no kernel")
    }
}

run_reference_on_other_devices!(DenseCrossEntropyOp, DenseCrossEntropyGradient);

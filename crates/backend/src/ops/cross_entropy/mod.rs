//! Softmax cross-entropy from logits. The gradient is made in the forward pass, while the exponentials are at hand; the
//! backward pass only scales it.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::fallback::is_supported;
use super::maybe::Maybe;
use super::run_reference_on_other_devices;

/// Softmax cross-entropy from logits.
///
/// With `p = softmax(logits)`, `K` classes, weights `w` and label smoothing `s`, a sample of class `c` costs
/// `-(1 - s) * w[c] * ln p[c] - s / K * Σ_k w[k] * ln p[k]`; the result is the sum over the batch divided by the sum
/// of `w[c]`, as in PyTorch. Label smoothing is from [Szegedy et al. 2015](https://arxiv.org/abs/1512.00567).
///
/// # Shapes
/// - logits: `[batch, classes]`
/// - targets: `[batch]`, each from 0 to `classes - 1`
/// - label_smoothing: in `[0, 1)`
/// - class_weights: `[classes]`; all 1 if `None`. They are settings: no gradient goes into them.
/// - result: `[1]`
///
/// # Panics
/// If there are not as many class weights as classes, or not as many targets as rows, and on Flex if a target is no
/// class.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use fireclay_backend::ops::cross_entropy;
/// let device = Device::default();
/// let logits = Tensor::<2>::zeros([3, 10], &device);
/// let targets = Tensor::<1, Int>::from_ints([0, 4, 9], &device);
/// let loss = cross_entropy(logits, targets, 0.0, None).into_scalar::<f32>();
/// assert!((loss - 10f32.ln()).abs() < 1e-6);
/// ```
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    label_smoothing: f32,
    class_weights: Option<Tensor<1>>,
) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    assert_eq!(targets.dims(), [batch], "one target for each row of logits");
    if let Some(weights) = &class_weights {
        assert_eq!(weights.dims(), [classes], "one class weight for each class");
    }
    let (logits, targets) = (logits.into_dispatch(), targets.into_dispatch());
    let weights = class_weights.map(|weights| weights.detach().into_dispatch());
    Tensor::from_dispatch(match is_supported(&logits) {
        true => Dispatch::cross_entropy(logits, targets, Maybe::new(weights), label_smoothing),
        false => reference::forward::<Dispatch>(logits, targets, weights, label_smoothing),
    })
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait CrossEntropyOp: Backend {
    /// See [`cross_entropy`].
    fn cross_entropy(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        #[extension_type] class_weights: Maybe<Self>,
        label_smoothing: f32,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(logits, targets, class_weights.into_option(), label_smoothing)
    }
}

/// Its gradient on a device.
pub trait CrossEntropyGradient: CrossEntropyOp {
    /// The loss, and its gradient by the logits.
    fn cross_entropy_for_training(
        logits: FloatTensor<Self>,
        targets: IntTensor<Self>,
        class_weights: Option<FloatTensor<Self>>,
        label_smoothing: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        reference::forward_for_training::<Self>(logits, targets, class_weights, label_smoothing)
    }
}

run_reference_on_other_devices!(CrossEntropyOp, CrossEntropyGradient);

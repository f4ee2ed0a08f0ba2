//! Softmax cross-entropy, computed from logits so that it cannot overflow.

use burn::tensor::{Int, Tensor};
use fireclay_backend::ops;

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
/// - class_weights: one for each class; all 1 if `None`
/// - result: `[1]`
///
/// # Panics
/// If there are not as many class weights as classes, or not as many targets as rows.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use fireclay_nn::cross_entropy_with_logits;
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([3, 10], &device);
/// let targets = Tensor::<1, Int>::from_ints([0, 4, 9], &device);
/// let loss = cross_entropy_with_logits(logits, targets, 0.0, None).into_scalar::<f32>();
/// assert!((loss - 10f32.ln()).abs() < 1e-6);
/// ```
pub fn cross_entropy_with_logits(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    label_smoothing: f32,
    class_weights: Option<&[f32]>,
) -> Tensor<1> {
    let device = logits.device();
    let class_weights = class_weights.map(|weights| Tensor::<1>::from_floats(weights, &device));
    ops::cross_entropy(logits, targets, label_smoothing, class_weights)
}

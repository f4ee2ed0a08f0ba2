//! Sigmoid cross-entropy, computed from logits so that it cannot overflow.

use burn::tensor::{Tensor, activation::log_sigmoid};

/// Sigmoid cross-entropy from logits, the mean over all values:
/// `-t * ln σ(x) - (1 - t) * ln σ(-x)` for a logit `x` and a target `t`.
///
/// # Shapes
/// - logits, targets: `[batch, outputs]`; targets in `[0, 1]`
/// - result: `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_nn::binary_cross_entropy_with_logits;
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([2, 1], &device);
/// let targets = Tensor::<2>::from_floats([[0.0], [1.0]], &device);
/// let loss = binary_cross_entropy_with_logits(logits, targets).into_scalar::<f32>();
/// assert!((loss - 2f32.ln()).abs() < 1e-6);
/// ```
pub fn binary_cross_entropy_with_logits(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    assert_eq!(logits.dims(), targets.dims(), "one target for each logit");
    let positive = log_sigmoid(logits.clone()) * targets.clone();
    let negative = log_sigmoid(logits.neg()) * (targets.neg() + 1.0);
    (positive + negative).mean().neg()
}

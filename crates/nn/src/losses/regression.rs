//! Losses for numbers: squared, absolute, and Huber's between them.

use burn::tensor::Tensor;

/// Mean squared error, `(prediction - target)²`.
///
/// # Shapes
/// - predictions, targets: `[batch, outputs]`
/// - result: `[1]`
///
/// # Panics
/// If the shapes differ.
pub fn mse(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    difference(predictions, targets).square().mean()
}

/// Mean absolute error, `|prediction - target|`.
///
/// # Shapes
/// As for [`mse`].
///
/// # Panics
/// If the shapes differ.
pub fn mae(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    difference(predictions, targets).abs().mean()
}

/// Huber loss ([Huber 1964](https://doi.org/10.1214/aoms/1177703732)): `d² / 2` where the distance `d` is at most
/// `delta`, else `delta * (d - delta / 2)`.
///
/// # Shapes
/// As for [`mse`].
///
/// # Panics
/// If the shapes differ.
pub fn huber(predictions: Tensor<2>, targets: Tensor<2>, delta: f32) -> Tensor<1> {
    let distance = difference(predictions, targets).abs();
    // With the distance split at delta into near + far, both branches are near² / 2 + delta * far.
    let near = distance.clone().clamp_max(delta);
    let far = distance - near.clone();
    (near.square() * 0.5 + far * delta).mean()
}

fn difference(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<2> {
    assert_eq!(predictions.dims(), targets.dims(), "one target for each prediction");
    predictions - targets
}

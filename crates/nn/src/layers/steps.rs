//! Which steps of a batch are their sequences' own.

use burn::tensor::{Int, Tensor};

/// 1 where a sequence has the step, 0 after its end.
///
/// # Shapes
/// - lengths: `[batch]`
/// - output: `[batch, steps, 1]`
pub(super) fn own(lengths: &Tensor<1, Int>, steps: usize) -> Tensor<3> {
    let ([batch], device) = (lengths.dims(), lengths.device());
    let places = Tensor::<1, Int>::arange(0..steps as i64, &device).reshape([1, steps, 1]);
    (lengths.clone().reshape([batch, 1, 1]) - places).clamp(0, 1).float()
}

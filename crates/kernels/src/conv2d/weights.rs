//! Weights as the kernels read them, and turned for the gradient.

use super::Conv2dShape;
use crate::transpose::transpose;

/// The weights as the gradient by input multiplies with them: for each group `[out_channels in group, taps]`.
pub(super) fn transpose_weights(shape: &Conv2dShape, packed: &[f32]) -> Vec<f32> {
    let (taps, out_channels, in_group) = (shape.taps(), shape.out_channels, shape.out_channels_in_group());
    let mut transposed = vec![0.0; packed.len()];
    for (group, target) in transposed.chunks_exact_mut((taps * in_group).max(1)).enumerate() {
        transpose(&packed[group * in_group..], [taps, in_group], out_channels, target);
    }
    transposed
}

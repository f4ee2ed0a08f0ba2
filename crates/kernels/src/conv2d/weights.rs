//! Weights as users see them, `[out_channels, channels, height, width]`, and as the kernels read them.

use super::Conv2dShape;
use crate::transpose::transpose;

/// Brings weights into the kernels' order.
///
/// # Shapes
/// - `weight`: `[out_channels, in_channels / groups, kernel height, kernel width]`
/// - result: `[kernel height, kernel width, in_channels / groups, out_channels]`
///
/// # Panics
/// If `weight` has another length.
pub fn pack_weights(shape: &Conv2dShape, weight: &[f32]) -> Vec<f32> {
    assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
    let (area, channels) = (shape.kernel_size[0] * shape.kernel_size[1], shape.channels_in_group());
    let out_channels = shape.out_channels;
    let mut packed = vec![0.0; weight.len()];
    for (out_channel, filter) in weight.chunks_exact((channels * area).max(1)).enumerate() {
        for (channel, values) in filter.chunks_exact(area).enumerate() {
            for (place, value) in values.iter().enumerate() {
                packed[(place * channels + channel) * out_channels + out_channel] = *value;
            }
        }
    }
    packed
}

/// The way back, for gradients.
///
/// # Panics
/// If `packed` has another length.
pub fn unpack_weights(shape: &Conv2dShape, packed: &[f32]) -> Vec<f32> {
    assert_eq!(packed.len(), shape.weight_len(), "weights of another convolution");
    let (area, channels) = (shape.kernel_size[0] * shape.kernel_size[1], shape.channels_in_group());
    let out_channels = shape.out_channels;
    let mut weight = vec![0.0; packed.len()];
    for (out_channel, filter) in weight.chunks_exact_mut((channels * area).max(1)).enumerate() {
        for (channel, values) in filter.chunks_exact_mut(area).enumerate() {
            for (place, value) in values.iter_mut().enumerate() {
                *value = packed[(place * channels + channel) * out_channels + out_channel];
            }
        }
    }
    weight
}

/// The weights as the gradient by input multiplies with them: for each group `[out_channels in group, taps]`.
pub(super) fn transpose_weights(shape: &Conv2dShape, packed: &[f32]) -> Vec<f32> {
    let (taps, out_channels, in_group) = (shape.taps(), shape.out_channels, shape.out_channels_in_group());
    let mut transposed = vec![0.0; packed.len()];
    for (group, target) in transposed.chunks_exact_mut((taps * in_group).max(1)).enumerate() {
        transpose(&packed[group * in_group..], [taps, in_group], out_channels, target);
    }
    transposed
}

//! Shapes: what one sample is, sizes and paddings as descriptions write them, and names and shapes of tensors.

mod input;
mod sizes;

pub use input::InputSpec;
pub use sizes::{Padding, Size2d};

/// The most values that a model, or what one of its layers gives for one sample, may have: 16 GiB of f32.
pub(crate) const MAX_VALUES: u64 = 1 << 32;

/// Multiplies sizes that come from outside; `None` beyond [`MAX_VALUES`].
pub(crate) fn count_values(shape: &[usize]) -> Option<u64> {
    shape
        .iter()
        .try_fold(1u64, |product, &size| product.checked_mul(size as u64))
        .filter(|product| *product <= MAX_VALUES)
}

/// Name and shape of a tensor that a model holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// `conv2d_1.weight`, inside a residual block `residual_1.conv2d_1.weight`.
    pub name: String,
    /// Shape in PyTorch's layout: dense weights are `[out_features, in_features]`, convolution weights
    /// `[out_channels, in_channels / groups, height, width]`.
    pub shape: Vec<usize>,
    /// Whether training changes it; running statistics and tensors of a frozen layer are kept but not trained.
    pub trainable: bool,
}

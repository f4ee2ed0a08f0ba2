//! Max and average pooling over height and width.

use burn::nn::PaddingConfig2d;
use burn::nn::pool::{AvgPool2d, AvgPool2dConfig, MaxPool2d, MaxPool2dConfig};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{self, MaxPool, PoolOptions};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::conv2d::window_counts;
use super::flow::{Flow, Following, Fusable};
use super::{Inferred, PlannedLayer, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::shapes::Size2d;

/// The largest value of each window.
///
/// # Shapes
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels, out_height, out_width]`, where
///   `out_height = (height + 2 * padding - kernel_size) / stride + 1`, rounded down: a remainder is left out
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse sizes of 0, padding of more than half of the kernel, kernels larger than the padded image, and inputs
/// that are no images.
///
/// ```
/// use fireclay_nn::{MaxPool2dSpec, ModelSpec};
///
/// let spec = ModelSpec::new([2, 7, 6]).layer(MaxPool2dSpec::new(3).stride(2).padding(1)).flatten();
/// assert_eq!(spec.summary()?.rows[0].output, [2, 4, 3]);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool2dSpec {
    /// Height and width of a window.
    pub kernel_size: Size2d,
    /// Step of the window; the kernel's size by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size2d>,
    /// Rows and columns of minus infinity around the input; 0 by default.
    #[serde(default = "zero", skip_serializing_if = "Size2d::is_zero")]
    pub padding: Size2d,
}

/// The mean of each window.
///
/// # Shapes
/// As for [`MaxPool2dSpec`].
///
/// ```
/// use fireclay_nn::{AvgPool2dSpec, ModelSpec};
///
/// let spec = ModelSpec::new([2, 6, 6]).layer(AvgPool2dSpec::new([2, 3])).flatten();
/// assert_eq!(spec.summary()?.rows[0].output, [2, 3, 2]);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AvgPool2dSpec {
    /// Height and width of a window.
    pub kernel_size: Size2d,
    /// Step of the window; the kernel's size by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size2d>,
    /// Rows and columns of zeros around the input; 0 by default.
    #[serde(default = "zero", skip_serializing_if = "Size2d::is_zero")]
    pub padding: Size2d,
    /// Whether the zeros of the padding count in the mean; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub count_include_pad: bool,
}

fn zero() -> Size2d {
    Size2d::ZERO
}

impl MaxPool2dSpec {
    /// Windows that do not overlap. `kernel_size` is `2` or `[2, 3]`.
    pub fn new(kernel_size: impl Into<Size2d>) -> Self {
        MaxPool2dSpec { kernel_size: kernel_size.into(), stride: None, padding: Size2d::ZERO }
    }

    /// Sets the step of the window.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = Some(stride.into());
        self
    }

    /// Sets the padding on each side, at most half of the kernel.
    pub fn padding(mut self, padding: impl Into<Size2d>) -> Self {
        self.padding = padding.into();
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        infer(input, self.kernel_size, self.stride, self.padding)
    }

    pub(crate) fn build(&self) -> MaxPool2d {
        MaxPool2dConfig::new(self.kernel_size.dims())
            .with_strides(self.stride.unwrap_or(self.kernel_size).dims())
            .with_padding(explicit(self.padding))
            .init()
    }
}

impl AvgPool2dSpec {
    /// Windows that do not overlap. `kernel_size` is `2` or `[2, 3]`.
    pub fn new(kernel_size: impl Into<Size2d>) -> Self {
        AvgPool2dSpec {
            kernel_size: kernel_size.into(),
            stride: None,
            padding: Size2d::ZERO,
            count_include_pad: true,
        }
    }

    /// Sets the step of the window.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = Some(stride.into());
        self
    }

    /// Sets the padding on each side, at most half of the kernel.
    pub fn padding(mut self, padding: impl Into<Size2d>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets whether the zeros of the padding count in the mean.
    pub fn count_include_pad(mut self, count_include_pad: bool) -> Self {
        self.count_include_pad = count_include_pad;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        infer(input, self.kernel_size, self.stride, self.padding)
    }

    pub(crate) fn build(&self) -> AvgPool2d {
        AvgPool2dConfig::new(self.kernel_size.dims())
            .with_strides(self.stride.unwrap_or(self.kernel_size).dims())
            .with_padding(explicit(self.padding))
            .with_count_include_pad(self.count_include_pad)
            .init()
    }
}

pub(super) fn max(layer: &MaxPool2d, input: Tensor<4>) -> Tensor<4> {
    ops::max_pool2d(input, options(layer.kernel_size, layer.stride, &layer.padding))
}

pub(super) fn average(layer: &AvgPool2d, input: Tensor<4>) -> Tensor<4> {
    let options = options(layer.kernel_size, layer.stride, &layer.padding);
    ops::avg_pool2d(input, options, layer.count_include_pad)
}

/// The windows of a layer that was built here.
pub(super) fn options(kernel_size: [usize; 2], stride: [usize; 2], padding: &PaddingConfig2d) -> PoolOptions {
    let PaddingConfig2d::Explicit(height, width, ..) = *padding else {
        unreachable!("a pooling is built with explicit padding");
    };
    PoolOptions { kernel_size, stride, padding: [height, width] }
}

fn explicit(padding: Size2d) -> PaddingConfig2d {
    let [height, width] = padding.dims();
    PaddingConfig2d::Explicit(height, width, height, width)
}

fn infer(
    input: &[usize],
    kernel_size: Size2d,
    stride: Option<Size2d>,
    padding: Size2d,
) -> Result<Inferred, LayerProblem> {
    let &[channels, height, width] = input else {
        return Err(LayerProblem::NeedsImage);
    };
    let stride = stride.unwrap_or(kernel_size);
    let sizes = [
        ("kernel_size", kernel_size.height.min(kernel_size.width)),
        ("stride", stride.height.min(stride.width)),
    ];
    if let Some((field, _)) = sizes.iter().find(|(_, size)| *size == 0) {
        return Err(LayerProblem::Zero { field });
    }
    if padding.height > kernel_size.height / 2 || padding.width > kernel_size.width / 2 {
        return Err(LayerProblem::PoolPadding { padding: padding.dims(), kernel: kernel_size.dims() });
    }
    let padded = [
        height.saturating_add(padding.height.saturating_mul(2)),
        width.saturating_add(padding.width.saturating_mul(2)),
    ];
    values(&[channels, padded[0], padded[1]])?;
    let [out_height, out_width] = window_counts(padded, kernel_size.dims(), stride)?;
    let window = (kernel_size.height as u64).saturating_mul(kernel_size.width as u64);
    Inferred::plain(vec![channels, out_height, out_width], window)
}

impl Description for MaxPool2dSpec {
    type Module = MaxPool2d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> MaxPool2d {
        let _ = (plan, device);
        self.build()
    }
}

impl Description for AvgPool2dSpec {
    type Module = AvgPool2d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> AvgPool2d {
        let _ = (plan, device);
        self.build()
    }
}

impl Forward for MaxPool2d {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| max(self, value.images()).into())
    }

    fn fusable(&self) -> Fusable<'_> {
        match options(self.kernel_size, self.stride, &self.padding) {
            PoolOptions { kernel_size, stride, padding: [0, 0] } => {
                Fusable::MaxPool(MaxPool { kernel_size, stride })
            }
            _ => Fusable::No,
        }
    }
}

impl Forward for AvgPool2d {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| average(self, value.images()).into())
    }
}

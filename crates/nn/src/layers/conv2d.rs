//! Convolution over height and width.

use burn::nn::PaddingConfig2d;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{self, Activation, Conv2dOptions, MaxPool, PoolPlace, conv2d_weight};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer, is_default, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::{Padding, Size2d, TensorSpec};

/// A convolution over height and width; a cross-correlation, as everywhere in deep learning.
///
/// # Shapes
/// - input: `[batch, in_channels, height, width]`
/// - output: `[batch, out_channels, out_height, out_width]`, where
///   `out_height = (height + padding above + padding below - dilation * (kernel_size - 1) - 1) / stride + 1`, rounded
///   down, and the width likewise
/// - `weight`: `[out_channels, in_channels / groups, kernel height, kernel width]`, `bias`: `[out_channels]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse sizes of 0, channels that the groups cannot share, kernels larger than the padded image, and inputs that
/// are no images.
///
/// ```
/// use fireclay_nn::{Conv2dSpec, ModelSpec, Padding};
///
/// let conv = Conv2dSpec::new(8, 3).stride(2).padding(Padding::Same).groups(4);
/// let spec = ModelSpec::new([4, 7, 6]).layer(conv).flatten();
/// assert_eq!(spec.summary()?.rows[0].output, [8, 4, 3]);
/// assert_eq!(spec.summary()?.parameters(), 8 * 3 * 3 + 8);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv2dSpec {
    /// Channels that leave the layer.
    pub out_channels: usize,
    /// Height and width of the kernel.
    pub kernel_size: Size2d,
    /// Step of the kernel; 1 by default.
    #[serde(default = "one", skip_serializing_if = "Size2d::is_one")]
    pub stride: Size2d,
    /// Zeros around the input; `"valid"`, which is none, by default.
    #[serde(default, skip_serializing_if = "Padding::is_valid")]
    pub padding: Padding,
    /// Distance between the kernel's values; 1 by default.
    #[serde(default = "one", skip_serializing_if = "Size2d::is_one")]
    pub dilation: Size2d,
    /// Groups of channels that do not see each other; 1 by default, `in_channels` for a depthwise convolution.
    #[serde(default = "one_group", skip_serializing_if = "is_one_group")]
    pub groups: usize,
    /// Whether a bias is added; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
    /// How the weights begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initializer: Initializer,
}

fn one() -> Size2d {
    Size2d::ONE
}

fn one_group() -> usize {
    1
}

fn is_one_group(groups: &usize) -> bool {
    *groups == 1
}

impl Conv2dSpec {
    /// A convolution with stride 1, no padding and bias. `kernel_size` is `3` or `[3, 5]`.
    pub fn new(out_channels: usize, kernel_size: impl Into<Size2d>) -> Self {
        Conv2dSpec {
            out_channels,
            kernel_size: kernel_size.into(),
            stride: Size2d::ONE,
            padding: Padding::Valid,
            dilation: Size2d::ONE,
            groups: 1,
            bias: true,
            initializer: Initializer::default(),
        }
    }

    /// Sets the step of the kernel.
    pub fn stride(mut self, stride: impl Into<Size2d>) -> Self {
        self.stride = stride.into();
        self
    }

    /// Sets the zeros around the input: `Padding::Same`, `1` or `[1, 2]`.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the distance between the kernel's values.
    pub fn dilation(mut self, dilation: impl Into<Size2d>) -> Self {
        self.dilation = dilation.into();
        self
    }

    /// Sets the number of groups.
    pub fn groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }

    /// Sets whether a bias is added.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how the weights begin.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[in_channels, height, width] = input else {
            return Err(LayerProblem::NeedsImage);
        };
        let [kernel_height, kernel_width] = self.kernel_size.dims();
        let sizes = [
            ("out_channels", self.out_channels),
            ("groups", self.groups),
            ("kernel_size", kernel_height.min(kernel_width)),
            ("stride", self.stride.height.min(self.stride.width)),
            ("dilation", self.dilation.height.min(self.dilation.width)),
        ];
        if let Some((field, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(LayerProblem::Zero { field });
        }
        for (which, channels) in [("in_channels", in_channels), ("out_channels", self.out_channels)] {
            if channels % self.groups != 0 {
                return Err(LayerProblem::Groups { which, channels, groups: self.groups });
            }
        }
        self.initializer.check()?;
        let covered = self.covered()?;
        let pads = self.pads(input)?;
        let padded = [
            height.saturating_add(pads[0].0).saturating_add(pads[0].1),
            width.saturating_add(pads[1].0).saturating_add(pads[1].1),
        ];
        values(&[in_channels, padded[0], padded[1]])?;
        let [out_height, out_width] = window_counts(padded, covered, self.stride)?;
        let output = vec![self.out_channels, out_height, out_width];
        let weight = TensorSpec::trained(
            "weight",
            [self.out_channels, in_channels / self.groups, kernel_height, kernel_width],
        )?;
        let places = values(&[out_height, out_width])?;
        values(&output)?;
        let products = u128::from(values(&weight.shape)?) * u128::from(places);
        let bias = self.bias.then(|| TensorSpec::trained("bias", [self.out_channels])).transpose()?;
        Ok(Inferred {
            output: output.into(),
            tensors: [weight].into_iter().chain(bias).collect(),
            flops: u64::try_from(2 * products).unwrap_or(u64::MAX),
        })
    }

    /// Height and width that the kernel covers, dilation included.
    fn covered(&self) -> Result<[usize; 2], LayerProblem> {
        let covered = |size: usize, dilation: usize| {
            (size - 1)
                .checked_mul(dilation)
                .and_then(|reach| reach.checked_add(1))
                .ok_or(LayerProblem::TooLarge { limit: usize::MAX as u64 })
        };
        Ok([
            covered(self.kernel_size.height, self.dilation.height)?,
            covered(self.kernel_size.width, self.dilation.width)?,
        ])
    }

    /// Zeros above and below, left and right.
    pub(crate) fn pads(&self, input: &[usize]) -> Result<[(usize, usize); 2], LayerProblem> {
        let covered = self.covered()?;
        let stride = self.stride.dims();
        Ok([0, 1].map(|axis| self.padding.pair(axis, input[axis + 1], covered[axis], stride[axis])))
    }

    pub(crate) fn build(&self, input: &[usize], device: &Device) -> Conv2d {
        let in_channels = input[0];
        let kernel_size = self.kernel_size.dims();
        let kernel_area = kernel_size[0] * kernel_size[1];
        let fan_in = in_channels / self.groups * kernel_area;
        let fan_out = self.out_channels / self.groups * kernel_area;
        let [(top, bottom), (left, right)] =
            self.pads(input).expect("the plan has checked the kernel's reach");
        let shape = [self.out_channels, in_channels / self.groups, kernel_size[0], kernel_size[1]];
        Conv2d {
            weight: self.initializer.weight(shape, fan_in, fan_out, device).map(in_kernel_order),
            bias: self.bias.then(|| self.initializer.bias(self.out_channels, fan_in, device)),
            stride: self.stride.dims(),
            kernel_size,
            dilation: self.dilation.dims(),
            groups: self.groups,
            padding: PaddingConfig2d::Explicit(top, left, bottom, right),
        }
    }
}

/// The same weight, laid out as the device's kernels read it.
fn in_kernel_order(weight: Tensor<4>) -> Tensor<4> {
    let device = weight.device();
    let trained = weight.is_require_grad();
    let ordered = conv2d_weight(weight.into_data(), &device);
    if trained { ordered.require_grad() } else { ordered }
}

/// How many windows fit along the height and along the width.
pub(super) fn window_counts(
    padded: [usize; 2],
    covered: [usize; 2],
    stride: Size2d,
) -> Result<[usize; 2], LayerProblem> {
    if padded[0] < covered[0] || padded[1] < covered[1] {
        return Err(LayerProblem::KernelTooLarge { kernel: covered, padded });
    }
    Ok([(padded[0] - covered[0]) / stride.height + 1, (padded[1] - covered[1]) / stride.width + 1])
}

impl Description for Conv2dSpec {
    type Module = Conv2d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Conv2d {
        self.build(plan.input.shape(), device)
    }
}

impl Forward for Conv2d {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        forward_flow(self, input, following)
    }
}

/// The convolution with the ReLU and the max pooling behind it, and in a network that only answers with a batch norm as well.
pub(super) fn forward_flow(layer: &Conv2d, input: Flow, following: &mut Following<'_>) -> Flow {
    let activation = following.take_activation();
    let pool = following.take_max_pool();
    let takes_norm = activation == Activation::None && !input.value.device().is_autodiff();
    let Some(norm) = takes_norm.then(|| following.take_batch_norm()).flatten() else {
        return input.map(|value| forward(layer, value.images(), activation, pool).into());
    };
    let activation = following.take_activation();
    let pool = match pool {
        Some(pool) => PoolPlace::BeforeNorm(pool),
        None => following.take_max_pool().map_or(PoolPlace::Nowhere, PoolPlace::Last),
    };
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    let weight = layer.weight.val();
    input.map(|value| {
        let images = value.images();
        ops::conv2d_batch_norm(images, weight, bias, options(layer), norm.known(), activation, pool).into()
    })
}

pub(super) fn forward(
    layer: &Conv2d,
    input: Tensor<4>,
    activation: Activation,
    pool: Option<MaxPool>,
) -> Tensor<4> {
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    ops::conv2d(input, layer.weight.val(), bias, options(layer), activation, pool)
}

fn options(layer: &Conv2d) -> Conv2dOptions {
    let PaddingConfig2d::Explicit(top, left, bottom, right) = layer.padding else {
        unreachable!("a convolution is built with explicit padding");
    };
    Conv2dOptions {
        stride: layer.stride,
        padding: [top, left, bottom, right],
        dilation: layer.dilation,
        groups: layer.groups,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dirac_passes_its_inputs_on() {
        let device = Device::flex();
        let input = Tensor::<4>::random([2, 3, 5, 4], burn::tensor::Distribution::Default, &device);
        let spec = Conv2dSpec::new(5, 3).padding(Padding::Same).bias(false);
        let conv = spec.initializer(Initializer::Dirac).build(&[3, 5, 4], &device);
        let output = conv.forward(input.clone());
        let (passed, rest) = (output.clone().narrow(1, 0, 3), output.narrow(1, 3, 2));
        assert_eq!(
            passed.into_data().iter::<f32>().collect::<Vec<_>>(),
            input.into_data().iter::<f32>().collect::<Vec<_>>()
        );
        assert!(rest.abs().min().into_scalar::<f32>() > 0.0);
    }
}

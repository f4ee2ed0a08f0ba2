//! Convolution over the steps of a sequence.
//!
//! It is a convolution over images of height 1: steps lie one after another as pixels of channels-last images do, so
//! nothing is turned on the way.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use fireclay_backend::ops::{self, Activation, Conv2dOptions};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Conv2dSpec, Inferred, PlannedLayer, is_default, is_yes, steps, yes};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::{InputSpec, Padding, TensorSpec};

/// A convolution over steps; a cross-correlation, as everywhere in deep learning.
///
/// Behind an embedding with a padding token, the steps that fill up a sequence count as zeros, and the layers behind are
/// told how many steps are left of each sequence: as many as the kernel has places on it. A batch shorter than the kernel
/// is filled up with zeros at its end.
///
/// # Shapes
/// - input: `[batch, steps, features]`
/// - output: `[batch, out_steps, out_channels]`, where
///   `out_steps = (steps + padding before + padding after - dilation * (kernel_size - 1) - 1) / stride + 1`, rounded down
/// - `weight`: `[out_channels, features / groups, kernel_size]`, `bias`: `[out_channels]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse what they refuse of a [`Conv2dSpec`](crate::Conv2dSpec), two different paddings, and inputs that are no
/// sequences.
///
/// ```
/// use fireclay_nn::{Conv1dSpec, ModelSpec};
///
/// let spec = ModelSpec::new([10, 4]).layer(Conv1dSpec::new(6, 3).stride(2)).global_max_pool1d();
/// assert_eq!(spec.summary()?.rows[0].output, [4, 6]);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1dSpec {
    /// Numbers that leave the layer for each step.
    pub out_channels: usize,
    /// Steps that the kernel looks at.
    pub kernel_size: usize,
    /// Step of the kernel; 1 by default.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub stride: usize,
    /// Zeros before and after the steps, one number; `"valid"`, which is none, by default.
    #[serde(default, skip_serializing_if = "Padding::is_valid")]
    pub padding: Padding,
    /// Distance between the kernel's values; 1 by default.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub dilation: usize,
    /// Groups of features that do not see each other; 1 by default.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub groups: usize,
    /// Whether a bias is added; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
    /// How the weights begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initializer: Initializer,
}

fn one() -> usize {
    1
}

fn is_one(size: &usize) -> bool {
    *size == 1
}

impl Conv1dSpec {
    /// A convolution with stride 1, no padding and bias.
    pub fn new(out_channels: usize, kernel_size: usize) -> Self {
        Conv1dSpec {
            out_channels,
            kernel_size,
            stride: 1,
            padding: Padding::Valid,
            dilation: 1,
            groups: 1,
            bias: true,
            initializer: Initializer::default(),
        }
    }

    /// Sets the step of the kernel.
    pub fn stride(mut self, stride: usize) -> Self {
        self.stride = stride;
        self
    }

    /// Sets the zeros before and after the steps: `Padding::Same` or `1`.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Sets the distance between the kernel's values.
    pub fn dilation(mut self, dilation: usize) -> Self {
        self.dilation = dilation;
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

    /// The same over images of height 1.
    fn over_images(&self) -> Result<Conv2dSpec, LayerProblem> {
        let padding = match self.padding {
            Padding::Explicit(size) if size.height != size.width => {
                return Err(LayerProblem::Range {
                    field: "padding",
                    found: format!("{:?}", size.dims()),
                    expected: "one number, \"same\" or \"valid\"",
                });
            }
            Padding::Explicit(size) => Padding::from([0, size.width]),
            word => word,
        };
        Ok(Conv2dSpec::new(self.out_channels, [1, self.kernel_size])
            .stride([1, self.stride])
            .padding(padding)
            .dilation([1, self.dilation])
            .groups(self.groups)
            .bias(self.bias)
            .initializer(self.initializer))
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        let inferred = self.over_images()?.infer(&[features, 1, steps])?;
        let output: InputSpec = [inferred.output.shape()[2], self.out_channels].into();
        let flat = |tensor: TensorSpec| match *tensor.shape {
            [out_channels, channels, _, kernel_size] => {
                TensorSpec { shape: vec![out_channels, channels, kernel_size], ..tensor }
            }
            _ => tensor,
        };
        Ok(Inferred { output, tensors: inferred.tensors.into_iter().map(flat).collect(), ..inferred })
    }

    pub(crate) fn build(&self, features: usize, device: &Device) -> Conv1d {
        let channels = features / self.groups;
        let (fan_in, fan_out) =
            (channels * self.kernel_size, self.out_channels / self.groups * self.kernel_size);
        let shape = [self.out_channels, channels, self.kernel_size];
        Conv1d {
            weight: self.initializer.weight(shape, fan_in, fan_out, device),
            bias: self.bias.then(|| self.initializer.bias(self.out_channels, fan_in, device)),
            stride: self.stride,
            dilation: self.dilation,
            groups: self.groups,
            padding: self.padding,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Conv1d {
    /// `[out_channels, features / groups, kernel_size]`
    weight: Param<Tensor<3>>,
    bias: Option<Param<Tensor<1>>>,
    stride: usize,
    dilation: usize,
    groups: usize,
    #[module(skip)]
    padding: Padding,
}

impl Conv1d {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - lengths: `[batch]`, how many steps each sequence has; the others count as zeros
    /// - output: `[batch, out_steps, out_channels]`, and how many steps each sequence has now
    pub(crate) fn forward(
        &self,
        input: Tensor<3>,
        lengths: Option<&Tensor<1, Int>>,
        activation: Activation,
    ) -> (Tensor<3>, Option<Tensor<1, Int>>) {
        let [batch, steps, features] = input.dims();
        let [out_channels, channels, kernel_size] = self.weight.dims();
        let covered = self.dilation * (kernel_size - 1) + 1;
        // Where the stride is 1, as many steps as there were: the padding does not depend on them.
        let (before, after) = self.padding.pair(1, steps, covered, self.stride);
        let input = match lengths {
            Some(lengths) => input * steps::own(lengths, steps),
            None => input,
        };
        let options = Conv2dOptions {
            stride: [1, self.stride],
            padding: [0, before, 0, after + covered.saturating_sub(before + steps + after)],
            dilation: [1, self.dilation],
            groups: self.groups,
        };
        let weight = self.weight.val().reshape([out_channels, channels, 1, kernel_size]);
        let bias = self.bias.as_ref().map(|bias| bias.val());
        let images = input.reshape([batch, 1, steps, features]).permute([0, 3, 1, 2]);
        let images = ops::conv2d(images, weight, bias, options, activation, None);
        let [_, _, _, out_steps] = images.dims();
        let output = images.permute([0, 2, 3, 1]).reshape([batch, out_steps, out_channels]);
        let lengths = lengths.map(|lengths| {
            let reach = (before + after) as i64 - covered as i64;
            // One place more than the strides that fit; no negative number is divided, as that rounds either way.
            let places = (lengths.clone() + (reach + self.stride as i64)).clamp_min(0) / self.stride as i64;
            // What was nothing is nothing still.
            places.clamp_max(out_steps as i64) * lengths.clone().clamp(0, 1)
        });
        (output, lengths)
    }
}

impl Description for Conv1dSpec {
    type Module = Conv1d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Conv1d {
        self.build(plan.in_features(), device)
    }
}

impl Forward for Conv1d {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        let activation = following.take_activation();
        let (output, lengths) = self.forward(input.value.sequences(), input.lengths.as_ref(), activation);
        Flow { value: output.into(), lengths, embeddings: input.embeddings }
    }
}

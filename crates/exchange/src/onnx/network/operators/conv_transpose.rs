//! `ConvTranspose` over images and sequences: the gradient of a convolution by its input.
//!
//! The whole of it is computed, and then what padding takes away is cut off: padding may differ in front and behind.

use burn::tensor::module::conv_transpose2d;
use burn::tensor::ops::ConvTransposeOptions;

use super::super::any_rank::AnyRank;
use super::super::value::Element;
use super::conv::groups;
use super::windows::{AutoPad, as_image, image, sizes};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(ConvTranspose {
        kernel: sizes(node, "kernel_shape", 1)?,
        strides: sizes(node, "strides", 1)?,
        dilations: sizes(node, "dilations", 1)?,
        pads: sizes(node, "pads", 0)?,
        output_padding: sizes(node, "output_padding", 0)?,
        output_shape: sizes(node, "output_shape", 1)?,
        auto_pad: AutoPad::of(node)?,
        groups: groups(node)?,
    }))
}

#[derive(Debug)]
struct ConvTranspose {
    kernel: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    dilations: Option<Vec<usize>>,
    pads: Option<Vec<usize>>,
    output_padding: Option<Vec<usize>>,
    output_shape: Option<Vec<usize>>,
    auto_pad: AutoPad,
    groups: usize,
}

/// Along one dimension.
#[derive(Clone, Copy)]
struct Along {
    stride: usize,
    dilation: usize,
    /// Size before anything is cut off.
    full: usize,
    /// How much of it is cut off in front.
    front: usize,
    size: usize,
}

impl Operator for ConvTranspose {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, weight) = (inputs.floats(0)?, inputs.floats(1)?);
        let bias = inputs.optional_floats(2)?;
        let ([batch, channels], places) = image(input)?;
        let [in_channels, of_group, kernel @ ..] = weight.dims.as_slice() else {
            return Err(format!("a weight of {:?}", weight.dims));
        };
        let out_channels = of_group.saturating_mul(self.groups);
        let fits = *in_channels == channels
            && channels % self.groups == 0
            && kernel.len() == places.len()
            && self.kernel.as_ref().is_none_or(|said| said == kernel)
            && bias.is_none_or(|bias| bias.dims == [out_channels]);
        if !fits {
            return Err(format!(
                "a weight of {:?} and {} groups for an input of {:?}",
                weight.dims, self.groups, input.dims
            ));
        }
        let along = self.along(places, kernel)?;
        let mut dims = vec![batch, out_channels];
        dims.extend(along.iter().map(|along| along.size));
        let mut full = vec![batch, out_channels];
        full.extend(along.iter().map(|along| along.full));
        scope.admit(Element::Float, &full, false)?;
        scope.spend(&[input.count(), *of_group, kernel.iter().product()])?;
        let output = scope.compute(Element::Float, &*dims, |device| {
            let (down, right) = match along[..] {
                [steps] => (Along { stride: 1, dilation: 1, full: 1, front: 0, size: 1 }, steps),
                _ => (along[0], along[1]),
            };
            let options = ConvTransposeOptions::new(
                [down.stride, right.stride],
                [0, 0],
                [0, 0],
                [down.dilation, right.dilation],
                self.groups,
            );
            let image = as_image(input.tensor(device), &input.dims).at::<4>();
            let weight = as_image(weight.tensor(device), &weight.dims).at::<4>();
            let mut output = conv_transpose2d(image, weight, None, options);
            for (axis, along) in [(2, down), (3, right)] {
                let end = (along.front + along.size).min(along.full);
                output = output.narrow(axis, along.front, end - along.front);
            }
            let missing =
                [down, right].map(|along| (0, (along.front + along.size).saturating_sub(along.full)));
            if missing != [(0, 0); 2] {
                output = output.pad(missing, burn::tensor::ops::PadMode::Constant(0.0));
            }
            if let Some(bias) = bias {
                output = output + bias.tensor(device).reshape(&[1, out_channels, 1, 1]).at::<4>();
            }
            AnyRank::from(output).reshape(&dims)
        })?;
        Ok(vec![output])
    }
}

impl ConvTranspose {
    fn along(&self, places: &[usize], kernel: &[usize]) -> Result<Vec<Along>, Reason> {
        let dimensions = places.len();
        let (ones, none) = (vec![1; dimensions], vec![0; 2 * dimensions]);
        let strides = self.strides.as_ref().unwrap_or(&ones);
        let dilations = self.dilations.as_ref().unwrap_or(&ones);
        let more = self.output_padding.as_deref().unwrap_or(&none[..dimensions]);
        let pads = self.pads.as_ref().unwrap_or(&none);
        let counts = [strides.len(), dilations.len(), more.len(), pads.len() / 2];
        if counts.iter().any(|count| *count != dimensions) || !pads.len().is_multiple_of(2) {
            return Err(format!("strides, dilations and pads are not for {dimensions} dimensions each"));
        }
        let output_shape = match &self.output_shape {
            // Some write batch and channels as well.
            Some(shape) if shape.len() == dimensions + 2 => Some(&shape[2..]),
            Some(shape) if shape.len() != dimensions => return Err(format!("output_shape is {shape:?}")),
            shape => shape.as_deref(),
        };
        let one = |axis: usize| {
            let (stride, dilation) = (strides[axis], dilations[axis]);
            if kernel[axis] == 0 || kernel[axis] > 1 << 20 || places[axis] > 1 << 30 {
                return Err(format!("a kernel of size {}", kernel[axis]));
            }
            let full = (places[axis] - 1) * stride + dilation * (kernel[axis] - 1) + 1;
            let wanted = match (output_shape, self.auto_pad) {
                (Some(shape), _) => Some(shape[axis]),
                (None, AutoPad::SameUpper | AutoPad::SameLower) => Some(places[axis] * stride),
                _ => None,
            };
            let whole = full + more[axis];
            let (front, size) = match wanted {
                Some(wanted) => (self.auto_pad.shared(whole.saturating_sub(wanted))[0], wanted),
                None => {
                    let pads = [pads[axis], pads[dimensions + axis]];
                    let pads = if self.auto_pad == AutoPad::Valid { [0, 0] } else { pads };
                    (pads[0], whole.saturating_sub(pads[0] + pads[1]))
                }
            };
            if size == 0 || front >= full {
                return Err(format!("padding that leaves nothing of {whole} places"));
            }
            Ok(Along { stride, dilation, full, front, size })
        };
        (0..dimensions).map(one).collect()
    }
}

//! Windows that move over an image or a sequence: what convolutions and poolings have in common.
//!
//! A sequence is an image of height 1 here, so that all of them have one form.

use super::super::any_rank::AnyRank;
use super::{Node, Reason, Value};

/// How padding is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AutoPad {
    /// As `pads` says.
    No,
    /// As many outputs as a step fits into the input, and what is odd comes behind.
    SameUpper,
    /// As many, and what is odd comes in front.
    SameLower,
    Valid,
}

impl AutoPad {
    pub(super) fn of(node: &Node) -> Result<Self, Reason> {
        Ok(match node.text("auto_pad", "NOTSET")? {
            "NOTSET" | "" => AutoPad::No,
            "SAME_UPPER" => AutoPad::SameUpper,
            "SAME_LOWER" => AutoPad::SameLower,
            "VALID" => AutoPad::Valid,
            other => {
                return Err(format!(
                    "auto_pad is '{other}'; expected NOTSET, SAME_UPPER, SAME_LOWER or VALID"
                ));
            }
        })
    }

    /// Padding in front and behind that makes so much.
    pub(super) fn shared(self, total: usize) -> [usize; 2] {
        let (less, more) = (total / 2, total - total / 2);
        if self == AutoPad::SameLower { [more, less] } else { [less, more] }
    }
}

/// Sizes in a setting, so small that sums and products of a few stay far below what overflows.
pub(super) fn sizes(node: &Node, name: &str, least: i64) -> Result<Option<Vec<usize>>, Reason> {
    const MOST: i64 = 1 << 20;
    let Some(values) = node.ints(name)? else { return Ok(None) };
    match values.iter().find(|value| !(least..=MOST).contains(*value)) {
        Some(value) => Err(format!("{name} has {value}; expected {least} to {MOST}")),
        None => Ok(Some(values.iter().map(|value| *value as usize).collect())),
    }
}

/// The settings of windows, down and to the right.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    /// As the node says, if it does.
    kernel: Option<Vec<usize>>,
    strides: Option<Vec<usize>>,
    dilations: Option<Vec<usize>>,
    /// In front of each dimension, then behind each.
    pads: Option<Vec<usize>>,
    auto_pad: AutoPad,
    ceil: bool,
}

/// Windows over one dimension of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Padding in front and behind.
    pub(super) pads: [usize; 2],
    /// What is added behind beyond the padding, so that the last window is whole.
    pub(super) beyond: usize,
    /// How many windows there are.
    pub(super) places: usize,
}

impl Windows {
    pub(super) fn new(node: &Node) -> Result<Self, Reason> {
        Ok(Windows {
            kernel: sizes(node, "kernel_shape", 1)?,
            strides: sizes(node, "strides", 1)?,
            dilations: sizes(node, "dilations", 1)?,
            pads: sizes(node, "pads", 0)?,
            auto_pad: AutoPad::of(node)?,
            ceil: node.flag("ceil_mode", false)?,
        })
    }

    /// The windows over the dimensions behind batch and channels, whose kernel sizes a weight may say.
    pub(super) fn over(&self, sizes: &[usize], of_weight: Option<&[usize]>) -> Result<Vec<Window>, Reason> {
        let dimensions = sizes.len();
        let kernel = match (&self.kernel, of_weight) {
            (Some(said), Some(weight)) if said != weight => {
                return Err(format!("kernel_shape is {said:?}, and its weight has {weight:?}"));
            }
            (_, Some(weight)) => weight,
            (Some(said), None) => said,
            (None, None) => return Err("it has no kernel_shape".to_owned()),
        };
        let ones = vec![1; dimensions];
        let strides = self.strides.as_ref().unwrap_or(&ones);
        let dilations = self.dilations.as_ref().unwrap_or(&ones);
        let none = vec![0; 2 * dimensions];
        let pads = self.pads.as_ref().unwrap_or(&none);
        let counts = [kernel.len(), strides.len(), dilations.len(), pads.len() / 2];
        if counts.iter().any(|count| *count != dimensions) || !pads.len().is_multiple_of(2) {
            return Err(format!(
                "kernel_shape, strides, dilations and pads are not for {dimensions} dimensions each"
            ));
        }
        (0..dimensions)
            .map(|axis| {
                let pads = [pads[axis], pads[dimensions + axis]];
                self.one(sizes[axis], kernel[axis], strides[axis], dilations[axis], pads)
            })
            .collect()
    }

    fn one(
        &self,
        size: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        pads: [usize; 2],
    ) -> Result<Window, Reason> {
        if kernel == 0 || kernel > 1 << 20 {
            return Err(format!("a kernel of size {kernel}"));
        }
        let reach = dilation * (kernel - 1) + 1;
        let pads = match self.auto_pad {
            AutoPad::No => pads,
            AutoPad::Valid => [0; 2],
            AutoPad::SameUpper | AutoPad::SameLower => {
                self.auto_pad.shared(((size.div_ceil(stride) - 1) * stride + reach).saturating_sub(size))
            }
        };
        let padded = size + pads[0] + pads[1];
        let Some(room) = padded.checked_sub(reach) else {
            return Err(format!("a kernel that reaches over {reach} of {padded} places"));
        };
        let mut places = room / stride + 1;
        // A last window that is not whole counts if it begins before the padding behind.
        if self.ceil && room % stride != 0 && places * stride < size + pads[0] {
            places += 1;
        }
        let beyond = ((places - 1) * stride + reach).saturating_sub(padded);
        Ok(Window { kernel, stride, dilation, pads, beyond, places })
    }
}

/// Batch and channels of an image or a sequence, and the sizes behind them.
pub(super) fn image(input: &Value) -> Result<([usize; 2], &[usize]), Reason> {
    match input.dims.as_slice() {
        [batch, channels, sizes @ ..] if (1..=2).contains(&sizes.len()) => Ok(([*batch, *channels], sizes)),
        dims => Err(format!(
            "an input of {dims:?}; expected [batch, channels, height, width] or [batch, channels, steps]"
        )),
    }
}

/// Windows over two dimensions, where a sequence has a first one of size 1.
pub(super) fn in_two(windows: &[Window]) -> [Window; 2] {
    const ONE: Window = Window { kernel: 1, stride: 1, dilation: 1, pads: [0; 2], beyond: 0, places: 1 };
    match windows {
        [steps] => [ONE, *steps],
        _ => [windows[0], windows[1]],
    }
}

/// An image, or a sequence as one of height 1.
pub(super) fn as_image(tensor: AnyRank, dims: &[usize]) -> AnyRank {
    match dims {
        &[batch, channels, steps] => tensor.reshape(&[batch, channels, 1, steps]),
        _ => tensor,
    }
}

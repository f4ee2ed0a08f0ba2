//! What moves over images and sequences: convolutions and pools.

use super::Known;
use crate::onnx::import::Node;

/// Behind windows that move over all axes but the first two.
pub(super) fn windows(known: &Known<'_>, node: &Node, shape: &[usize]) -> Result<Vec<usize>, String> {
    let Some(rank) = shape.len().checked_sub(2).filter(|rank| *rank > 0) else {
        return Err(format!("it is given {shape:?}; expected channels and sizes"));
    };
    let weight = node.input(1).and_then(|name| known.shape(name));
    let window = Window::read(node, rank, weight, &shape[2..])?;
    let channels = match node.kind.as_str() {
        "Conv" => *weight.and_then(<[usize]>::first).ok_or("the shape of its weight is not known")?,
        _ => shape[1],
    };
    let mut out = vec![shape[0], channels];
    for axis in 0..rank {
        out.push(window.count(axis, shape[axis + 2])?);
    }
    Ok(out)
}

/// What moves over an image or a sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::onnx::translate) struct Window {
    pub(in crate::onnx::translate) kernel: Vec<usize>,
    pub(in crate::onnx::translate) stride: Vec<usize>,
    pub(in crate::onnx::translate) dilation: Vec<usize>,
    /// Zeros before and after, along each axis.
    pub(in crate::onnx::translate) pads: Vec<(usize, usize)>,
    pub(in crate::onnx::translate) ceil: bool,
}

impl Window {
    /// Reads the settings of `Conv` and pools; `weight` is the shape of a convolution's weight.
    pub(in crate::onnx::translate) fn read(
        node: &Node,
        rank: usize,
        weight: Option<&[usize]>,
        input: &[usize],
    ) -> Result<Self, String> {
        let list = |name: &str, default: usize, least: usize| -> Result<Vec<usize>, String> {
            let Some(values) = node.ints(name)? else { return Ok(vec![default; rank]) };
            let sizes: Vec<usize> = values
                .iter()
                .filter_map(|value| usize::try_from(*value).ok())
                .filter(|value| (least..1 << 31).contains(value))
                .collect();
            match values.len() == rank && sizes.len() == rank {
                true => Ok(sizes),
                false => Err(format!("{name} is {values:?}; expected {rank} sizes")),
            }
        };
        let kernel = match (node.ints("kernel_shape")?, weight) {
            (None, Some(weight)) if weight.len() == rank + 2 => weight[2..].to_vec(),
            (None, _) => return Err("it has no kernel_shape".into()),
            _ => list("kernel_shape", 1, 1)?,
        };
        let (stride, dilation) = (list("strides", 1, 1)?, list("dilations", 1, 1)?);
        let covered = |axis: usize| -> Result<usize, String> {
            let reach = (kernel[axis] - 1).checked_mul(dilation[axis]);
            reach
                .filter(|reach| *reach < 1 << 32)
                .map(|reach| reach + 1)
                .ok_or("its kernel is too large".into())
        };
        let mut pads = Vec::new();
        match node.text("auto_pad", "NOTSET")? {
            "NOTSET" => {
                let given = match node.ints("pads")? {
                    Some(given) => given.to_vec(),
                    None => vec![0; 2 * rank],
                };
                if given.len() != 2 * rank || given.iter().any(|pad| !(0..1 << 31).contains(pad)) {
                    return Err(format!("pads is {given:?}; expected {} sizes", 2 * rank));
                }
                pads.extend((0..rank).map(|axis| (given[axis] as usize, given[axis + rank] as usize)));
            }
            "VALID" => pads.resize(rank, (0, 0)),
            same @ ("SAME_UPPER" | "SAME_LOWER") => {
                for axis in 0..rank {
                    let out = input[axis].div_ceil(stride[axis]);
                    let reach =
                        out.saturating_sub(1).saturating_mul(stride[axis]).saturating_add(covered(axis)?);
                    let total = reach.saturating_sub(input[axis]);
                    let (less, more) = (total / 2, total - total / 2);
                    pads.push(if same == "SAME_UPPER" { (less, more) } else { (more, less) });
                }
            }
            other => return Err(format!("auto_pad is '{}'", crate::words::short(other))),
        }
        for axis in 0..rank {
            covered(axis)?;
        }
        Ok(Window { kernel, stride, dilation, pads, ceil: node.flag("ceil_mode", false)? })
    }

    /// How many windows there are along an axis of this size.
    pub(in crate::onnx::translate) fn count(&self, axis: usize, size: usize) -> Result<usize, String> {
        let covered = (self.kernel[axis] - 1) * self.dilation[axis] + 1;
        let (before, after) = self.pads[axis];
        let all = size.saturating_add(before).saturating_add(after);
        let Some(moves) = all.checked_sub(covered) else {
            return Err(format!("its kernel covers {covered}, and there are {all}"));
        };
        let stride = self.stride[axis];
        if !self.ceil {
            return Ok(moves / stride + 1);
        }
        let mut count = moves.div_ceil(stride) + 1;
        // No window begins in the zeros behind.
        if (count - 1) * stride >= size + before {
            count -= 1;
        }
        Ok(count)
    }
}

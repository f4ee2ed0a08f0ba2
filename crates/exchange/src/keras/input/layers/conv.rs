//! Convolutions, and zeros around what comes to them.

use fireclay_nn::{Conv1dSpec, Conv2dSpec, Padding};
use serde_json::Value;

use super::{Outcome, activation};
use crate::keras::input::config::{Config, shown};
use crate::keras::input::flow::{Flow, permuted};
use crate::keras::input::translation::{Failure, Layer, Translation};
use crate::keras::input::weights::Part;
use crate::words::short;

/// What all convolutions over images have.
struct Windows {
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    /// Height and width of what leaves.
    out: [usize; 2],
}

impl Windows {
    fn read(config: Config<'_>, flow: &Flow) -> Result<Self, Failure> {
        let [height, width, _] = flow.image()?;
        let pair = |field: &str| -> Result<[usize; 2], String> {
            let sizes = config.sizes(field, 2, 1)?;
            Ok([sizes[0], sizes[1]])
        };
        let (kernel, stride, dilation) = (pair("kernel_size")?, pair("strides")?, pair("dilation_rate")?);
        let padding = match config.text("padding")?.unwrap_or("valid") {
            "valid" => Padding::Valid,
            "same" => Padding::Same,
            other => {
                return Err(Failure::Reason(format!(
                    "padding is '{}'; expected valid or same",
                    short(other)
                )));
            }
        };
        let covered = [0, 1].map(|axis| (kernel[axis] - 1).saturating_mul(dilation[axis]).saturating_add(1));
        let input = [height, width];
        let padding = match flow.zeros {
            None => padding,
            Some(zeros) if padding == Padding::Valid => folded(zeros, input, covered, stride)?,
            Some(_) => return Err("ZeroPadding2D stands before it, and it adds zeros of its own".into()),
        };
        let mut out = [0; 2];
        for axis in 0..2 {
            let (before, after) = padding.pair(axis, input[axis], covered[axis], stride[axis]);
            let left = input[axis].saturating_add(before).saturating_add(after).checked_sub(covered[axis]);
            out[axis] = left.ok_or("its kernel is larger than its input")? / stride[axis] + 1;
        }
        Ok(Windows { kernel, stride, dilation, padding, out })
    }

    fn spec(&self, out_channels: usize) -> Conv2dSpec {
        Conv2dSpec::new(out_channels, self.kernel)
            .stride(self.stride)
            .dilation(self.dilation)
            .padding(self.padding)
    }
}

/// Zeros of a ZeroPadding2D as the padding of the convolution behind it.
fn folded(
    zeros: [usize; 4],
    input: [usize; 2],
    covered: [usize; 2],
    stride: [usize; 2],
) -> Result<Padding, Failure> {
    let [above, below, left, right] = zeros;
    if above == below && left == right {
        return Ok(Padding::from([above, left]));
    }
    let same = [0, 1].map(|axis| Padding::Same.pair(axis, input[axis], covered[axis], stride[axis]));
    match same == [(above, below), (left, right)] {
        true => Ok(Padding::Same),
        false => Err(Failure::Reason(format!("the zeros before it are not alike on both sides: {zeros:?}"))),
    }
}

pub(super) fn conv2d(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    let (windows, [_, _, channels]) = (Windows::read(config, &flow)?, flow.image()?);
    let filters = config.size("filters")?;
    let groups = groups(config, channels, filters)?;
    let bias = config.flag("use_bias", true)?;
    let [height, width] = windows.kernel;
    let shape = [height, width, channels / groups, filters];
    let kernel = into.variable(&layer.owner, Part::WHOLE, 0, &["kernel"], &shape)?;
    into.push(&layer.name, windows.spec(filters).groups(groups).bias(bias));
    let weight = permuted(&kernel, &shape, &[3, 2, 0, 1]);
    into.tensor(&layer.name, "weight", vec![filters, channels / groups, height, width], weight);
    if bias {
        let values = into.variable(&layer.owner, Part::WHOLE, 1, &["bias"], &[filters])?;
        into.tensor(&layer.name, "bias", vec![filters], values);
    }
    let [out_height, out_width] = windows.out;
    activation::behind(into, layer, Flow::of(vec![out_height, out_width, filters]))
}

fn groups(config: Config<'_>, channels: usize, filters: usize) -> Result<usize, Failure> {
    let groups = config.get("groups").map_or(Ok(1), |_| config.size("groups"))?;
    match channels.is_multiple_of(groups) && filters.is_multiple_of(groups) {
        true => Ok(groups),
        false => Err(Failure::Reason(format!(
            "{groups} groups cannot share {channels} channels and {filters} filters"
        ))),
    }
}

/// Each channel by itself.
fn depthwise_part(into: &mut Translation<'_>, layer: &Layer<'_>, flow: &Flow, bias: bool) -> Outcome {
    let config = layer.config;
    let (windows, [_, _, channels]) = (Windows::read(config, flow)?, flow.image()?);
    let multiplier = config.get("depth_multiplier").map_or(Ok(1), |_| config.size("depth_multiplier"))?;
    let filters = channels.checked_mul(multiplier).ok_or("it has too many channels")?;
    let [height, width] = windows.kernel;
    let shape = [height, width, channels, multiplier];
    let kernel = into.variable(&layer.owner, Part::WHOLE, 0, &["depthwise_kernel", "kernel"], &shape)?;
    into.push(&layer.name, windows.spec(filters).groups(channels).bias(bias));
    let weight = permuted(&kernel, &shape, &[2, 3, 0, 1]);
    into.tensor(&layer.name, "weight", vec![filters, 1, height, width], weight);
    let [out_height, out_width] = windows.out;
    Ok(Flow::of(vec![out_height, out_width, filters]))
}

pub(super) fn depthwise(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let bias = layer.config.flag("use_bias", true)?;
    let out = depthwise_part(into, layer, &flow, bias)?;
    if bias {
        let values = into.variable(&layer.owner, Part::WHOLE, 1, &["bias"], &[out.features()])?;
        into.tensor(&layer.name, "bias", vec![out.features()], values);
    }
    activation::behind(into, layer, out)
}

/// As two: each channel by itself, then all of each pixel.
pub(super) fn separable(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let (filters, bias) = (layer.config.size("filters")?, layer.config.flag("use_bias", true)?);
    let first = Layer { name: into.name(&format!("{}_depthwise", layer.name)), ..layer.clone() };
    let out = depthwise_part(into, &first, &flow, false)?;
    let channels = out.features();
    let shape = [1, 1, channels, filters];
    let kernel = into.variable(&layer.owner, Part::WHOLE, 1, &["pointwise_kernel"], &shape)?;
    into.push(&layer.name, Conv2dSpec::new(filters, 1).bias(bias));
    into.tensor(
        &layer.name,
        "weight",
        vec![filters, channels, 1, 1],
        permuted(&kernel, &shape, &[3, 2, 0, 1]),
    );
    if bias {
        let values = into.variable(&layer.owner, Part::WHOLE, 2, &["bias"], &[filters])?;
        into.tensor(&layer.name, "bias", vec![filters], values);
    }
    let shape = vec![out.shape[0], out.shape[1], filters];
    activation::behind(into, layer, Flow::of(shape))
}

pub(super) fn conv1d(into: &mut Translation<'_>, layer: &Layer<'_>, flow: Flow) -> Outcome {
    let config = layer.config;
    let [steps, features] = flow.sequence()?;
    let one = |field: &str| config.sizes(field, 1, 1).map(|sizes| sizes[0]);
    let (kernel_size, stride, dilation) = (one("kernel_size")?, one("strides")?, one("dilation_rate")?);
    let padding = match config.text("padding")?.unwrap_or("valid") {
        "valid" => Padding::Valid,
        "same" => Padding::Same,
        other => {
            return Err(Failure::Reason(format!("padding is '{}'; expected valid or same", short(other))));
        }
    };
    let padding = match (flow.zeros, padding) {
        (None, padding) => padding,
        (Some([_, _, before, after]), Padding::Valid) if before == after => Padding::from(before),
        (Some(zeros), _) => {
            return Err(Failure::Reason(format!(
                "the zeros before it cannot be part of it: {:?}",
                &zeros[2..]
            )));
        }
    };
    let filters = config.size("filters")?;
    let groups = groups(config, features, filters)?;
    let bias = config.flag("use_bias", true)?;
    let covered = (kernel_size - 1).saturating_mul(dilation).saturating_add(1);
    let (before, after) = padding.pair(1, steps, covered, stride);
    let left = steps.saturating_add(before).saturating_add(after).checked_sub(covered);
    let out = left.ok_or("its kernel is longer than its input")? / stride + 1;
    let shape = [kernel_size, features / groups, filters];
    let kernel = into.variable(&layer.owner, Part::WHOLE, 0, &["kernel"], &shape)?;
    let spec = Conv1dSpec::new(filters, kernel_size).stride(stride).dilation(dilation).padding(padding);
    into.push(&layer.name, spec.groups(groups).bias(bias));
    let weight = permuted(&kernel, &shape, &[2, 1, 0]);
    into.tensor(&layer.name, "weight", vec![filters, features / groups, kernel_size], weight);
    if bias {
        let values = into.variable(&layer.owner, Part::WHOLE, 1, &["bias"], &[filters])?;
        into.tensor(&layer.name, "bias", vec![filters], values);
    }
    activation::behind(into, layer, Flow::of(vec![out, filters]))
}

/// The same over steps.
pub(super) fn zero_padding_1d(layer: &Layer<'_>, flow: Flow) -> Outcome {
    flow.sequence()?;
    let value = layer.config.get("padding").ok_or("padding is missing")?;
    let both = value.as_array().is_some_and(|pair| pair.len() == 2);
    let zeros = four(value)
        .ok_or_else(|| format!("padding is {}; expected zeros before and behind", shown(value)))?;
    let zeros = if both { [0, 0, zeros[0], zeros[2]] } else { [0, 0, zeros[0], zeros[0]] };
    Ok(Flow { zeros: Some(zeros), mask: false, ..flow })
}

/// Kept for the layer behind.
pub(super) fn zero_padding(layer: &Layer<'_>, flow: Flow) -> Outcome {
    flow.image()?;
    let value = layer.config.get("padding").ok_or("padding is missing")?;
    let zeros = four(value)
        .ok_or_else(|| format!("padding is {}; expected zeros above, below, left and right", shown(value)))?;
    Ok(Flow { zeros: Some(zeros), ..flow })
}

/// `1`, `[1, 2]` or `[[1, 2], [3, 4]]`.
fn four(value: &Value) -> Option<[usize; 4]> {
    let size = |value: &Value| value.as_u64().filter(|size| *size < 1 << 20).map(|size| size as usize);
    match value {
        Value::Array(pair) => match pair.as_slice() {
            [Value::Array(rows), Value::Array(columns)] => match (rows.as_slice(), columns.as_slice()) {
                ([above, below], [left, right]) => {
                    Some([size(above)?, size(below)?, size(left)?, size(right)?])
                }
                _ => None,
            },
            [rows, columns] => {
                let (rows, columns) = (size(rows)?, size(columns)?);
                Some([rows, rows, columns, columns])
            }
            _ => None,
        },
        one => size(one).map(|size| [size; 4]),
    }
}

//! Convolutions and pooling, with zeros around them where Keras has no padding of that size.

use fireclay_nn::{
    AvgPool2dSpec, Conv1dSpec, Conv2dSpec, MaxPool2dSpec, Padding, PlacedLayer, Size2d, WhiteningSpec,
};
use serde_json::json;

use super::graph::{Value, Variable};
use super::writer::{Writer, keras_shape, no_mask};
use crate::keras::input::permuted;

pub(super) fn conv2d(
    writer: &mut Writer<'_>,
    layer: &PlacedLayer,
    spec: &Conv2dSpec,
    value: Value,
) -> Result<Value, String> {
    let (name, channels) = (layer.name.as_str(), value.features());
    let ([height, width], groups) = (spec.kernel_size.dims(), spec.groups);
    if spec.stride.dims() != [1, 1] && spec.dilation.dims() != [1, 1] {
        return Err("Keras has no convolution with both stride and dilation".into());
    }
    let (padding, value) = padded(writer, name, spec.padding, value);
    let ours = [spec.out_channels, channels / groups, height, width];
    let weight = writer.values(name, "weight");
    let mut config = json!({
        "kernel_size": [height, width],
        "strides": spec.stride.dims(),
        "dilation_rate": spec.dilation.dims(),
        "padding": padding,
        "use_bias": spec.bias,
    });
    let depthwise = groups == channels && groups > 1 && spec.stride.height == spec.stride.width;
    let (class, kernel) = match depthwise {
        true => {
            let multiplier = spec.out_channels / channels;
            config["depth_multiplier"] = json!(multiplier);
            let shape = [channels, multiplier, height, width];
            let kernel = permuted(&weight, &shape, &[2, 3, 0, 1]);
            ("DepthwiseConv2D", Variable::new(0, [height, width, channels, multiplier], kernel))
        }
        false => {
            config["filters"] = json!(spec.out_channels);
            config["groups"] = json!(groups);
            let kernel = permuted(&weight, &ours, &[2, 3, 1, 0]);
            ("Conv2D", Variable::new(0, [height, width, channels / groups, spec.out_channels], kernel))
        }
    };
    let mut variables = vec![kernel];
    if spec.bias {
        variables.push(Variable::new(1, [spec.out_channels], writer.values(name, "bias")));
    }
    Ok(Value::of(writer.one(class, name, config, &value, variables), keras_shape(layer)))
}

/// A convolution whose weight happens to come from the data.
pub(super) fn whitening(
    writer: &mut Writer<'_>,
    layer: &PlacedLayer,
    spec: &WhiteningSpec,
    value: Value,
) -> Value {
    let (name, channels) = (layer.name.as_str(), value.features());
    let ([height, width], shape) = (spec.kernel_size.dims(), keras_shape(layer));
    let filters = shape.last().copied().unwrap_or(1);
    let kernel = permuted(&writer.values(name, "weight"), &[filters, channels, height, width], &[2, 3, 1, 0]);
    let mut variables = vec![Variable::new(0, [height, width, channels, filters], kernel)];
    if spec.bias {
        variables.push(Variable::new(1, [filters], writer.values(name, "bias")));
    }
    let config = json!({ "filters": filters, "kernel_size": [height, width], "use_bias": spec.bias });
    Value::of(writer.one("Conv2D", name, config, &value, variables), shape)
}

/// The word for a padding, and the value with the zeros for which there is no word.
fn padded(writer: &mut Writer<'_>, name: &str, padding: Padding, value: Value) -> (&'static str, Value) {
    match padding {
        Padding::Valid => ("valid", value),
        Padding::Same => ("same", value),
        Padding::Explicit(size) => ("valid", zeros(writer, name, size, value)),
    }
}

fn zeros(writer: &mut Writer<'_>, name: &str, Size2d { height, width }: Size2d, mut value: Value) -> Value {
    if (height, width) != (0, 0) {
        let config = json!({ "padding": [[height, height], [width, width]] });
        value.node = writer.one("ZeroPadding2D", &format!("{name}.zeros"), config, &value, Vec::new());
        value.shape[0] += 2 * height;
        value.shape[1] += 2 * width;
    }
    value
}

pub(super) fn conv1d(
    writer: &mut Writer<'_>,
    layer: &PlacedLayer,
    spec: &Conv1dSpec,
    mut value: Value,
) -> Result<Value, String> {
    no_mask(&value)?;
    let (name, features) = (layer.name.as_str(), value.features());
    if spec.stride > 1 && spec.dilation > 1 {
        return Err("Keras has no convolution with both stride and dilation".into());
    }
    let padding = match spec.padding {
        Padding::Valid => "valid",
        Padding::Same => "same",
        Padding::Explicit(size) => {
            if size.width > 0 {
                let config = json!({ "padding": [size.width, size.width] });
                value.node =
                    writer.one("ZeroPadding1D", &format!("{name}.zeros"), config, &value, Vec::new());
            }
            "valid"
        }
    };
    let shape = [spec.out_channels, features / spec.groups, spec.kernel_size];
    let kernel = permuted(&writer.values(name, "weight"), &shape, &[2, 1, 0]);
    let mut variables = vec![Variable::new(0, [shape[2], shape[1], shape[0]], kernel)];
    if spec.bias {
        variables.push(Variable::new(1, [spec.out_channels], writer.values(name, "bias")));
    }
    let config = json!({
        "filters": spec.out_channels,
        "kernel_size": [spec.kernel_size],
        "strides": [spec.stride],
        "dilation_rate": [spec.dilation],
        "groups": spec.groups,
        "padding": padding,
        "use_bias": spec.bias,
    });
    Ok(Value::of(writer.one("Conv1D", name, config, &value, variables), keras_shape(layer)))
}

/// Whether Keras's `same` is this padding, on an image of these sizes.
fn is_same(padding: Size2d, kernel: Size2d, stride: Size2d, value: &Value) -> bool {
    (0..2).all(|axis| {
        let (own, kernel, stride) = (padding.dims()[axis], kernel.dims()[axis], stride.dims()[axis]);
        Padding::Same.pair(axis, value.shape[axis], kernel, stride) == (own, own)
    })
}

pub(super) fn max_pool(
    writer: &mut Writer<'_>,
    layer: &PlacedLayer,
    spec: &MaxPool2dSpec,
    value: Value,
) -> Result<Value, String> {
    let stride = spec.stride.unwrap_or(spec.kernel_size);
    let positive = value.positive;
    let (padding, value) = match spec.padding.dims() {
        [0, 0] => ("valid", value),
        _ if is_same(spec.padding, spec.kernel_size, stride, &value) => ("same", value),
        // A zero is never the greatest of values of which none is negative.
        _ if positive => ("valid", zeros(writer, &layer.name, spec.padding, value)),
        _ => return Err("Keras has no max pooling with this padding; put a ReLU before it".into()),
    };
    let config =
        json!({ "pool_size": spec.kernel_size.dims(), "strides": stride.dims(), "padding": padding });
    let node = writer.one("MaxPooling2D", &layer.name, config, &value, Vec::new());
    Ok(Value { positive, ..Value::of(node, keras_shape(layer)) })
}

pub(super) fn avg_pool(
    writer: &mut Writer<'_>,
    layer: &PlacedLayer,
    spec: &AvgPool2dSpec,
    value: Value,
) -> Result<Value, String> {
    let stride = spec.stride.unwrap_or(spec.kernel_size);
    let (padding, value) = match spec.padding.dims() {
        [0, 0] => ("valid", value),
        _ if spec.count_include_pad => ("valid", zeros(writer, &layer.name, spec.padding, value)),
        _ if is_same(spec.padding, spec.kernel_size, stride, &value) => ("same", value),
        _ => return Err("Keras has no average pooling with this padding; set count_include_pad".into()),
    };
    let config =
        json!({ "pool_size": spec.kernel_size.dims(), "strides": stride.dims(), "padding": padding });
    let node = writer.one("AveragePooling2D", &layer.name, config, &value, Vec::new());
    Ok(Value::of(node, keras_shape(layer)))
}

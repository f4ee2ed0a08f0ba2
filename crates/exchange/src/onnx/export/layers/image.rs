//! Layers that work on images.

use fireclay_nn::{AvgPool2dSpec, Conv2dSpec, MaxPool2dSpec, Size2d, WhiteningSpec};

use super::super::attribute::{integer, sizes};
use super::super::flow::Flow;
use super::super::graph::Graph;
use super::Place;
use crate::onnx::proto::AttributeProto;

pub(super) fn conv2d(graph: &mut Graph, place: &Place, spec: &Conv2dSpec, input: Flow) -> Flow {
    let (kernel, stride, dilation) = (spec.kernel_size.dims(), spec.stride.dims(), spec.dilation.dims());
    let image = place.layer.input.shape();
    let [(top, bottom), (left, right)] = [0, 1].map(|axis| {
        let covered = (kernel[axis] - 1) * dilation[axis] + 1;
        spec.padding.pair(axis, image[axis + 1], covered, stride[axis])
    });
    let attributes = vec![
        sizes("kernel_shape", &kernel),
        sizes("strides", &stride),
        sizes("pads", &[top, left, bottom, right]),
        sizes("dilations", &dilation),
        integer("group", spec.groups as i64),
    ];
    conv(graph, place, spec.bias, attributes, input)
}

pub(super) fn whitening(graph: &mut Graph, place: &Place, spec: &WhiteningSpec, input: Flow) -> Flow {
    let attributes = vec![sizes("kernel_shape", &spec.kernel_size.dims())];
    conv(graph, place, spec.bias, attributes, input)
}

fn conv(
    graph: &mut Graph,
    place: &Place,
    has_bias: bool,
    attributes: Vec<AttributeProto>,
    input: Flow,
) -> Flow {
    let weight = graph.weight(&place.tensor("weight"));
    let bias = has_bias.then(|| graph.weight(&place.tensor("bias")));
    let inputs: Vec<&str> = [input.value.as_str(), &weight].into_iter().chain(bias.as_deref()).collect();
    let value = graph.add("Conv", &inputs, attributes);
    input.with(value)
}

pub(super) fn max_pool2d(graph: &mut Graph, spec: &MaxPool2dSpec, input: Flow) -> Flow {
    let attributes = windows(spec.kernel_size, spec.stride, spec.padding);
    let value = graph.add("MaxPool", &[&input.value], attributes);
    input.with(value)
}

pub(super) fn avg_pool2d(graph: &mut Graph, spec: &AvgPool2dSpec, input: Flow) -> Flow {
    let mut attributes = windows(spec.kernel_size, spec.stride, spec.padding);
    attributes.push(integer("count_include_pad", spec.count_include_pad.into()));
    let value = graph.add("AveragePool", &[&input.value], attributes);
    input.with(value)
}

fn windows(kernel: Size2d, stride: Option<Size2d>, padding: Size2d) -> Vec<AttributeProto> {
    let [height, width] = padding.dims();
    vec![
        sizes("kernel_shape", &kernel.dims()),
        sizes("strides", &stride.unwrap_or(kernel).dims()),
        sizes("pads", &[height, width, height, width]),
    ]
}

pub(super) fn global_avg_pool2d(graph: &mut Graph, input: Flow) -> Flow {
    let means = graph.add("GlobalAveragePool", &[&input.value], Vec::new());
    Flow::rows(graph.add("Flatten", &[&means], vec![integer("axis", 1)]))
}

//! Functions of one value, and softmax.

use fireclay_nn::{EluSpec, LeakyReluSpec};

use super::super::attribute::{float, integer};
use super::super::flow::Flow;
use super::super::graph::Graph;

pub(super) fn simple(graph: &mut Graph, op: &str, input: Flow) -> Flow {
    let value = graph.add(op, &[&input.value], Vec::new());
    input.with(value)
}

pub(super) fn leaky_relu(graph: &mut Graph, spec: &LeakyReluSpec, input: Flow) -> Flow {
    let value = graph.add("LeakyRelu", &[&input.value], vec![float("alpha", spec.negative_slope)]);
    input.with(value)
}

pub(super) fn elu(graph: &mut Graph, spec: &EluSpec, input: Flow) -> Flow {
    let value = graph.add("Elu", &[&input.value], vec![float("alpha", spec.alpha)]);
    input.with(value)
}

/// `0.5 x (1 + erf(x / √2))`, which is what ONNX's own GELU is defined as. That came with operator set 20, which fewer
/// runtimes have; those that have a fast GELU know this form of it.
pub(super) fn gelu(graph: &mut Graph, input: Flow) -> Flow {
    let [root, one, half] = [std::f32::consts::SQRT_2, 1.0, 0.5].map(|value| graph.float(value));
    let value = graph.add("Div", &[&input.value, &root], Vec::new());
    let value = graph.add("Erf", &[&value], Vec::new());
    let value = graph.add("Add", &[&value, &one], Vec::new());
    let value = graph.add("Mul", &[&input.value, &value], Vec::new());
    let value = graph.add("Mul", &[&value, &half], Vec::new());
    input.with(value)
}

pub(super) fn silu(graph: &mut Graph, input: Flow) -> Flow {
    let share = graph.add("Sigmoid", &[&input.value], Vec::new());
    let value = graph.add("Mul", &[&input.value, &share], Vec::new());
    input.with(value)
}

pub(super) fn softmax(graph: &mut Graph, input: Flow) -> Flow {
    let value = graph.add("Softmax", &[&input.value], vec![integer("axis", -1)]);
    input.with(value)
}

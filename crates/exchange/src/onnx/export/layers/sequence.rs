//! From sequences, or images, to rows.

use super::super::attribute::integer;
use super::super::flow::Flow;
use super::super::graph::Graph;
use crate::onnx::proto::DataType;

/// Less than any value that is worth having.
const LEAST: f32 = -1e30;

pub(super) fn flatten(graph: &mut Graph, input: Flow) -> Flow {
    match input.rank {
        2 => input,
        _ => Flow::rows(graph.add("Flatten", &[&input.value], vec![integer("axis", 1)])),
    }
}

pub(super) fn first_step(graph: &mut Graph, input: Flow) -> Flow {
    let first = graph.int(0);
    Flow::rows(graph.add("Gather", &[&input.value, &first], vec![integer("axis", 1)]))
}

/// The mean over the steps that are a sequence's own; 0 for one without steps.
pub(super) fn global_avg_pool1d(graph: &mut Graph, input: Flow) -> Flow {
    let (axes, keepdims) = (graph.ints(&[1]), vec![integer("keepdims", 0)]);
    let (Some(own), Some(lengths)) = (input.own_factors(graph), &input.lengths) else {
        return Flow::rows(graph.add("ReduceMean", &[&input.value, &axes], keepdims));
    };
    let values = graph.add("Mul", &[&input.value, &own], Vec::new());
    let sum = graph.add("ReduceSum", &[&values, &axes], keepdims);
    let count = graph.add("Max", &[lengths, &axes], Vec::new());
    let count = graph.cast(&count, DataType::Float);
    let count = graph.unsqueeze(&count, &[1]);
    Flow::rows(graph.add("Div", &[&sum, &count], Vec::new()))
}

/// The greatest value over the steps that are a sequence's own; 0 for one without steps.
pub(super) fn global_max_pool1d(graph: &mut Graph, input: Flow) -> Flow {
    let (axes, keepdims) = (graph.ints(&[1]), vec![integer("keepdims", 0)]);
    let (Some(own), Some(lengths)) = (input.own(graph), &input.lengths) else {
        return Flow::rows(graph.add("ReduceMax", &[&input.value, &axes], keepdims));
    };
    let (least, zero) = (graph.float(LEAST), graph.float(0.0));
    let own = graph.unsqueeze(&own, &[2]);
    let values = graph.add("Where", &[&own, &input.value, &least], Vec::new());
    let greatest = graph.add("ReduceMax", &[&values, &axes], keepdims);
    let nothing = graph.int(0);
    let is_there = graph.add("Greater", &[lengths, &nothing], Vec::new());
    let is_there = graph.unsqueeze(&is_there, &[1]);
    Flow::rows(graph.add("Where", &[&is_there, &greatest, &zero], Vec::new()))
}

//! Tables that tokens are looked up in.

use fireclay_nn::{EmbeddingSpec, NaiveBayesBagSpec};

use super::super::attribute::integer;
use super::super::flow::Flow;
use super::super::graph::Graph;
use super::Place;
use crate::onnx::proto::DataType;

/// Also finds out how long each sequence is, as its last token that does not fill up says. Step by step nothing fills up.
pub(super) fn embedding(graph: &mut Graph, place: &Place, spec: &EmbeddingSpec, input: Flow) -> Flow {
    let weight = graph.weight(&place.tensor("weight"));
    let lengths = match (spec.padding_idx, &input.steps) {
        (Some(padding), Some(steps)) if !graph.stepwise => {
            let one = graph.ints(&[1]);
            let places = graph.range(None, &steps.name);
            let places = graph.add("Add", &[&places, &one], Vec::new());
            let padding = graph.int(padding as i64);
            let fills = graph.add("Equal", &[&input.value, &padding], Vec::new());
            let is_own = graph.add("Not", &[&fills], Vec::new());
            let is_own = graph.cast(&is_own, DataType::Int64);
            let places = graph.add("Mul", &[&is_own, &places], Vec::new());
            Some(graph.add("ReduceMax", &[&places, &one], vec![integer("keepdims", 0)]))
        }
        _ => None,
    };
    let value = graph.add("Gather", &[&weight, &input.value], vec![integer("axis", 0)]);
    Flow { value, rank: 3, lengths, steps: input.steps }
}

/// The table is what it weighs by times what it has learnt, which nothing changes any more.
pub(super) fn naive_bayes_bag(
    graph: &mut Graph,
    place: &Place,
    spec: &NaiveBayesBagSpec,
    input: Flow,
) -> Flow {
    let (ratio, weight) = (graph.tensor(&place.tensor("ratio")), graph.tensor(&place.tensor("weight")));
    let table: Vec<f32> =
        ratio.values.iter().zip(&weight.values).map(|(ratio, weight)| ratio * weight).collect();
    let table = graph.floats(&place.tensor("table"), &ratio.shape, &table);
    let rows = graph.add("Gather", &[&table, &input.value], vec![integer("axis", 0)]);
    let axes = graph.ints(&[1]);
    let sum = graph.add("ReduceSum", &[&rows, &axes], vec![integer("keepdims", 0)]);
    Flow::rows(match spec.bias {
        true => {
            let bias = graph.weight(&place.tensor("bias"));
            graph.add("Add", &[&sum, &bias], Vec::new())
        }
        false => sum,
    })
}

//! Dense layers: `Gemm` on rows, `MatMul` on the steps of sequences.

use fireclay_nn::{DenseSpec, TiedDenseSpec};

use super::super::attribute::integer;
use super::super::flow::Flow;
use super::super::graph::Graph;
use super::Place;

pub(super) fn dense(graph: &mut Graph, place: &Place, spec: &DenseSpec, input: Flow) -> Flow {
    let bias = spec.bias.then(|| place.tensor("bias"));
    linear(graph, &place.tensor("weight"), bias.as_deref(), input)
}

/// The embedding's weight is in the file once, and turned as the network runs.
pub(super) fn tied_dense(graph: &mut Graph, place: &Place, spec: &TiedDenseSpec, input: Flow) -> Flow {
    let Some(embedding) = &place.layer.tied_to else {
        return place.refuse(graph, input, "the embedding whose weight it has is not known");
    };
    let bias = spec.bias.then(|| place.tensor("bias"));
    let weight = graph.weight(&format!("{embedding}.weight"));
    match input.rank {
        2 => rows(graph, &weight, bias.as_deref(), input),
        _ => {
            let weight = graph.transpose(&weight, &[1, 0]);
            steps(graph, &weight, bias.as_deref(), input)
        }
    }
}

/// `input · weightᵀ + bias` with the model's tensors of these names; the weight is `[out_features, in_features]`.
pub(super) fn linear(graph: &mut Graph, weight: &str, bias: Option<&str>, input: Flow) -> Flow {
    match input.rank {
        2 => {
            let weight = graph.weight(weight);
            rows(graph, &weight, bias, input)
        }
        _ => {
            let tensor = graph.tensor(weight);
            let &[out_features, in_features] = tensor.shape.as_slice() else {
                unreachable!("a dense layer's weight has two dimensions");
            };
            let mut turned = Vec::with_capacity(tensor.values.len());
            for from in 0..in_features {
                turned.extend(tensor.values[from..].iter().step_by(in_features));
            }
            let weight = graph.floats(&format!("{weight}.T"), &[in_features, out_features], &turned);
            steps(graph, &weight, bias, input)
        }
    }
}

fn rows(graph: &mut Graph, weight: &str, bias: Option<&str>, input: Flow) -> Flow {
    let bias = bias.map(|bias| graph.weight(bias));
    let inputs: Vec<&str> = [input.value.as_str(), weight].into_iter().chain(bias.as_deref()).collect();
    let value = graph.add("Gemm", &inputs, vec![integer("transB", 1)]);
    input.with(value)
}

/// The weight is `[in_features, out_features]`.
fn steps(graph: &mut Graph, weight: &str, bias: Option<&str>, input: Flow) -> Flow {
    let product = graph.add("MatMul", &[&input.value, weight], Vec::new());
    let value = match bias {
        Some(bias) => {
            let bias = graph.weight(bias);
            graph.add("Add", &[&product, &bias], Vec::new())
        }
        None => product,
    };
    input.with(value)
}

//! Normalisations.

use fireclay_nn::{BatchNormSpec, LayerNormSpec};

use super::super::attribute::{float, integer};
use super::super::flow::Flow;
use super::super::graph::Graph;
use super::Place;

/// By the running statistics.
pub(super) fn batch_norm(graph: &mut Graph, place: &Place, spec: &BatchNormSpec, input: Flow) -> Flow {
    let [weight, bias, mean, variance] =
        ["weight", "bias", "running_mean", "running_var"].map(|name| graph.weight(&place.tensor(name)));
    let inputs = [&input.value, &weight, &bias, &mean, &variance].map(String::as_str);
    let value = graph.add("BatchNormalization", &inputs, vec![float("epsilon", spec.epsilon)]);
    input.with(value)
}

pub(super) fn layer_norm(graph: &mut Graph, place: &Place, spec: &LayerNormSpec, input: Flow) -> Flow {
    layer_norm_of(graph, &place.layer.name, spec.epsilon, input)
}

/// With the tensors `{name}.weight` and `{name}.bias`.
pub(super) fn layer_norm_of(graph: &mut Graph, name: &str, epsilon: f64, input: Flow) -> Flow {
    let [weight, bias] = ["weight", "bias"].map(|part| graph.weight(&format!("{name}.{part}")));
    let attributes = vec![integer("axis", -1), float("epsilon", epsilon)];
    let value = graph.add("LayerNormalization", &[&input.value, &weight, &bias], attributes);
    input.with(value)
}

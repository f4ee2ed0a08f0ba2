//! Blocks of self-attention and a feed-forward network.

use fireclay_nn::{FeedForwardActivation, MultiHeadAttentionSpec, TransformerSpec};

use super::super::flow::Flow;
use super::super::graph::Graph;
use super::attention::self_attention;
use super::dense::linear;
use super::norm::layer_norm_of;
use super::{Place, activation};

pub(super) fn transformer(
    graph: &mut Graph,
    place: &Place,
    spec: &TransformerSpec,
    causal: bool,
    input: Flow,
) -> Flow {
    if graph.stepwise && !causal {
        return place.refuse(
            graph,
            input,
            "each of its steps sees all others, so it cannot go on step by step",
        );
    }
    if !matches!(spec.activation, FeedForwardActivation::Gelu | FeedForwardActivation::Relu) {
        return place.refuse(graph, input, "its activation is not known");
    }
    let output = (0..spec.num_layers).fold(input, |flow, block| {
        let name = place.tensor(&format!("layers.{block}"));
        graph.enter(&name, place.layer.kind.type_name());
        self::block(graph, place, &name, spec, causal, flow)
    });
    match spec.final_norm {
        true => norm(graph, &place.tensor("norm"), spec.epsilon, output),
        false => output,
    }
}

fn block(
    graph: &mut Graph,
    place: &Place,
    name: &str,
    spec: &TransformerSpec,
    causal: bool,
    input: Flow,
) -> Flow {
    let part = |part: &str| format!("{name}.{part}");
    let attention = MultiHeadAttentionSpec::new(spec.num_heads).causal(causal).rotary(spec.rotary);
    let attend = |graph: &mut Graph, x: Flow| self_attention(graph, place, &part("self_attn"), &attention, x);
    let feed_forward = |graph: &mut Graph, x: Flow| {
        let hidden = linear(graph, &part("linear1.weight"), Some(&part("linear1.bias")), x);
        let hidden = match spec.activation {
            FeedForwardActivation::Relu => activation::simple(graph, "Relu", hidden),
            _ => activation::gelu(graph, hidden),
        };
        linear(graph, &part("linear2.weight"), Some(&part("linear2.bias")), hidden)
    };
    match spec.norm_first {
        true => {
            let normed = norm(graph, &part("norm1"), spec.epsilon, input.clone());
            let attended = attend(graph, normed);
            let x = add(graph, input, attended);
            let normed = norm(graph, &part("norm2"), spec.epsilon, x.clone());
            let fed = feed_forward(graph, normed);
            add(graph, x, fed)
        }
        false => {
            let attended = attend(graph, input.clone());
            let x = add(graph, input, attended);
            let x = norm(graph, &part("norm1"), spec.epsilon, x);
            let fed = feed_forward(graph, x.clone());
            let x = add(graph, x, fed);
            norm(graph, &part("norm2"), spec.epsilon, x)
        }
    }
}

fn norm(graph: &mut Graph, name: &str, epsilon: f64, input: Flow) -> Flow {
    layer_norm_of(graph, name, epsilon, input)
}

fn add(graph: &mut Graph, a: Flow, b: Flow) -> Flow {
    let sum = graph.add("Add", &[&a.value, &b.value], Vec::new());
    a.with(sum)
}

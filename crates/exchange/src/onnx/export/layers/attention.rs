//! Self-attention in plain operators: `softmax(Q Kᵀ / √d) V` in each head.

use fireclay_nn::MultiHeadAttentionSpec;

use super::super::flow::Flow;
use super::super::graph::Graph;
use super::dense::linear;
use super::position::{Span, turned};
use super::{Place, activation};

/// The score of what is not seen: its share is 0.
const UNSEEN: f32 = -1e9;

pub(super) fn multi_head_attention(
    graph: &mut Graph,
    place: &Place,
    spec: &MultiHeadAttentionSpec,
    input: Flow,
) -> Flow {
    if graph.stepwise && !spec.causal {
        return place.refuse(
            graph,
            input,
            "it sees steps that are not known yet; only causal attention goes on step by step",
        );
    }
    self_attention(graph, place, &place.layer.name, spec, input)
}

/// With tensors whose names begin with `name`.
pub(super) fn self_attention(
    graph: &mut Graph,
    place: &Place,
    name: &str,
    spec: &MultiHeadAttentionSpec,
    input: Flow,
) -> Flow {
    let &[most, width] = place.layer.input.shape() else {
        return place.refuse(graph, input, "it takes sequences");
    };
    let Some(steps) = input.steps.clone() else {
        return place.refuse(graph, input, "it takes sequences");
    };
    let (heads, dim) = (spec.num_heads, width / spec.num_heads);
    let bias = |part: &str| spec.bias.then(|| format!("{name}.{part}"));
    let projected =
        linear(graph, &format!("{name}.in_proj_weight"), bias("in_proj_bias").as_deref(), input.clone());
    let parts = graph.split(&projected.value, 2, 3);
    let mut parts: Vec<String> =
        parts.iter().map(|part| graph.reshape(part, &[0, 0, heads as i64, dim as i64])).collect();

    let sizes = || vec!["batch".into(), heads.into(), "past_steps".into(), dim.into()];
    let past =
        graph.stepwise.then(|| ["key", "value"].map(|part| graph.past(&format!("{name}.{part}"), sizes())));
    let span = match &past {
        None => Span { first: None, end: steps.name.clone() },
        Some([keys, _]) => {
            let first = graph.size(keys, 2);
            let end = graph.add("Add", &[&first, &steps.name], Vec::new());
            Span { first: Some(first), end }
        }
    };
    if spec.rotary {
        for part in &mut parts[..2] {
            *part = turned(graph, part, [heads, dim, most], &span, &steps);
        }
    }
    let by_heads: Vec<String> = parts.iter().map(|part| graph.transpose(part, &[0, 2, 1, 3])).collect();
    let (query, mut keys, mut values) = (&by_heads[0], by_heads[1].clone(), by_heads[2].clone());
    if let Some([past_keys, past_values]) = past {
        keys = graph.concat(&[&past_keys, &keys], 2);
        values = graph.concat(&[&past_values, &values], 2);
        let all = || vec!["batch".into(), heads.into(), "all_steps".into(), dim.into()];
        graph.present(&format!("{name}.key"), all(), &keys);
        graph.present(&format!("{name}.value"), all(), &values);
    }

    let keys = graph.transpose(&keys, &[0, 1, 3, 2]);
    let scores = graph.add("MatMul", &[query, &keys], Vec::new());
    let scale = graph.float((1.0 / (dim as f64).sqrt()) as f32);
    let mut scores = graph.add("Mul", &[&scores, &scale], Vec::new());
    if let Some(seen) = seen(graph, spec.causal, &span, &input) {
        let unseen = graph.float(UNSEEN);
        scores = graph.add("Where", &[&seen, &scores, &unseen], Vec::new());
    }
    let shares = activation::softmax(graph, Flow { value: scores, ..input.clone() });
    let seen_values = graph.add("MatMul", &[&shares.value, &values], Vec::new());
    let joined = graph.transpose(&seen_values, &[0, 2, 1, 3]);
    let mut joined = graph.reshape(&joined, &[0, 0, width as i64]);
    if let Some(own) = input.own_factors(graph) {
        joined = graph.add("Mul", &[&joined, &own], Vec::new());
    }
    linear(graph, &format!("{name}.out_proj.weight"), bias("out_proj.bias").as_deref(), input.with(joined))
}

/// `[steps, all_steps]` or `[batch, 1, .., steps]`, bool: which step sees which; `None` if each sees all.
fn seen(graph: &mut Graph, causal: bool, span: &Span, input: &Flow) -> Option<String> {
    let before = causal.then(|| {
        graph.once(&format!("causal {:?} {}", span.first, span.end), |graph| {
            let keys = graph.range(None, &span.end);
            let queries = graph.range(span.first.as_deref(), &span.end);
            let queries = graph.unsqueeze(&queries, &[1]);
            graph.add("LessOrEqual", &[&keys, &queries], Vec::new())
        })
    });
    let own = input
        .own(graph)
        .map(|own| graph.once(&format!("seen {own}"), |graph| graph.unsqueeze(&own, &[1, 2])));
    match (before, own) {
        (Some(before), Some(own)) => Some(
            graph
                .once(&format!("{before} and {own}"), |graph| graph.add("And", &[&before, &own], Vec::new())),
        ),
        (before, own) => before.or(own),
    }
}

//! One file for each family of layers: the operators that compute what the layer computes when it does not learn.

mod activation;
mod attention;
mod conv1d;
mod dense;
mod embedding;
mod image;
mod norm;
mod position;
mod recurrent;
mod sequence;
mod transformer;

use fireclay_nn::{LayerKind, PlacedLayer};

use super::flow::Flow;
use super::graph::Graph;
use crate::Unsupported;

/// The kinds of layers that are written. `LayerKind` may get others, of which a test asks for a line in [`layer`].
#[cfg(test)]
pub(super) const KNOWN: [&str; 34] = [
    "avg_pool2d",
    "batch_norm",
    "conv1d",
    "conv2d",
    "dense",
    "dropout",
    "elu",
    "embedding",
    "first_step",
    "flatten",
    "gelu",
    "global_avg_pool1d",
    "global_avg_pool2d",
    "global_max_pool1d",
    "gru",
    "layer_norm",
    "leaky_relu",
    "lstm",
    "max_pool2d",
    "multi_head_attention",
    "naive_bayes_bag",
    "position_embedding",
    "relu",
    "residual",
    "sigmoid",
    "silu",
    "simple_rnn",
    "softmax",
    "softplus",
    "tanh",
    "tied_dense",
    "transformer_decoder",
    "transformer_encoder",
    "whitening",
];

/// Writes layers one after another. `position` begins the places of those inside a block, of which `offset` came before.
pub(super) fn chain(
    graph: &mut Graph,
    layers: &[PlacedLayer],
    position: &str,
    offset: usize,
    input: Flow,
) -> Flow {
    layers.iter().enumerate().fold(input, |flow, (index, layer)| {
        let place = Place { layer, position: format!("{position}{}", offset + index + 1) };
        graph.enter(&layer.name, layer.kind.type_name());
        let flow = self::layer(graph, &place, flow);
        // Where there are no steps any more, nothing fills them up.
        match flow.rank {
            3 => flow,
            _ => Flow { lengths: None, steps: None, ..flow },
        }
    })
}

/// A layer, and where it stands.
pub(super) struct Place<'a> {
    pub(super) layer: &'a PlacedLayer,
    position: String,
}

impl Place<'_> {
    /// One of the layer's tensors by its full name.
    fn tensor(&self, name: &str) -> String {
        format!("{}.{name}", self.layer.name)
    }

    /// Notes that the layer cannot be written. What is written instead of it is never seen.
    fn refuse(&self, graph: &mut Graph, input: Flow, reason: &str) -> Flow {
        graph.refused.push(Unsupported {
            position: self.position.clone(),
            name: self.layer.name.clone(),
            kind: self.layer.kind.type_name().to_owned(),
            reason: reason.to_owned(),
        });
        let rank = self.layer.output.shape().len() + 1;
        Flow { rank, ..input }
    }

    /// As [`refuse`](Self::refuse), where the network is to go on step by step.
    fn refuse_steps(&self, graph: &mut Graph, input: Flow) -> Flow {
        self.refuse(graph, input, "it needs all steps at once, so the network cannot go on step by step")
    }
}

fn layer(graph: &mut Graph, place: &Place, input: Flow) -> Flow {
    let needs_all_steps = graph.stepwise;
    match &place.layer.kind {
        LayerKind::Dense(spec) => dense::dense(graph, place, spec, input),
        LayerKind::TiedDense(spec) => dense::tied_dense(graph, place, spec, input),
        LayerKind::Embedding(spec) => embedding::embedding(graph, place, spec, input),
        LayerKind::PositionEmbedding(spec) => position::position_embedding(graph, place, spec, input),
        LayerKind::Lstm(spec) => recurrent::lstm(graph, place, spec, input),
        LayerKind::Gru(spec) => recurrent::gru(graph, place, spec, input),
        LayerKind::SimpleRnn(spec) => recurrent::simple_rnn(graph, place, spec, input),
        LayerKind::MultiHeadAttention(spec) => attention::multi_head_attention(graph, place, spec, input),
        LayerKind::TransformerEncoder(spec) => transformer::transformer(graph, place, &spec.0, false, input),
        LayerKind::TransformerDecoder(spec) => transformer::transformer(graph, place, &spec.0, true, input),
        LayerKind::LayerNorm(spec) => norm::layer_norm(graph, place, spec, input),
        LayerKind::Dropout(_) => input,
        LayerKind::Relu(_) => activation::simple(graph, "Relu", input),
        LayerKind::Sigmoid(_) => activation::simple(graph, "Sigmoid", input),
        LayerKind::Tanh(_) => activation::simple(graph, "Tanh", input),
        LayerKind::Softplus(_) => activation::simple(graph, "Softplus", input),
        LayerKind::LeakyRelu(spec) => activation::leaky_relu(graph, spec, input),
        LayerKind::Elu(spec) => activation::elu(graph, spec, input),
        LayerKind::Gelu(_) => activation::gelu(graph, input),
        LayerKind::Silu(_) => activation::silu(graph, input),
        LayerKind::Softmax(_) => activation::softmax(graph, input),
        LayerKind::Residual(_) => residual(graph, place, input),
        _ if needs_all_steps => place.refuse_steps(graph, input),
        LayerKind::Conv1d(spec) => conv1d::conv1d(graph, place, spec, input),
        LayerKind::Conv2d(spec) => image::conv2d(graph, place, spec, input),
        LayerKind::Whitening(spec) => image::whitening(graph, place, spec, input),
        LayerKind::MaxPool2d(spec) => image::max_pool2d(graph, spec, input),
        LayerKind::AvgPool2d(spec) => image::avg_pool2d(graph, spec, input),
        LayerKind::GlobalAvgPool2d(_) => image::global_avg_pool2d(graph, input),
        LayerKind::FirstStep(_) => sequence::first_step(graph, input),
        LayerKind::Flatten(_) => sequence::flatten(graph, input),
        LayerKind::GlobalAvgPool1d(_) => sequence::global_avg_pool1d(graph, input),
        LayerKind::GlobalMaxPool1d(_) => sequence::global_max_pool1d(graph, input),
        LayerKind::BatchNorm(spec) => norm::batch_norm(graph, place, spec, input),
        LayerKind::NaiveBayesBag(spec) => embedding::naive_bayes_bag(graph, place, spec, input),
        _ => place.refuse(graph, input, "no operators are known for it"),
    }
}

/// `layers(x) + shortcut(x)`
fn residual(graph: &mut Graph, place: &Place, input: Flow) -> Flow {
    let PlacedLayer { name, kind, body, shortcut, .. } = place.layer;
    let inside = format!("{}.", place.position);
    let shortcut_end = chain(graph, shortcut, &inside, body.len(), input.clone());
    let body_end = chain(graph, body, &inside, 0, input);
    graph.enter(name, kind.type_name());
    let sum = graph.add("Add", &[&body_end.value, &shortcut_end.value], Vec::new());
    body_end.with(sum)
}

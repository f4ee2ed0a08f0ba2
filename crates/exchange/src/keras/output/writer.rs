//! A model on its way to Keras: the graph so far, and what could not be written.

use std::collections::HashMap;

use fireclay_nn::{NamedTensor, PlacedLayer};
use fireclay_store::ModelFile;

use super::graph::{Graph, Value, Variable};
use super::refused;
use crate::Unsupported;
use crate::keras::input::permuted;

/// A model on its way.
pub(super) struct Writer<'a> {
    pub(super) graph: Graph,
    tensors: HashMap<&'a str, &'a NamedTensor>,
    pub(super) refused: Vec<Unsupported>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(graph: Graph, model: &'a ModelFile) -> Self {
        let tensors = model.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        Writer { graph, tensors, refused: Vec::new() }
    }

    pub(super) fn refuse(&mut self, position: &str, name: &str, kind: &str, reason: &str) {
        self.refused.push(refused(position, name, kind, reason));
    }

    /// The values of a tensor, which was checked to be there.
    pub(super) fn values(&self, layer: &str, tensor: &str) -> Vec<f32> {
        self.tensors
            .get(format!("{layer}.{tensor}").as_str())
            .map(|tensor| tensor.values.clone())
            .unwrap_or_default()
    }

    /// A layer with one input.
    pub(super) fn one(
        &mut self,
        class: &'static str,
        name: &str,
        config: serde_json::Value,
        value: &Value,
        variables: Vec<Variable>,
    ) -> usize {
        self.graph.add(class, name, config, &[value.node], variables)
    }
}

/// Refuses a layer of Keras that knows nothing of the steps that fill up a sequence.
pub(super) fn no_mask(value: &Value) -> Result<(), String> {
    match value.mask {
        false => Ok(()),
        true => Err("Keras's layer takes the steps that fill up a sequence for its own; leave padding_idx out or use a layer that heeds it".into()),
    }
}

/// What leaves a layer, in Keras's order.
pub(super) fn keras_shape(layer: &PlacedLayer) -> Vec<usize> {
    match layer.output.shape() {
        [channels, height, width] => vec![*height, *width, *channels],
        shape => shape.to_vec(),
    }
}

/// A matrix the other way round.
pub(super) fn transposed(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    permuted(values, &[rows, columns], &[1, 0])
}

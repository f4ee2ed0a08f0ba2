//! Layers one step after the other, for a network that goes on with what it wrote itself: nothing that was read is
//! computed again, since each layer keeps what it has to remember of it.

use burn::tensor::Tensor;

use super::memory::KeyValues;
use super::recurrent_state::RecurrentState;
use super::{Layer, PositionKind};
use crate::spec::{LayerKind, PlannedLayer};
use crate::{AnyTensor, NnError};

/// What a layer remembers of the steps that it has read.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// Nothing: each step is treated by itself.
    None,
    /// Where a recurrent layer stands; `None` at the beginning.
    Recurrent(Option<RecurrentState>),
    /// Keys and values of an attention, or of each block of a stack.
    KeyValues(Vec<KeyValues>),
    /// How many steps there were, for positions.
    Steps(usize),
    /// What the layers of a residual block and of its shortcut remember.
    Block { layers: Vec<Memory>, shortcut: Vec<Memory> },
}

impl Memory {
    /// Of layers that have read nothing yet.
    ///
    /// # Errors
    /// [`NnError::NotStepwise`] with the name of the first layer that needs all steps at once.
    pub(crate) fn of(layers: &[PlannedLayer]) -> Result<Vec<Memory>, NnError> {
        layers.iter().map(Memory::of_layer).collect()
    }

    fn of_layer(layer: &PlannedLayer) -> Result<Memory, NnError> {
        match &layer.kind {
            LayerKind::Lstm(spec) if !spec.bidirectional => Ok(Memory::Recurrent(None)),
            LayerKind::Gru(spec) if !spec.bidirectional => Ok(Memory::Recurrent(None)),
            LayerKind::SimpleRnn(spec) if !spec.bidirectional => Ok(Memory::Recurrent(None)),
            LayerKind::MultiHeadAttention(spec) if spec.causal => {
                Ok(Memory::KeyValues(vec![KeyValues::default()]))
            }
            LayerKind::TransformerDecoder(spec) => {
                Ok(Memory::KeyValues(vec![KeyValues::default(); spec.num_layers]))
            }
            LayerKind::PositionEmbedding(_) => Ok(Memory::Steps(0)),
            LayerKind::Residual(_) => {
                Ok(Memory::Block { layers: Memory::of(&layer.body)?, shortcut: Memory::of(&layer.shortcut)? })
            }
            LayerKind::Dense(_)
            | LayerKind::Embedding(_)
            | LayerKind::TiedDense(_)
            | LayerKind::Dropout(_)
            | LayerKind::LayerNorm(_)
            | LayerKind::Relu {}
            | LayerKind::LeakyRelu { .. }
            | LayerKind::Elu { .. }
            | LayerKind::Gelu {}
            | LayerKind::Silu {}
            | LayerKind::Sigmoid {}
            | LayerKind::Tanh {}
            | LayerKind::Softplus {}
            | LayerKind::Softmax {} => Ok(Memory::None),
            _ => Err(NnError::NotStepwise { name: layer.name.clone() }),
        }
    }
}

/// How many steps layers can take, where positions are learnt one by one.
pub(crate) fn most_steps(layers: &[PlannedLayer]) -> Option<usize> {
    layers
        .iter()
        .filter_map(|layer| match &layer.kind {
            LayerKind::PositionEmbedding(spec) if spec.kind == PositionKind::Learnt => {
                layer.input.shape().first().copied()
            }
            _ => [&layer.body, &layer.shortcut].into_iter().filter_map(|inner| most_steps(inner)).min(),
        })
        .min()
}

/// Reads some more steps, `[1, steps, features]` or tokens, through layers in their order. `embeddings` has the weights of
/// those before, for layers that share them.
///
/// # Panics
/// If the memories are not those of the layers, or there are more steps than [`most_steps`].
pub(crate) fn step(
    layers: &[Layer],
    memories: &mut [Memory],
    embeddings: &mut Vec<Tensor<2>>,
    input: AnyTensor,
) -> AnyTensor {
    assert_eq!(layers.len(), memories.len(), "a memory for each layer");
    layers.iter().zip(memories).fold(input, |value, (layer, memory)| match (layer, memory) {
        (Layer::Recurrent(layer), Memory::Recurrent(state)) => layer.step(value.sequences(), state).into(),
        (Layer::MultiHeadAttention(layer), Memory::KeyValues(caches)) => {
            layer.forward_step(value.sequences(), &mut caches[0]).into()
        }
        (Layer::Transformer(layer), Memory::KeyValues(caches)) => {
            layer.forward_step(value.sequences(), caches).into()
        }
        (Layer::PositionEmbedding(layer), Memory::Steps(steps)) => {
            let value = value.sequences();
            let offset = std::mem::replace(steps, *steps + value.dims()[1]);
            layer.forward_at(value, offset).into()
        }
        (Layer::Residual(block), Memory::Block { layers, shortcut }) => {
            // What is embedded inside a block is seen inside it only.
            let body = step(&block.layers, layers, &mut embeddings.clone(), value.clone());
            let shortcut = step(&block.shortcut, shortcut, &mut embeddings.clone(), value);
            (body.sequences() + shortcut.sequences()).into()
        }
        (Layer::Embedding(layer), _) => {
            embeddings.push(layer.weight());
            layer.forward(value.tokens()).into()
        }
        (Layer::TiedDense(layer), _) => layer.forward(value, embeddings),
        (layer, _) => layer.forward(value),
    })
}

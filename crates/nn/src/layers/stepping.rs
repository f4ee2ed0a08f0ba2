//! Layers one step after the other, for a network that goes on with what it wrote itself: nothing that was read is
//! computed again, since each layer keeps what it has to remember of it.

use super::Layer;
use super::recurrent_state::RecurrentState;
use crate::spec::{LayerKind, PlannedLayer};
use crate::{AnyTensor, NnError};

/// What a layer remembers of the steps that it has read.
#[derive(Clone, Debug)]
pub(crate) enum Memory {
    /// Nothing: each step is treated by itself.
    None,
    /// Where a recurrent layer stands; `None` at the beginning.
    Recurrent(Option<RecurrentState>),
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
            LayerKind::Residual(_) => {
                Ok(Memory::Block { layers: Memory::of(&layer.body)?, shortcut: Memory::of(&layer.shortcut)? })
            }
            LayerKind::Dense(_)
            | LayerKind::Embedding(_)
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

/// Reads some more steps, `[1, steps, features]` or tokens, through layers in their order.
///
/// # Panics
/// If the memories are not those of the layers.
pub(crate) fn step(layers: &[Layer], memories: &mut [Memory], input: AnyTensor) -> AnyTensor {
    assert_eq!(layers.len(), memories.len(), "a memory for each layer");
    layers.iter().zip(memories).fold(input, |value, (layer, memory)| match (layer, memory) {
        (Layer::Recurrent(layer), Memory::Recurrent(state)) => layer.step(value.sequences(), state).into(),
        (Layer::Residual(block), Memory::Block { layers, shortcut }) => {
            let body = step(&block.layers, layers, value.clone());
            (body.sequences() + step(&block.shortcut, shortcut, value).sequences()).into()
        }
        (layer, _) => layer.forward(value),
    })
}

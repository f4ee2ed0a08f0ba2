//! Layers one after another. Neighbours that the device can do in one pass run as one operation: a dense layer with the
//! ReLU behind it, a convolution with its ReLU and its pooling, batch norm with its ReLU, an embedding with the LSTM or
//! other recurrent layer that reads it; and in a network that only answers, a convolution with its batch norm as well.

use burn::tensor::{Int, Tensor};
use fireclay_backend::ops::{Activation, BatchNormWeights, MaxPool, RecurrentInput};

use super::Layer;
use super::memory::Memory;
use crate::tensor::AnyTensor;

/// What flows from layer to layer.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) value: AnyTensor,
    /// `[batch]`: how many steps of each sequence are its own; the rest fills up. `None` if all are. An embedding with a
    /// padding token sets it, and layers that put steps together heed it.
    pub(crate) lengths: Option<Tensor<1, Int>>,
    /// The weights of the embeddings so far, for layers that share them.
    pub(crate) embeddings: Vec<Tensor<2>>,
}

impl Flow {
    /// What enters a network.
    pub(crate) fn of(value: AnyTensor) -> Self {
        Flow { value, lengths: None, embeddings: Vec::new() }
    }

    /// The flow with another value.
    pub(crate) fn map(self, function: impl FnOnce(AnyTensor) -> AnyTensor) -> Self {
        Flow { value: function(self.value), ..self }
    }

    /// The flow with another value, which depends on how many steps are each sequence's own.
    pub(crate) fn map_steps(
        self,
        function: impl FnOnce(AnyTensor, Option<&Tensor<1, Int>>) -> AnyTensor,
    ) -> Self {
        Flow { value: function(self.value, self.lengths.as_ref()), ..self }
    }
}

/// What the layer before one may do in its own operation.
pub(crate) enum Fusable<'a> {
    /// Nothing.
    No,
    /// `max(x, 0)`.
    Relu,
    /// Max pooling without padding.
    MaxPool(MaxPool),
    /// Batch norm, which a network that only answers has in the weights of the layer before.
    BatchNorm(&'a dyn KnownNorm),
    /// Reading tokens, whose rows it looks up as it goes.
    Reader(&'a dyn ReadsTokens),
}

/// A batch norm that goes by statistics which are known.
pub(crate) trait KnownNorm {
    fn known(&self) -> BatchNormWeights;
}

/// A layer that takes tokens and their table as well as sequences.
pub(crate) trait ReadsTokens {
    fn read(&self, input: RecurrentInput, lengths: Option<&Tensor<1, Int>>) -> AnyTensor;
}

/// The layers behind the one that runs, which takes from their front what it does itself.
pub(crate) struct Following<'a>(&'a [Layer]);

impl<'a> Following<'a> {
    /// No layer follows.
    pub(crate) fn none() -> Self {
        Following(&[])
    }

    fn next(&self) -> Fusable<'a> {
        self.0.first().map_or(Fusable::No, Layer::fusable)
    }

    /// Takes the ReLU, if that comes next.
    pub(crate) fn take_activation(&mut self) -> Activation {
        match self.next() {
            Fusable::Relu => {
                self.0 = &self.0[1..];
                Activation::Relu
            }
            _ => Activation::None,
        }
    }

    /// Takes the max pooling, if that comes next and has no padding.
    pub(crate) fn take_max_pool(&mut self) -> Option<MaxPool> {
        let Fusable::MaxPool(pool) = self.next() else { return None };
        self.0 = &self.0[1..];
        Some(pool)
    }

    /// Takes the batch norm, if that comes next.
    pub(crate) fn take_batch_norm(&mut self) -> Option<&'a dyn KnownNorm> {
        let Fusable::BatchNorm(norm) = self.next() else { return None };
        self.0 = &self.0[1..];
        Some(norm)
    }

    /// Takes the layer that reads tokens, if that comes next.
    pub(crate) fn take_reader(&mut self) -> Option<&'a dyn ReadsTokens> {
        let Fusable::Reader(reader) = self.next() else { return None };
        self.0 = &self.0[1..];
        Some(reader)
    }
}

/// Applies layers in their order.
///
/// # Panics
/// If the input does not have the rank and the sizes that the first layer was built for.
pub(crate) fn run(layers: &[Layer], input: Flow) -> Flow {
    let (mut flow, mut rest) = (input, layers);
    while let Some((layer, after)) = rest.split_first() {
        let mut following = Following(after);
        flow = layer.forward_flow(flow, &mut following);
        rest = following.0;
        // Where there are no steps any more, nothing fills them up.
        flow.lengths = flow.lengths.filter(|_| matches!(flow.value, AnyTensor::Sequences(_)));
    }
    flow
}

/// Reads some more steps, `[1, steps, features]` or tokens, through layers in their order, for a network that goes on with
/// what it wrote itself: nothing that was read is computed again, since each layer keeps what it has to remember of it.
///
/// # Panics
/// If the memories are not those of the layers, or there are more steps than the layers can take.
pub(crate) fn step(layers: &[Layer], memories: &mut [Memory], input: Flow) -> Flow {
    assert_eq!(layers.len(), memories.len(), "a memory for each layer");
    layers.iter().zip(memories).fold(input, |flow, (layer, memory)| layer.step(flow, memory))
}

/// Runs what works on rows on the rows of a batch, or on the steps of its sequences.
pub(super) fn on_rows(input: AnyTensor, run: impl FnOnce(Tensor<2>) -> Tensor<2>) -> AnyTensor {
    match input {
        AnyTensor::Sequences(sequences) => {
            let [batch, steps, features] = sequences.dims();
            let rows = run(sequences.reshape([batch * steps, features]));
            let [_, out_features] = rows.dims();
            rows.reshape([batch, steps, out_features]).into()
        }
        other => run(other.rows()).into(),
    }
}

//! A built recurrent layer, whatever its cell: stacked, in one direction or two, with its three kinds of dropout.

use burn::module::{Module, Param};
use burn::nn::Dropout;
use burn::tensor::{Device, Int, Tensor};
use fireclay_backend::ops::{self, RecurrentCell, RecurrentInput, RecurrentOptions};

use super::contract::Forward;
use super::dropout::apply_burns;
use super::flow::{Flow, Following, Fusable, ReadsTokens};
use super::memory::Memory;
use super::recurrent_state::RecurrentState;
use crate::tensor::AnyTensor;

#[derive(Module, Debug)]
pub(crate) struct Recurrent {
    pub(super) layers: Vec<RecurrentLayer>,
    /// Between layers.
    pub(super) dropout: Dropout,
    /// One mask over the features for all steps.
    pub(super) input_dropout: Dropout,
    /// One mask over the state for all steps.
    pub(super) recurrent_dropout: Dropout,
    pub(super) return_sequences: bool,
    #[module(skip)]
    pub(super) cell: RecurrentCell,
}

#[derive(Module, Debug)]
pub(crate) struct RecurrentLayer {
    pub(super) forward: RecurrentWeights,
    pub(super) reverse: Option<RecurrentWeights>,
}

/// What one direction of one layer has learnt. Two biases, because PyTorch has two, though mostly their sum is all that
/// matters.
#[derive(Module, Debug)]
pub(crate) struct RecurrentWeights {
    /// `[features, gates * hidden_size]`
    pub(super) weight_ih: Param<Tensor<2>>,
    /// `[hidden_size, gates * hidden_size]`
    pub(super) weight_hh: Param<Tensor<2>>,
    /// `[gates * hidden_size]`
    pub(super) bias_ih: Param<Tensor<1>>,
    /// `[gates * hidden_size]`
    pub(super) bias_hh: Param<Tensor<1>>,
    /// `[hidden_size]`: the state before the first step, where it is learnt.
    pub(super) h_0: Option<Param<Tensor<1>>>,
    /// `[hidden_size]`, LSTM's only.
    pub(super) c_0: Option<Param<Tensor<1>>>,
}

impl Recurrent {
    /// # Shapes
    /// - lengths: `[batch]`, how many steps each sequence has; the state after it stays as it is
    /// - output: `[batch, width]`, or `[batch, steps, width]` with `return_sequences`, 0 after a sequence's end
    pub(crate) fn forward(&self, input: RecurrentInput, lengths: Option<&Tensor<1, Int>>) -> AnyTensor {
        let (last, before) = self.layers.split_last().expect("a description has at least one layer");
        let mut value = self.drop_features(input);
        for layer in before {
            let states: Tensor<3> = self.in_each_direction(layer, value, lengths, ops::recurrent);
            value = apply_burns(&self.dropout, states).into();
        }
        match self.return_sequences {
            true => self.in_each_direction::<3>(last, value, lengths, ops::recurrent).into(),
            false => self.in_each_direction::<2>(last, value, lengths, ops::recurrent_last).into(),
        }
    }

    /// Reads some more steps of sequences: from `state`, or where there is none from the beginning, and leaves there the
    /// state after the last. Nothing is dropped; the layers read forwards.
    ///
    /// # Shapes
    /// - input: `[batch, steps, features]`, any number of steps
    /// - output: `[batch, steps, hidden_size]`, the last layer's state after each of them, `return_sequences` or not
    ///
    /// # Panics
    /// If the layer is bidirectional, since the way back begins at an end that is not known yet, or the state is of
    /// another layer or batch.
    pub(crate) fn step(&self, input: Tensor<3>, state: &mut Option<RecurrentState>) -> Tensor<3> {
        let [batch, _, _] = input.dims();
        let before: Vec<Option<ops::RecurrentState>> = match state.take() {
            Some(state) => state.layers.into_iter().map(Some).collect(),
            None => self.layers.iter().map(|layer| layer.forward.initial(batch)).collect(),
        };
        assert_eq!(before.len(), self.layers.len(), "a state for each layer");
        let mut value = input;
        let mut after = Vec::with_capacity(self.layers.len());
        for (layer, initial) in self.layers.iter().zip(before) {
            assert!(layer.reverse.is_none(), "only a layer that reads forwards goes on step by step");
            let options = RecurrentOptions { initial, ..RecurrentOptions::default() };
            let weights = layer.forward.for_cell(self.cell);
            let (states, last) = ops::recurrent_with_state(value, &weights, &options);
            value = states;
            after.push(last);
        }
        *state = Some(RecurrentState { layers: after });
        value
    }

    /// The input with some of its features at 0. A mask differs from sample to sample, so an embedding can no longer
    /// be projected once for each different token.
    fn drop_features(&self, input: RecurrentInput) -> RecurrentInput {
        let (batch, features, device) = match &input {
            RecurrentInput::Sequences(input) => (input.dims()[0], input.dims()[2], input.device()),
            RecurrentInput::Tokens { embedding, tokens, .. } => {
                (tokens.dims()[0], embedding.dims()[1], embedding.device())
            }
        };
        let Some(mask) = mask(&self.input_dropout, [batch, features], &device) else {
            return input;
        };
        let sequences = match input {
            RecurrentInput::Sequences(input) => input,
            RecurrentInput::Tokens { embedding, tokens, padding_idx } => {
                ops::embedding(embedding, tokens, padding_idx)
            }
        };
        (sequences * mask.unsqueeze_dim::<3>(1)).into()
    }

    /// What a layer gives, the way back behind the way there.
    fn in_each_direction<const D: usize>(
        &self,
        layer: &RecurrentLayer,
        input: RecurrentInput,
        lengths: Option<&Tensor<1, Int>>,
        run: fn(RecurrentInput, &ops::RecurrentWeights, &RecurrentOptions) -> Tensor<D>,
    ) -> Tensor<D> {
        let batch = match &input {
            RecurrentInput::Sequences(input) => input.dims()[0],
            RecurrentInput::Tokens { tokens, .. } => tokens.dims()[0],
        };
        let one = |weights: &RecurrentWeights, reverse: bool| {
            let weight_hh = weights.weight_hh.val();
            let [hidden, _] = weight_hh.dims();
            let options = RecurrentOptions {
                reverse,
                lengths: lengths.cloned(),
                recurrent_dropout: mask(&self.recurrent_dropout, [batch, hidden], &weight_hh.device()),
                initial: weights.initial(batch),
            };
            run(input.clone(), &weights.for_cell(self.cell), &options)
        };
        match &layer.reverse {
            None => one(&layer.forward, false),
            Some(reverse) => Tensor::cat(vec![one(&layer.forward, false), one(reverse, true)], D - 1),
        }
    }
}

/// What a value is multiplied by, 0 or `1 / (1 - rate)`; `None` where nothing is dropped, as when not training.
fn mask(dropout: &Dropout, shape: [usize; 2], device: &Device) -> Option<Tensor<2>> {
    let drops = dropout.training.is_enabled() && device.is_autodiff() && dropout.prob > 0.0;
    drops.then(|| apply_burns(dropout, Tensor::ones(shape, device)))
}

impl Forward for Recurrent {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map_steps(|value, lengths| self.forward(value.sequences().into(), lengths))
    }

    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        input.map(|value| Recurrent::step(self, value.sequences(), memory.get()).into())
    }

    fn fusable(&self) -> Fusable<'_> {
        Fusable::Reader(self)
    }
}

impl ReadsTokens for Recurrent {
    fn read(&self, input: RecurrentInput, lengths: Option<&Tensor<1, Int>>) -> AnyTensor {
        self.forward(input, lengths)
    }
}

impl RecurrentWeights {
    /// The learnt state before the first step, for each sequence.
    fn initial(&self, batch: usize) -> Option<ops::RecurrentState> {
        let rows = |state: &Param<Tensor<1>>| {
            let state = ops::parameter_for_samples::<1, 2>(state.val());
            let [_, hidden] = state.dims();
            state.expand([batch, hidden])
        };
        let h = rows(self.h_0.as_ref()?);
        Some(ops::RecurrentState { h, c: self.c_0.as_ref().map(rows) })
    }

    fn for_cell(&self, cell: RecurrentCell) -> ops::RecurrentWeights {
        // Each of the two has the gradient of their sum, so each is a parameter of its own for norms of samples.
        let [bias_ih, bias_hh] =
            [&self.bias_ih, &self.bias_hh].map(|bias| ops::parameter_for_samples::<1, 2>(bias.val()));
        let [rows, columns] = bias_hh.dims();
        let (bias, bias_new) = match cell {
            RecurrentCell::Gru => {
                // The recurrent bias of the new gate stands inside, where the reset gate multiplies it.
                let hidden = columns / 3;
                let part = |range| bias_hh.clone().slice([0..rows, range]);
                let inside = part(2 * hidden..columns);
                let outside = Tensor::cat(vec![part(0..2 * hidden), inside.zeros_like()], 1);
                (bias_ih + outside, Some(inside.reshape([rows * hidden])))
            }
            _ => (bias_ih + bias_hh, None),
        };
        let (weight_ih, weight_hh) = (self.weight_ih.val(), self.weight_hh.val());
        let bias = bias.reshape([rows * columns]);
        ops::RecurrentWeights { cell, weight_ih, weight_hh, bias, bias_new }
    }
}

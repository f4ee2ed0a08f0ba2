//! Long short-term memory ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)).
//!
//! The four gates stand side by side in one matrix, in PyTorch's order i, f, g, o, so that a step is one product.

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Int, Tensor};
use fireclay_backend::ops::{self, LstmOptions};
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::spec::{Inferred, TensorSpec, values};
use crate::{AnyTensor, Initializer, LayerProblem};

/// A long short-term memory, with PyTorch's meaning of every field.
///
/// At each step, with `σ` the logistic function and `[i, f, g, o] = x · weight_ihᵀ + bias_ih + h · weight_hhᵀ + bias_hh`:
/// `c = σ(f) * c + σ(i) * tanh(g)` and `h = σ(o) * tanh(c)`; both begin at 0.
///
/// # Shapes
/// - input: `[batch, steps, features]`
/// - output: `[batch, hidden_size]`, or `[batch, steps, hidden_size]` with `return_sequences`; twice as wide with
///   `bidirectional`, the way back behind the way there
/// - `weight_ih_l0`: `[4 * hidden_size, features]`, `weight_hh_l0`: `[4 * hidden_size, hidden_size]`, `bias_ih_l0`,
///   `bias_hh_l0`: `[4 * hidden_size]`; the way back has `_l0_reverse`, the second layer `_l1`, which takes what the
///   first one gives
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LstmSpec {
    /// Numbers in the state, and in what leaves the layer at each step.
    pub hidden_size: usize,
    /// Layers, each of which reads what the one before it gives; 1 by default.
    #[serde(default = "one_layer", skip_serializing_if = "is_one_layer")]
    pub num_layers: usize,
    /// Whether the state after every step is given, or, by default, only the one after the last step. The way back
    /// ends at the first step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub return_sequences: bool,
    /// Whether a second LSTM reads the sequence from its end; false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub bidirectional: bool,
    /// Share of values set to zero between one layer and the next while training, in `[0, 1)`; 0 by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// How the weights begin. By default weights and biases are uniform in `±1 / sqrt(hidden_size)`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initializer: Initializer,
}

fn one_layer() -> usize {
    1
}

fn is_one_layer(num_layers: &usize) -> bool {
    *num_layers == 1
}

impl LstmSpec {
    /// One layer that reads forwards and gives its state after the last step.
    pub fn new(hidden_size: usize) -> Self {
        LstmSpec {
            hidden_size,
            num_layers: 1,
            return_sequences: false,
            bidirectional: false,
            dropout: 0.0,
            initializer: Initializer::default(),
        }
    }

    /// Sets how many layers read one after another.
    pub fn num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets whether the state after every step is given.
    pub fn return_sequences(mut self, return_sequences: bool) -> Self {
        self.return_sequences = return_sequences;
        self
    }

    /// Sets whether a second LSTM reads the sequence from its end.
    pub fn bidirectional(mut self, bidirectional: bool) -> Self {
        self.bidirectional = bidirectional;
        self
    }

    /// Sets the share of values set to zero between one layer and the next while training.
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets how the weights begin.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

    fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// Numbers that a layer gives at each step.
    fn width(&self) -> usize {
        self.directions().saturating_mul(self.hidden_size)
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        let hidden = self.hidden_size;
        for (field, size) in [("hidden_size", hidden), ("num_layers", self.num_layers)] {
            if size == 0 {
                return Err(LayerProblem::Zero { field });
            }
        }
        let wrong =
            |expected| LayerProblem::Range { field: "dropout", found: self.dropout.to_string(), expected };
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(wrong("0 or more and less than 1"));
        }
        if self.dropout > 0.0 && self.num_layers == 1 {
            return Err(wrong("0 where num_layers is 1, as it works between layers; add a dropout layer"));
        }
        self.initializer.check()?;
        // What a step computes on the way.
        values(&[steps, 4, hidden, self.directions()])?;
        let gates = 4 * hidden;
        let mut tensors = Vec::new();
        let mut products = 0u64;
        for layer in 0..self.num_layers {
            let features = if layer == 0 { features } else { self.width() };
            for suffix in ["", "_reverse"].into_iter().take(self.directions()) {
                let shapes: [(&str, &[usize]); 4] = [
                    ("weight_ih", &[gates, features]),
                    ("weight_hh", &[gates, hidden]),
                    ("bias_ih", &[gates]),
                    ("bias_hh", &[gates]),
                ];
                for (name, shape) in shapes {
                    tensors.push(TensorSpec::trained(&format!("{name}_l{layer}{suffix}"), shape)?);
                }
                products = products.saturating_add(gates as u64 * (features as u64 + hidden as u64));
            }
        }
        let output = match self.return_sequences {
            true => vec![steps, self.width()],
            false => vec![self.width()],
        };
        let flops = products.saturating_mul(2).saturating_mul(steps as u64);
        Ok(Inferred { output: output.into(), tensors, flops })
    }

    pub(crate) fn build(&self, features: usize, device: &Device) -> Lstm {
        let layers = (0..self.num_layers)
            .map(|layer| {
                let features = if layer == 0 { features } else { self.width() };
                LstmLayer {
                    forward: self.weights(features, device),
                    reverse: self.bidirectional.then(|| self.weights(features, device)),
                }
            })
            .collect();
        let dropout = DropoutConfig::new(self.dropout).init();
        Lstm { layers, dropout, return_sequences: self.return_sequences }
    }

    fn weights(&self, features: usize, device: &Device) -> LstmWeights {
        let (hidden, gates) = (self.hidden_size, 4 * self.hidden_size);
        // PyTorch's bound has the state's size for both matrices.
        let fan_in = match self.initializer {
            Initializer::FanInUniform => hidden,
            _ => features,
        };
        LstmWeights {
            weight_ih: self.initializer.weight([features, gates], fan_in, gates, device),
            weight_hh: self.initializer.weight([hidden, gates], hidden, gates, device),
            bias_ih: self.initializer.bias(gates, hidden, device),
            bias_hh: self.initializer.bias(gates, hidden, device),
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Lstm {
    layers: Vec<LstmLayer>,
    dropout: Dropout,
    return_sequences: bool,
}

#[derive(Module, Debug)]
struct LstmLayer {
    forward: LstmWeights,
    reverse: Option<LstmWeights>,
}

/// What one direction of one layer has learnt. Two biases, though only their sum matters, because PyTorch has two.
#[derive(Module, Debug)]
struct LstmWeights {
    /// `[features, 4 * hidden_size]`
    weight_ih: Param<Tensor<2>>,
    /// `[hidden_size, 4 * hidden_size]`
    weight_hh: Param<Tensor<2>>,
    /// `[4 * hidden_size]`
    bias_ih: Param<Tensor<1>>,
    /// `[4 * hidden_size]`
    bias_hh: Param<Tensor<1>>,
}

/// What an LSTM reads: `[batch, steps, features]`, or the rows of an embedding for `[batch, steps]` tokens, which a device
/// may look up as it goes.
#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "it is made once for a layer, and taken apart at once")]
pub(crate) enum LstmInput {
    Sequences(Tensor<3>),
    Tokens { embedding: Tensor<2>, tokens: Tensor<2, Int>, padding_idx: Option<usize> },
}

impl Lstm {
    /// # Shapes
    /// - lengths: `[batch]`, how many steps each sequence has; the state after it stays as it is
    /// - output: `[batch, width]`, or `[batch, steps, width]` with `return_sequences`, 0 after a sequence's end
    pub(crate) fn forward(&self, input: LstmInput, lengths: Option<&Tensor<1, Int>>) -> AnyTensor {
        let (last, before) = self.layers.split_last().expect("a description has at least one layer");
        let mut value = input;
        for layer in before {
            value = LstmInput::Sequences(self.dropout.forward(layer.states(value, lengths)));
        }
        match self.return_sequences {
            true => last.states(value, lengths).into(),
            false => last.last_state(value, lengths).into(),
        }
    }
}

impl LstmLayer {
    /// The states after every step, `[batch, steps, width]`.
    fn states(&self, input: LstmInput, lengths: Option<&Tensor<1, Int>>) -> Tensor<3> {
        match &self.reverse {
            None => self.forward.states(input, &options(false, lengths)),
            Some(reverse) => {
                let there = self.forward.states(input.clone(), &options(false, lengths));
                Tensor::cat(vec![there, reverse.states(input, &options(true, lengths))], 2)
            }
        }
    }

    /// The state after the step that is read last, `[batch, width]`.
    fn last_state(&self, input: LstmInput, lengths: Option<&Tensor<1, Int>>) -> Tensor<2> {
        match &self.reverse {
            None => self.forward.last_state(input, &options(false, lengths)),
            Some(reverse) => {
                let there = self.forward.last_state(input.clone(), &options(false, lengths));
                Tensor::cat(vec![there, reverse.last_state(input, &options(true, lengths))], 1)
            }
        }
    }
}

fn options(reverse: bool, lengths: Option<&Tensor<1, Int>>) -> LstmOptions {
    LstmOptions { reverse, lengths: lengths.cloned(), ..LstmOptions::default() }
}

impl LstmWeights {
    fn states(&self, input: LstmInput, options: &LstmOptions) -> Tensor<3> {
        let weights = self.of_both_biases();
        match input {
            LstmInput::Sequences(input) => ops::lstm(input, &weights, options),
            LstmInput::Tokens { embedding, tokens, padding_idx } => {
                ops::embedding_lstm(embedding, tokens, padding_idx, &weights, options)
            }
        }
    }

    fn last_state(&self, input: LstmInput, options: &LstmOptions) -> Tensor<2> {
        let weights = self.of_both_biases();
        match input {
            LstmInput::Sequences(input) => ops::lstm_last(input, &weights, options),
            LstmInput::Tokens { embedding, tokens, padding_idx } => {
                ops::embedding_lstm_last(embedding, tokens, padding_idx, &weights, options)
            }
        }
    }

    fn of_both_biases(&self) -> ops::LstmWeights {
        ops::LstmWeights {
            weight_ih: self.weight_ih.val(),
            weight_hh: self.weight_hh.val(),
            bias: self.bias_ih.val() + self.bias_hh.val(),
        }
    }
}

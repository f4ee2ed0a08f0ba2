//! An LSTM on Flex.

use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels as kernels;
use fireclay_kernels::recurrent::{
    LstmBackward, LstmOutput, Projected, RecurrentOptions, RecurrentShape, RecurrentTape, lstm_backward,
    lstm_forward, lstm_inference,
};

use super::{LstmGradient, LstmKept, LstmOp, LstmSettings, LstmTensors, reference};
use crate::flex_tensor::{Contiguous, all_f32, contiguous, contiguous_ints, from_values};
use crate::instructions::cpu;
use crate::ops::maybe::Maybe;

impl LstmOp for Flex {
    fn lstm_sequence(tensors: LstmTensors<Self>, settings: LstmSettings) -> FloatTensor<Self> {
        let LstmTensors { input, weight_ih, weight_hh, bias, recurrent_dropout, .. } = &tensors;
        let mut all = vec![input, weight_ih, weight_hh, bias];
        if let Maybe::Some(mask) = recurrent_dropout {
            all.push(mask);
        }
        match Self::lstm_has_kernel(&all) {
            true => forward(tensors, settings, None).0,
            false => reference::forward::<Self>(tensors, settings),
        }
    }
}

impl LstmGradient for Flex {
    fn lstm_has_kernel(tensors: &[&FloatTensor<Self>]) -> bool {
        all_f32(tensors.iter().copied())
    }

    fn lstm_for_training(
        tensors: LstmTensors<Self>,
        settings: LstmSettings,
    ) -> (FloatTensor<Self>, LstmKept<Self>) {
        let mut steps = Steps::take();
        let (output, input, rows) = forward(tensors.clone(), settings, Some(&mut steps.0));
        let tape = LstmTape(Arc::new(Mutex::new(Tape { steps, input, rows })));
        (output, LstmKept { tensors, settings, tape })
    }

    fn lstm_backward(
        kept: LstmKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4] {
        let LstmKept { tensors, settings, tape } = kept;
        let mut tape = tape.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Tape { steps, input, rows } = &mut *tape;
        let (weight_ih, weight_hh) = (contiguous(tensors.weight_ih), contiguous(tensors.weight_hh));
        let gates = tensors.bias.shape()[0];
        let features = weight_ih.len() / gates.max(1);
        let shape =
            kernels::DenseShape { rows: *rows, in_features: features, out_features: gates, relu: false };

        let gradient = contiguous(gradient);
        let (d_outputs, d_h) =
            if settings.last_only { (None, Some(&gradient[..])) } else { (Some(&gradient[..]), None) };
        let mut d_projected = vec![0.0; shape.rows * gates];
        let mut d_weight_hh = vec![0.0; weight_hh.len()];
        let gradients = LstmBackward {
            d_outputs,
            d_h,
            d_c: None,
            d_projected: &mut d_projected,
            d_w_hh: &mut d_weight_hh,
            d_initial_h: None,
            d_initial_c: None,
        };
        lstm_backward(&mut steps.0, &weight_hh, gradients);

        let [for_input, for_weight_ih, for_weight_hh, for_bias] = wanted;
        let mut d_rows = for_input.then(|| vec![0.0; shape.rows * features]);
        let mut d_weight_ih = for_weight_ih.then(|| vec![0.0; weight_ih.len()]);
        let mut d_bias = for_bias.then(|| vec![0.0; gates]);
        let into = kernels::DenseGradients {
            input: d_rows.as_deref_mut(),
            weight: d_weight_ih.as_deref_mut(),
            bias: d_bias.as_deref_mut(),
        };
        kernels::dense_backward(cpu(), &shape, input.values(), &weight_ih, &[], &d_projected, into);
        let d_input = d_rows.map(|rows| match input {
            Input::Sequence(_) => from_values(rows, tensors.input.shape()),
            Input::Tokens { unique, .. } => {
                let mut table = vec![0.0; tensors.input.shape().num_elements()];
                let padding = settings.padding_idx;
                kernels::embedding_gradient(cpu(), features, &unique.tokens, padding, &rows, &mut table);
                from_values(table, tensors.input.shape())
            }
        });
        [
            d_input,
            d_weight_ih.map(|values| from_values(values, [features, gates])),
            for_weight_hh.then(|| from_values(d_weight_hh, [gates / 4, gates])),
            d_bias.map(|values| from_values(values, [gates])),
        ]
    }
}

/// The output, what was projected, and how many rows that are.
fn forward(
    tensors: LstmTensors<Flex>,
    settings: LstmSettings,
    tape: Option<&mut RecurrentTape>,
) -> (FloatTensor<Flex>, Input, usize) {
    let [hidden, gates] = tensors.weight_hh.shape().dims();
    let [features, _] = tensors.weight_ih.shape().dims();
    let (input, [batch, steps]) = match tensors.tokens.into_option() {
        Some(tokens) => {
            let sizes = tokens.shape().dims();
            (Input::of_tokens(tensors.input, &contiguous_ints(tokens)), sizes)
        }
        None => {
            let [batch, steps, _] = tensors.input.shape().dims();
            (Input::Sequence(contiguous(tensors.input)), [batch, steps])
        }
    };
    let dense = kernels::DenseShape {
        rows: if features == 0 { batch * steps } else { input.rows(features) },
        in_features: features,
        out_features: gates,
        relu: false,
    };
    let (weight_ih, bias) = (contiguous(tensors.weight_ih), contiguous(tensors.bias));
    let mut projected = vec![0.0; dense.rows * gates];
    kernels::dense(cpu(), &dense, input.values(), &weight_ih, Some(&bias), &mut projected);

    let lengths: Option<Vec<u32>> = tensors.lengths.into_option().map(|lengths| {
        let known = |&length: &i64| u32::try_from(length).expect("a length is not negative");
        contiguous_ints(lengths).iter().map(known).collect()
    });
    let mask = tensors.recurrent_dropout.into_option().map(contiguous);
    let options = RecurrentOptions {
        lengths: lengths.as_deref(),
        reverse: settings.reverse,
        recurrent_mask: mask.as_deref(),
    };
    let shape = RecurrentShape { batch, steps, hidden };
    let projected = Projected { rows: &projected, index: input.index() };
    let weight_hh = contiguous(tensors.weight_hh);
    let (mut h, mut c) = (vec![0.0; batch * hidden], vec![0.0; batch * hidden]);
    let mut outputs = vec![0.0; if settings.last_only { 0 } else { batch * steps * hidden }];
    let output =
        LstmOutput { outputs: (!settings.last_only).then_some(&mut outputs[..]), h: &mut h, c: &mut c };
    match tape {
        Some(tape) => lstm_forward(cpu(), shape, projected, &weight_hh, None, &options, output, tape),
        None => lstm_inference(cpu(), shape, projected, &weight_hh, None, &options, output),
    }
    let output = match settings.last_only {
        true => from_values(h, [batch, hidden]),
        false => from_values(outputs, [batch, steps, hidden]),
    };
    (output, input, dense.rows)
}

/// The rows that are projected onto the gates.
#[derive(Debug)]
enum Input {
    /// One for each sequence and step.
    Sequence(Contiguous),
    /// One for each different token.
    Tokens { unique: kernels::Unique, rows: Vec<f32> },
}

impl Input {
    fn of_tokens(embedding: FloatTensor<Flex>, tokens: &[i64]) -> Self {
        let [vocabulary, features] = embedding.shape().dims();
        let unique = kernels::unique_tokens(vocabulary, tokens);
        let mut rows = vec![0.0; unique.tokens.len() * features];
        kernels::embedding(cpu(), features, &contiguous(embedding), &unique.tokens, &mut rows);
        Input::Tokens { unique, rows }
    }

    fn values(&self) -> &[f32] {
        match self {
            Input::Sequence(values) => values,
            Input::Tokens { rows, .. } => rows,
        }
    }

    fn rows(&self, features: usize) -> usize {
        self.values().len() / features.max(1)
    }

    fn index(&self) -> Option<&[u32]> {
        match self {
            Input::Sequence(_) => None,
            Input::Tokens { unique, .. } => Some(&unique.index),
        }
    }
}

/// What the kernel keeps for the backward pass. Shared, since autodiff wants states that clone.
#[derive(Clone, Debug)]
pub struct LstmTape(Arc<Mutex<Tape>>);

#[derive(Debug)]
struct Tape {
    steps: Steps,
    input: Input,
    /// Rows that were projected.
    rows: usize,
}

/// The kernel's own tape, on loan from those that are not in use: its memory is large, and fresh pages cost more than
/// the arithmetic on them.
#[derive(Debug)]
struct Steps(RecurrentTape);

/// As many tapes as are kept when nobody uses them.
const MOST_IDLE: usize = 2;

static IDLE: Mutex<Vec<RecurrentTape>> = Mutex::new(Vec::new());

impl Steps {
    fn take() -> Self {
        Steps(IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default())
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(std::mem::take(&mut self.0));
        }
    }
}

//! A recurrent network on Flex.

use std::ops::Range;
use std::sync::PoisonError;

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::recurrent::{
    GruBackward, GruOutput, GruWeights, Int8RecurrentWeights, LstmBackward, LstmOutput, LstmState, Projected,
    RecurrentOptions, RecurrentShape, RecurrentTape, RnnActivation, RnnBackward, RnnOutput, RnnWeights,
    gru_backward, gru_forward, gru_inference, lstm_backward, lstm_forward, lstm_inference, rnn_backward,
    rnn_forward, rnn_inference,
};
use fireclay_kernels::{self as kernels, Values};

use super::tape::{Input, KeptTape, Steps, Tape};
use super::{
    Given, PARENTS, RecurrentCell, RecurrentGradient, RecurrentKept, RecurrentOp, RecurrentSettings,
    RecurrentTensors, reference,
};
use crate::dynamic_int8::is_dynamic_int8;
use crate::flex_tensor::{Contiguous, all_f32, contiguous, contiguous_ints, from_values};
use crate::instructions::cpu;
use crate::ops::dense::in_int8;
use crate::ops::maybe::Maybe;
use crate::ordered_weights::RECURRENT_INT8;

impl RecurrentOp for Flex {
    fn recurrent_sequence(tensors: RecurrentTensors<Self>, settings: RecurrentSettings) -> FloatTensor<Self> {
        let RecurrentTensors { input, weight_ih, weight_hh, bias, bias_new, initial_h, initial_c, .. } =
            &tensors;
        let mut all = vec![input, weight_ih, weight_hh, bias];
        let optional = [bias_new, initial_h, initial_c, &tensors.recurrent_dropout];
        all.extend(optional.into_iter().filter_map(Maybe::as_option));
        match Self::recurrent_has_kernel(&all) {
            true => forward(tensors, settings, None).0,
            false => reference::forward::<Self>(tensors, settings),
        }
    }
}

impl RecurrentGradient for Flex {
    fn recurrent_has_kernel(tensors: &[&FloatTensor<Self>]) -> bool {
        all_f32(tensors.iter().copied())
    }

    fn recurrent_for_training(
        tensors: RecurrentTensors<Self>,
        settings: RecurrentSettings,
    ) -> (FloatTensor<Self>, RecurrentKept<Self>) {
        let mut steps = Steps::take();
        let (output, input, rows) = forward(tensors.clone(), settings, Some(&mut steps.0));
        let tape = KeptTape::new(Tape { steps, input, rows });
        (output, RecurrentKept { tensors, settings, tape })
    }

    fn recurrent_backward(
        kept: RecurrentKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; PARENTS],
    ) -> [Option<FloatTensor<Self>>; PARENTS] {
        let RecurrentKept { tensors, settings, tape } = kept;
        let mut tape = tape.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Tape { steps, input, rows } = &mut *tape;
        let (weight_ih, weight_hh) = (contiguous(tensors.weight_ih), contiguous(tensors.weight_hh));
        let columns = tensors.bias.shape()[0];
        let hidden = columns / settings.cell.gates();
        let features = weight_ih.len() / columns.max(1);
        let shape =
            kernels::DenseShape { rows: *rows, in_features: features, out_features: columns, relu: false };
        let [for_input, for_weight_ih, for_weight_hh, for_bias, for_bias_new, for_h, for_c] = wanted;

        let batch = gradient.shape()[0];
        let given = States::split(gradient, settings);
        let mut d_projected = Values::unspecified(shape.rows * columns);
        let mut d_weight_hh = Values::unspecified(weight_hh.len());
        let mut d_bias_new = for_bias_new.then(|| Values::unspecified(hidden));
        let mut d_initial_h = for_h.then(|| Values::unspecified(batch * hidden));
        let mut d_initial_c = for_c.then(|| Values::unspecified(batch * hidden));
        match settings.cell {
            RecurrentCell::Lstm => {
                let gradients = LstmBackward {
                    d_outputs: given.outputs.as_deref(),
                    d_h: given.h.as_deref(),
                    d_c: given.c.as_deref(),
                    d_projected: &mut d_projected,
                    d_w_hh: &mut d_weight_hh,
                    d_initial_h: d_initial_h.as_deref_mut(),
                    d_initial_c: d_initial_c.as_deref_mut(),
                };
                lstm_backward(&mut steps.0, &weight_hh, gradients);
            }
            RecurrentCell::Gru => {
                let bias_new = tensors.bias_new.into_option().map(contiguous);
                let gradients = GruBackward {
                    d_outputs: given.outputs.as_deref(),
                    d_h: given.h.as_deref(),
                    d_projected: &mut d_projected,
                    d_w_hh: &mut d_weight_hh,
                    d_bias: d_bias_new.as_deref_mut(),
                    d_initial_h: d_initial_h.as_deref_mut(),
                };
                let weights = GruWeights { w_hh: &weight_hh, bias: bias_new.as_deref() };
                gru_backward(&mut steps.0, weights, gradients);
            }
            RecurrentCell::Tanh | RecurrentCell::Relu => {
                let gradients = RnnBackward {
                    d_outputs: given.outputs.as_deref(),
                    d_h: given.h.as_deref(),
                    d_projected: &mut d_projected,
                    d_w_hh: &mut d_weight_hh,
                    d_initial_h: d_initial_h.as_deref_mut(),
                };
                rnn_backward(&mut steps.0, simple(settings.cell, &weight_hh), gradients);
            }
        }

        let mut d_rows = for_input.then(|| Values::unspecified(shape.rows * features));
        let mut d_weight_ih = for_weight_ih.then(|| Values::unspecified(weight_ih.len()));
        let mut d_bias = for_bias.then(|| Values::unspecified(columns));
        let into = kernels::DenseGradients {
            input: d_rows.as_deref_mut(),
            weight: d_weight_ih.as_deref_mut(),
            bias: d_bias.as_deref_mut(),
        };
        kernels::dense_backward(cpu(), &shape, input.values(), &weight_ih, &[], &d_projected, into);
        let d_input = d_rows.map(|rows| match input {
            Input::Sequence(_) => from_values(rows, tensors.input.shape()),
            Input::Tokens { unique, .. } => {
                let mut table = Values::unspecified(tensors.input.shape().num_elements());
                let padding = settings.padding_idx;
                kernels::embedding_gradient(cpu(), features, &unique.tokens, padding, &rows, &mut table);
                from_values(table, tensors.input.shape())
            }
        });
        let state = |values| from_values(values, [batch, hidden]);
        [
            d_input,
            d_weight_ih.map(|values| from_values(values, [features, columns])),
            for_weight_hh.then(|| from_values(d_weight_hh, [hidden, columns])),
            d_bias.map(|values| from_values(values, [columns])),
            d_bias_new.map(|values| from_values(values, [hidden])),
            d_initial_h.map(state),
            d_initial_c.map(state),
        ]
    }
}

/// The output, what was projected, and how many rows that are.
fn forward(
    tensors: RecurrentTensors<Flex>,
    settings: RecurrentSettings,
    tape: Option<&mut RecurrentTape>,
) -> (FloatTensor<Flex>, Input, usize) {
    let [hidden, columns] = tensors.weight_hh.shape().dims();
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
        out_features: columns,
        relu: false,
    };
    let answers = tape.is_none();
    let bias = contiguous(tensors.bias);
    let mut projected = Values::unspecified(dense.rows * columns);
    match in_int8(&tensors.weight_ih, answers) {
        Some(weights) => {
            let values = input.values();
            kernels::int8_dense(cpu(), &weights, values, dense.rows, Some(&bias), false, &mut projected);
        }
        None => {
            let weight_ih = contiguous(tensors.weight_ih);
            kernels::dense(cpu(), &dense, input.values(), &weight_ih, Some(&bias), &mut projected);
        }
    }
    let int8 = (answers && is_dynamic_int8())
        .then(|| {
            let gates = settings.cell.gates();
            RECURRENT_INT8.of_all(&[&tensors.weight_hh], gates, || {
                let weight = contiguous(tensors.weight_hh.clone());
                Int8RecurrentWeights::new(cpu(), &weight, hidden, gates)
            })
        })
        .flatten();

    let lengths: Option<Vec<u32>> = tensors.lengths.into_option().map(|lengths| {
        let known = |&length: &i64| u32::try_from(length).expect("a length is not negative");
        contiguous_ints(lengths).iter().map(known).collect()
    });
    let [mask, initial_h, initial_c, bias_new] =
        [tensors.recurrent_dropout, tensors.initial_h, tensors.initial_c, tensors.bias_new]
            .map(|tensor| tensor.into_option().map(contiguous));
    let options = RecurrentOptions {
        lengths: lengths.as_deref(),
        reverse: settings.reverse,
        recurrent_mask: mask.as_deref(),
        int8: int8.as_deref(),
    };
    let shape = RecurrentShape { batch, steps, hidden };
    let projected = Projected { rows: &projected, index: input.index() };
    let weight_hh = contiguous(tensors.weight_hh);
    let mut h = Values::unspecified(batch * hidden);
    let mut c = Values::unspecified(if settings.cell.has_c() { batch * hidden } else { 0 });
    let mut outputs =
        Values::unspecified(if settings.given == Given::Last { 0 } else { batch * steps * hidden });
    let all = (settings.given != Given::Last).then_some(&mut outputs[..]);
    match settings.cell {
        RecurrentCell::Lstm => {
            let initial = match (&initial_h, &initial_c) {
                (Some(h), Some(c)) => Some(LstmState { h, c }),
                _ => None,
            };
            let output = LstmOutput { outputs: all, h: &mut h, c: &mut c };
            match tape {
                Some(tape) => {
                    lstm_forward(cpu(), shape, projected, &weight_hh, initial, &options, output, tape);
                }
                None => lstm_inference(cpu(), shape, projected, &weight_hh, initial, &options, output),
            }
        }
        RecurrentCell::Gru => {
            let weights = GruWeights { w_hh: &weight_hh, bias: bias_new.as_deref() };
            let (initial, output) = (initial_h.as_deref(), GruOutput { outputs: all, h: &mut h });
            match tape {
                Some(tape) => gru_forward(cpu(), shape, projected, weights, initial, &options, output, tape),
                None => gru_inference(cpu(), shape, projected, weights, initial, &options, output),
            }
        }
        RecurrentCell::Tanh | RecurrentCell::Relu => {
            let weights = simple(settings.cell, &weight_hh);
            let (initial, output) = (initial_h.as_deref(), RnnOutput { outputs: all, h: &mut h });
            match tape {
                Some(tape) => rnn_forward(cpu(), shape, projected, weights, initial, &options, output, tape),
                None => rnn_inference(cpu(), shape, projected, weights, initial, &options, output),
            }
        }
    }
    let output = match settings.given {
        Given::Last => from_values(h, [batch, hidden]),
        Given::All => from_values(outputs, [batch, steps, hidden]),
        Given::Everything => {
            let parts = [(&outputs, steps), (&h, 1), (&c, usize::from(settings.cell.has_c()))];
            let places = parts.iter().map(|(_, places)| places).sum::<usize>();
            let mut values = Vec::with_capacity(batch * places * hidden);
            for row in 0..batch {
                for (part, places) in parts {
                    let len = places * hidden;
                    values.extend_from_slice(&part[row * len..(row + 1) * len]);
                }
            }
            from_values(values, [batch, places, hidden])
        }
    };
    (output, input, dense.rows)
}

fn simple(cell: RecurrentCell, w_hh: &[f32]) -> RnnWeights<'_> {
    let activation = if cell == RecurrentCell::Relu { RnnActivation::Relu } else { RnnActivation::Tanh };
    RnnWeights { w_hh, activation }
}

/// The gradients that a backward run starts from.
#[derive(Default)]
struct States {
    outputs: Option<Contiguous>,
    h: Option<Contiguous>,
    c: Option<Contiguous>,
}

impl States {
    /// Takes the gradient by an output apart.
    fn split(gradient: FloatTensor<Flex>, settings: RecurrentSettings) -> Self {
        match settings.given {
            Given::All => States { outputs: Some(contiguous(gradient)), ..States::default() },
            Given::Last => States { h: Some(contiguous(gradient)), ..States::default() },
            Given::Everything => {
                let [batch, places, _] = gradient.shape().dims::<3>();
                let has_c = settings.cell.has_c();
                let steps = places - if has_c { 2 } else { 1 };
                let part = |range: Range<usize>| {
                    contiguous(Flex::float_slice(gradient.clone(), &[(0..batch).into(), range.into()]))
                };
                States {
                    outputs: Some(part(0..steps)),
                    h: Some(part(steps..steps + 1)),
                    c: has_c.then(|| part(steps + 1..steps + 2)),
                }
            }
        }
    }
}

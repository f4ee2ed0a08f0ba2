//! A recurrent network in Burn's operations, step by step.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Shape, Slice};

use super::{Given, RecurrentCell, RecurrentSettings, RecurrentTensors};
use crate::ops::embedding::EmbeddingOp;
use crate::ops::product::product;

pub(super) fn forward<B: EmbeddingOp>(
    tensors: RecurrentTensors<B>,
    settings: RecurrentSettings,
) -> FloatTensor<B> {
    let RecurrentTensors { input, weight_ih, weight_hh, bias, bias_new, initial_h, initial_c, .. } = tensors;
    let input = match tensors.tokens.into_option() {
        Some(tokens) => B::embedding_rows(input, tokens, settings.padding_idx),
        None => input,
    };
    let [batch, time, features] = input.shape().dims();
    let [hidden, columns] = weight_hh.shape().dims();
    let (device, dtype) = (input.device(), input.dtype().into());
    let zeros = |sizes: &[usize]| B::float_zeros(Shape::from(sizes.to_vec()), &device, dtype);
    let mask = tensors.recurrent_dropout.into_option();
    let lengths = tensors
        .lengths
        .into_option()
        .map(|lengths| B::float_reshape(B::int_into_float(lengths, dtype), Shape::new([batch, 1])));
    let cell = Steps::<B> {
        cell: settings.cell,
        batch,
        hidden,
        weight_hh,
        bias_new: bias_new.into_option().map(|bias| B::float_reshape(bias, Shape::new([1, hidden]))),
    };
    let mut h = initial_h.into_option().unwrap_or_else(|| zeros(&[batch, hidden]));
    // Cells without a second state carry this one along untouched.
    let mut c = initial_c.into_option().unwrap_or_else(|| zeros(&[batch, hidden]));

    let mut outputs = Vec::with_capacity(time);
    if batch * time > 0 {
        let rows = B::float_reshape(input, Shape::new([batch * time, features]));
        let bias = B::float_reshape(bias, Shape::new([1, columns]));
        let projected = B::float_add(product::<B>(rows, weight_ih), bias);
        let projected = B::float_reshape(projected, Shape::new([batch, time, columns]));
        let mut steps: Vec<_> = one_by_one::<B>(projected).into_iter().enumerate().collect();
        // A sequence that is shorter waits: from the front it stops early, from the back it begins late.
        if settings.reverse {
            steps.reverse();
        }
        for (place, x) in steps {
            let (new_h, new_c) = cell.step(x, &h, &c, mask.as_ref());
            let Some(lengths) = &lengths else {
                (h, c) = (new_h.clone(), new_c);
                outputs.push(new_h);
                continue;
            };
            // 1 where the sequence has this place, else 0.
            let left = B::float_sub_scalar(lengths.clone(), (place as f64).into());
            let runs = B::float_clamp(left, 0.0.into(), 1.0.into());
            let mix = |new: FloatTensor<B>, old: FloatTensor<B>| {
                B::float_add(old.clone(), B::float_mul(runs.clone(), B::float_sub(new, old)))
            };
            outputs.push(B::float_mul(new_h.clone(), runs.clone()));
            (h, c) = (mix(new_h, h), mix(new_c, c));
        }
    }
    if settings.reverse {
        outputs.reverse();
    }
    match settings.given {
        Given::Last => return h,
        Given::All => {}
        Given::Everything => {
            outputs.extend([h, c].into_iter().take(if settings.cell.has_c() { 2 } else { 1 }))
        }
    }
    if outputs.is_empty() || batch == 0 {
        let states = if settings.given == Given::All { 0 } else { outputs.len() };
        return zeros(&[batch, time + states, hidden]);
    }
    let outputs = outputs.into_iter().map(|h| B::float_reshape(h, Shape::new([batch, 1, hidden])));
    B::float_cat(outputs.collect(), 1)
}

/// `[batch, columns]` of each step. Halved again and again, since autodiff's gradient of a slice is as large as what it
/// was cut from: cut from the whole, the steps' gradients would cost the square of their number.
fn one_by_one<B: EmbeddingOp>(projected: FloatTensor<B>) -> Vec<FloatTensor<B>> {
    let [batch, time, columns] = projected.shape().dims();
    if time == 1 {
        return vec![B::float_reshape(projected, Shape::new([batch, columns]))];
    }
    let part = |from: usize, to: usize| {
        one_by_one::<B>(B::float_slice(projected.clone(), &[(0..batch).into(), (from..to).into()]))
    };
    let mut steps = part(0, time / 2);
    steps.extend(part(time / 2, time));
    steps
}

/// What is the same at all steps.
struct Steps<B: EmbeddingOp> {
    cell: RecurrentCell,
    batch: usize,
    hidden: usize,
    weight_hh: FloatTensor<B>,
    bias_new: Option<FloatTensor<B>>,
}

impl<B: EmbeddingOp> Steps<B> {
    /// The states after a step, from the projected input, `[batch, gates * hidden]`, and the states before.
    fn step(
        &self,
        x: FloatTensor<B>,
        h: &FloatTensor<B>,
        c: &FloatTensor<B>,
        mask: Option<&FloatTensor<B>>,
    ) -> (FloatTensor<B>, FloatTensor<B>) {
        let state = match mask {
            Some(mask) => B::float_mul(h.clone(), mask.clone()),
            None => h.clone(),
        };
        let s = product::<B>(state, self.weight_hh.clone());
        let gate = |of: &FloatTensor<B>, at: usize| {
            let columns: Slice = (at * self.hidden..(at + 1) * self.hidden).into();
            B::float_slice(of.clone(), &[(0..self.batch).into(), columns])
        };
        match self.cell {
            RecurrentCell::Lstm => {
                let sums = B::float_add(x, s);
                let (i, f) = (B::sigmoid(gate(&sums, 0)), B::sigmoid(gate(&sums, 1)));
                let (g, o) = (B::float_tanh(gate(&sums, 2)), B::sigmoid(gate(&sums, 3)));
                let c = B::float_add(B::float_mul(f, c.clone()), B::float_mul(i, g));
                (B::float_mul(o, B::float_tanh(c.clone())), c)
            }
            RecurrentCell::Gru => {
                let [r, z] = [0, 1].map(|at| B::sigmoid(B::float_add(gate(&x, at), gate(&s, at))));
                let inner = match &self.bias_new {
                    Some(bias) => B::float_add(gate(&s, 2), bias.clone()),
                    None => gate(&s, 2),
                };
                let n = B::float_tanh(B::float_add(gate(&x, 2), B::float_mul(r, inner)));
                let kept = B::float_mul(z, B::float_sub(h.clone(), n.clone()));
                (B::float_add(n, kept), c.clone())
            }
            RecurrentCell::Tanh => (B::float_tanh(B::float_add(x, s)), c.clone()),
            RecurrentCell::Relu => (B::relu(B::float_add(x, s)), c.clone()),
        }
    }
}

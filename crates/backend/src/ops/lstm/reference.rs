//! An LSTM in Burn's operations, step by step.

use burn::backend::TensorMetadata;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Shape, Slice};

use super::{LstmSettings, LstmTensors};
use crate::ops::embedding::EmbeddingOp;
use crate::ops::product::product;

pub(super) fn forward<B: EmbeddingOp>(tensors: LstmTensors<B>, settings: LstmSettings) -> FloatTensor<B> {
    let LstmTensors { input, weight_ih, weight_hh, bias, tokens, lengths, recurrent_dropout } = tensors;
    let input = match tokens.into_option() {
        Some(tokens) => B::embedding_rows(input, tokens, settings.padding_idx),
        None => input,
    };
    let [batch, time, features] = input.shape().dims();
    let [hidden, gates] = weight_hh.shape().dims();
    let (device, dtype) = (input.device(), input.dtype().into());
    let zeros = |shape: Shape| B::float_zeros(shape, &device, dtype);
    if batch * time == 0 {
        let empty = if settings.last_only { vec![batch, hidden] } else { vec![batch, time, hidden] };
        return zeros(Shape::from(empty));
    }
    let mask = recurrent_dropout.into_option();
    let lengths = lengths
        .into_option()
        .map(|lengths| B::float_reshape(B::int_into_float(lengths, dtype), Shape::new([batch, 1])));

    let rows = B::float_reshape(input, Shape::new([batch * time, features]));
    let bias = B::float_reshape(bias, Shape::new([1, gates]));
    let projected = B::float_add(product::<B>(rows, weight_ih), bias);
    let projected = B::float_reshape(projected, Shape::new([batch, time, gates]));

    let mut h = zeros(Shape::new([batch, hidden]));
    let mut c = h.clone();
    let mut outputs = Vec::with_capacity(time);
    for step in 0..time {
        // A sequence that is shorter waits: from the front it stops early, from the back it begins late.
        let place = if settings.reverse { time - 1 - step } else { step };
        let input = B::float_slice(projected.clone(), &[(0..batch).into(), (place..place + 1).into()]);
        let input = B::float_reshape(input, Shape::new([batch, gates]));
        let state = match &mask {
            Some(mask) => B::float_mul(h.clone(), mask.clone()),
            None => h.clone(),
        };
        let sums = B::float_add(input, product::<B>(state, weight_hh.clone()));
        let gate = |at: usize| {
            let columns: Slice = (at * hidden..(at + 1) * hidden).into();
            B::float_slice(sums.clone(), &[(0..batch).into(), columns])
        };
        let (i, f) = (B::sigmoid(gate(0)), B::sigmoid(gate(1)));
        let (g, o) = (B::float_tanh(gate(2)), B::sigmoid(gate(3)));
        let new_c = B::float_add(B::float_mul(f, c.clone()), B::float_mul(i, g));
        let new_h = B::float_mul(o, B::float_tanh(new_c.clone()));
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
    if settings.last_only {
        return h;
    }
    if settings.reverse {
        outputs.reverse();
    }
    let outputs = outputs.into_iter().map(|h| B::float_reshape(h, Shape::new([batch, 1, hidden])));
    B::float_cat(outputs.collect(), 1)
}

//! Self-attention in Burn's operations, with all scores at once.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, Slice, TensorData};

use super::AttentionSettings;
use crate::ops::dropout::random_mask;

/// What is added to a score that does not count: its exponential is 0, and it is a number in every type.
const UNSEEN: f64 = -3e4;

pub(super) fn forward<B: Backend>(
    projected: FloatTensor<B>,
    lengths: Option<IntTensor<B>>,
    settings: AttentionSettings,
) -> FloatTensor<B> {
    let [batch, steps, width] = projected.shape().dims();
    let (heads, width) = (settings.num_heads, width / 3);
    let dim = width / heads;
    let (device, dtype) = (projected.device(), projected.dtype());
    if batch * steps == 0 {
        return B::float_zeros(Shape::new([batch, steps, width]), &device, dtype.into());
    }
    let known = |values: Vec<f32>, shape: Shape| {
        B::float_from_data(TensorData::new(values, shape).convert_dtype(dtype), &device)
    };
    let [query, key, value] = [0, 1, 2].map(|which| {
        let part = columns::<B>(projected.clone(), which * width..(which + 1) * width);
        let part = B::float_reshape(part, Shape::new([batch, steps, heads, dim]));
        let part = if settings.rotary && which < 2 { turned::<B>(part, known) } else { part };
        B::float_swap_dims(part, 1, 2)
    });

    let scores = B::float_matmul(query, B::float_swap_dims(key, 2, 3));
    let mut scores = B::float_mul_scalar(scores, (1.0 / (dim as f64).sqrt()).into());
    if settings.causal {
        let unseen = |place: usize| if place % steps > place / steps { UNSEEN as f32 } else { 0.0 };
        let mask = (0..steps * steps).map(unseen).collect();
        scores = B::float_add(scores, known(mask, Shape::new([1, 1, steps, steps])));
    }
    // `[batch, 1, 1, steps]`: 1 where the sequence has this step, else 0.
    let own = lengths.map(|lengths| {
        let lengths =
            B::float_reshape(B::int_into_float(lengths, dtype.into()), Shape::new([batch, 1, 1, 1]));
        let places = known((0..steps).map(|step| step as f32).collect(), Shape::new([1, 1, 1, steps]));
        B::float_clamp(B::float_sub(lengths, places), 0.0.into(), 1.0.into())
    });
    if let Some(own) = &own {
        let unseen = B::float_sub_scalar(own.clone(), 1.0.into());
        scores = B::float_add(scores, B::float_mul_scalar(unseen, (-UNSEEN).into()));
    }
    let mut probabilities = B::softmax(scores, 3);
    if settings.dropout > 0.0 {
        let kept = 1.0 - settings.dropout;
        let mask = random_mask::<B>(&probabilities, kept);
        probabilities = B::float_mul(probabilities, B::float_mul_scalar(mask, (1.0 / kept).into()));
    }
    let mut output = B::float_swap_dims(B::float_matmul(probabilities, value), 1, 2);
    if let Some(own) = own {
        output = B::float_mul(output, B::float_reshape(own, Shape::new([batch, steps, 1, 1])));
    }
    B::float_reshape(output, Shape::new([batch, steps, width]))
}

/// `[batch, steps, heads, dim]` with each pair of values turned by the angle of its step.
fn turned<B: Backend>(
    part: FloatTensor<B>,
    known: impl Fn(Vec<f32>, Shape) -> FloatTensor<B>,
) -> FloatTensor<B> {
    let [batch, steps, heads, dim] = part.shape().dims();
    let pairs = dim / 2;
    let angle = |place: usize| {
        let (step, pair) = (place / pairs, place % pairs);
        step as f64 * 10_000f64.powf(-2.0 * pair as f64 / dim as f64)
    };
    let table = |function: fn(f64) -> f64| {
        let values = (0..steps * pairs).map(|place| function(angle(place)) as f32).collect();
        known(values, Shape::new([1, steps, 1, pairs, 1]))
    };
    let (sin, cos) = (table(f64::sin), table(f64::cos));
    let part = B::float_reshape(part, Shape::new([batch, steps, heads, pairs, 2]));
    let (a, b) = (columns::<B>(part.clone(), 0..1), columns::<B>(part, 1..2));
    let first = B::float_sub(B::float_mul(a.clone(), cos.clone()), B::float_mul(b.clone(), sin.clone()));
    let second = B::float_add(B::float_mul(a, sin), B::float_mul(b, cos));
    B::float_reshape(B::float_cat(vec![first, second], 4), Shape::new([batch, steps, heads, dim]))
}

/// A range of the last dimension.
fn columns<B: Backend>(tensor: FloatTensor<B>, range: std::ops::Range<usize>) -> FloatTensor<B> {
    let shape = tensor.shape();
    let all = shape.iter().take(shape.num_dims() - 1).map(|&size| Slice::from(0..size));
    let slices: Vec<Slice> = all.chain([Slice::from(range)]).collect();
    B::float_slice(tensor, &slices)
}

//! Squared norms of the gradients of a weight, sample by sample.

use std::collections::HashMap;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, TensorMetadata};
use burn::tensor::{Shape, TensorData, read_sync};

use super::add;

/// Numbers that are held at once for the products of samples.
const MOST_VALUES: usize = 1 << 24;

/// The share of the sum of absolute terms that rounding may add or take.
const ROUNDING: f64 = 1e-6;

/// Of a product: a weight whose gradient for a sample is `Σ_t input_t ⊗ gradient_t`, and its bias, with `Σ_t gradient_t`.
///
/// # Shapes
/// - input: `[batch · steps, in_features]`, gradient: `[batch · steps, out_features]`
pub(super) fn of_rows<B: Backend>(
    input: FloatTensor<B>,
    gradient: FloatTensor<B>,
    batch: usize,
    for_weight: bool,
    for_bias: bool,
) {
    let ([rows, inputs], [_, outputs]) = (input.shape().dims::<2>(), gradient.shape().dims::<2>());
    assert!(batch > 0 && rows.is_multiple_of(batch), "{rows} rows are not those of {batch} samples");
    let steps = rows / batch;
    if rows == 0 || outputs == 0 {
        return;
    }
    if steps == 1 {
        let of_gradient = sums_of_squares::<B>(gradient);
        if for_weight && inputs > 0 {
            let of_input = sums_of_squares::<B>(input);
            add(0, of_input.iter().zip(&of_gradient).map(|(input, gradient)| input * gradient));
        }
        if for_bias {
            add(0, of_gradient);
        }
        return;
    }
    let sequences = |rows, width| B::float_reshape(rows, Shape::new([batch, steps, width]));
    let (input, gradient) = (sequences(input, inputs), sequences(gradient, outputs));
    if for_bias {
        of_copies::<B>(0, B::float_sum_dim(gradient.clone(), 1));
    }
    if !for_weight || inputs == 0 {
        return;
    }
    // By products of steps with steps, or by the gradient itself.
    let by_steps = steps * (inputs + outputs) < inputs * outputs;
    let held = if by_steps { 2 * steps * steps } else { inputs * outputs };
    let at_once = (MOST_VALUES / held.max(1)).clamp(1, batch);
    for first in (0..batch).step_by(at_once) {
        let samples = first..(first + at_once).min(batch);
        let part = |of: &FloatTensor<B>| B::float_slice(of.clone(), &[samples.clone().into()]);
        let (input, gradient) = (part(&input), part(&gradient));
        let turned = |of: &FloatTensor<B>| B::float_swap_dims(of.clone(), 1, 2);
        if by_steps {
            let of_input = B::float_matmul(input.clone(), turned(&input));
            let of_gradient = B::float_matmul(gradient.clone(), turned(&gradient));
            let count = samples.len();
            let both = B::float_mul(of_input, of_gradient);
            let both = B::float_reshape(both, Shape::new([count, steps * steps]));
            let sizes = numbers::<B>(B::float_sum_dim(B::float_abs(both.clone()), 1));
            let squares = numbers::<B>(B::float_sum_dim(both, 1));
            // Terms may cancel, and what rounding left of them must not make a gradient look shorter than it is.
            add(
                first,
                squares.into_iter().zip(sizes).map(|(square, size)| square.max(0.0) + ROUNDING * size),
            );
        } else {
            of_copies::<B>(first, B::float_matmul(turned(&input), gradient));
        }
    }
}

/// Of all numbers of a tensor.
pub(in crate::ops) fn sum_of_squares<B: Backend>(tensor: FloatTensor<B>) -> f64 {
    let values = data(read_sync(B::float_into_data(tensor)));
    values.iter::<f64>().map(|value| value * value).sum()
}

/// Of a parameter of which each sample has one of its own, `[samples, ..]`, from the sample `first` on.
pub(super) fn of_copies<B: Backend>(first: usize, gradient: FloatTensor<B>) {
    let samples = gradient.shape()[0];
    let len = gradient.shape().num_elements() / samples.max(1);
    if len > 0 {
        add(first, sums_of_squares::<B>(B::float_reshape(gradient, Shape::new([samples, len]))));
    }
}

/// Of a table of rows for tokens: all places of a sample with the same token have one row.
///
/// # Shapes
/// - tokens: `[batch, time]`, gradient: `[batch, time, dim]`
pub(super) fn of_tokens<B: Backend>(
    tokens: IntTensor<B>,
    padding_idx: Option<usize>,
    gradient: FloatTensor<B>,
) {
    let [batch, time, dim] = gradient.shape().dims();
    let tokens: Vec<i64> = data(read_sync(B::int_into_data(tokens))).iter::<i64>().collect();
    let gradient = data(read_sync(B::float_into_data(gradient))).convert::<f32>();
    let gradient = gradient.as_slice::<f32>().expect("converted above");
    if batch * time * dim == 0 {
        return;
    }
    let mut rows: HashMap<i64, usize> = HashMap::new();
    let mut sums: Vec<f32> = Vec::new();
    let of_sample = |(tokens, gradient): (&[i64], &[f32])| {
        rows.clear();
        sums.clear();
        for (token, gradient) in tokens.iter().zip(gradient.chunks_exact(dim)) {
            if padding_idx.is_some_and(|padding| padding as i64 == *token) {
                continue;
            }
            let next = rows.len();
            let row = *rows.entry(*token).or_insert(next);
            if row == next {
                sums.extend_from_slice(gradient);
            } else {
                let sum = &mut sums[row * dim..(row + 1) * dim];
                sum.iter_mut().zip(gradient).for_each(|(sum, value)| *sum += value);
            }
        }
        sums.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>()
    };
    let samples = tokens.chunks_exact(time).zip(gradient.chunks_exact(time * dim));
    let squares: Vec<f64> = samples.map(of_sample).collect();
    add(0, squares);
}

/// The sum of the squares of each row.
fn sums_of_squares<B: Backend>(rows: FloatTensor<B>) -> Vec<f64> {
    numbers::<B>(B::float_sum_dim(B::float_mul(rows.clone(), rows), 1))
}

fn numbers<B: Backend>(tensor: FloatTensor<B>) -> Vec<f64> {
    data(read_sync(B::float_into_data(tensor))).iter::<f64>().collect()
}

fn data<E: std::fmt::Debug>(read: Result<TensorData, E>) -> TensorData {
    // As where Burn's own `into_data` reads.
    read.expect("a device gives what it has computed")
}

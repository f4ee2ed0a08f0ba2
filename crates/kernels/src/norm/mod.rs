//! Normalisation of each channel over a batch and of each row, with their gradients.
//!
//! Variances are sums of squared distances from a mean that is known already, never differences of great sums, so a
//! mean far from 0 does no harm. Sums over a batch are taken in blocks whose size depends on nothing but the shape, and
//! put together in `f64`: the result is the same on any number of threads, and memory is read once for both passes,
//! as a block stays in the cache.

mod batch;
mod layer;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

pub use batch::{BatchNorm, batch_norm_gradient, batch_norm_inference, batch_norm_train};
pub use layer::{layer_norm, layer_norm_gradient};

use crate::simd::Simd;
use crate::vectors::{each_vector, get, put};

/// `Σ (x - center)²` of each column.
#[inline(always)]
fn column_squares<S: Simd>(s: S, columns: usize, x: &[f32], center: &[f32], sums: &mut [f32]) {
    each_vector!(S::LANES, columns, |at, count| {
        let center = get(s, center, at, count);
        let mut four = [s.splat(0.0); 4];
        let mut rows = x.chunks_exact(4 * columns);
        for rows in rows.by_ref() {
            for (row, sum) in four.iter_mut().enumerate() {
                let d = s.sub(get(s, rows, row * columns + at, count), center);
                *sum = s.mul_add(d, d, *sum);
            }
        }
        for row in rows.remainder().chunks_exact(columns) {
            let d = s.sub(get(s, row, at, count), center);
            four[0] = s.mul_add(d, d, four[0]);
        }
        put(s, sums, at, count, s.add(s.add(four[0], four[2]), s.add(four[1], four[3])));
    });
}

/// `Σ dy` and `Σ dy · (x - center)` of each column; `dy` counts as 0 where there is a ReLU and it gave 0.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "slices of one shape, and their sizes")]
fn column_gradients<S: Simd>(
    s: S,
    columns: usize,
    x: &[f32],
    dy: &[f32],
    relu: Option<Relu<'_>>,
    center: &[f32],
    sums: &mut [f32],
    products: &mut [f32],
) {
    let rows = x.len() / columns;
    each_vector!(S::LANES, columns, |at, count| {
        let center = get(s, center, at, count);
        let relu = relu.map(|relu| relu.at(s, at, count));
        let mut two = [[s.splat(0.0); 2]; 2];
        for row in 0..rows {
            let from = row * columns + at;
            let d = s.sub(get(s, x, from, count), center);
            let g = passed(s, get(s, dy, from, count), d, relu);
            two[0] = [s.add(two[0][0], g), s.mul_add(g, d, two[0][1])];
            two.swap(0, 1);
        }
        put(s, sums, at, count, s.add(two[0][0], two[1][0]));
        put(s, products, at, count, s.add(two[0][1], two[1][1]));
    });
}

/// By column, what a ReLU got: `(x - center) · scale + shift`. It is made again from the input, so that nobody has to keep it.
#[derive(Clone, Copy)]
struct Relu<'a> {
    scale: &'a [f32],
    shift: &'a [f32],
}

impl Relu<'_> {
    /// Scale and shift of some columns.
    #[inline(always)]
    fn at<S: Simd>(self, s: S, at: usize, count: usize) -> [S::F; 2] {
        [get(s, self.scale, at, count), get(s, self.shift, at, count)]
    }
}

/// The gradient that comes through a ReLU, if there was one, where the input is `d` from the center.
#[inline(always)]
fn passed<S: Simd>(s: S, dy: S::F, d: S::F, relu: Option<[S::F; 2]>) -> S::F {
    match relu {
        Some([scale, shift]) => {
            let zero = s.splat(0.0);
            s.select_gt(s.mul_add(d, scale, shift), zero, dy, zero)
        }
        None => dy,
    }
}

/// `(x - center) · scale + shift` by column, and no less than 0 with `relu`.
#[inline(always)]
#[allow(clippy::too_many_arguments, reason = "slices of one shape, and their sizes")]
fn normalise<S: Simd>(
    s: S,
    columns: usize,
    x: &[f32],
    center: &[f32],
    scale: &[f32],
    shift: &[f32],
    relu: bool,
    output: &mut [f32],
) {
    for (x, output) in x.chunks_exact(columns).zip(output.chunks_exact_mut(columns)) {
        each_vector!(S::LANES, columns, |at, count| {
            let d = s.sub(get(s, x, at, count), get(s, center, at, count));
            let y = s.mul_add(d, get(s, scale, at, count), get(s, shift, at, count));
            // `max` gives its second argument where it is not a number.
            put(s, output, at, count, if relu { s.max(s.splat(0.0), y) } else { y });
        });
    }
}

/// By column, `dx = direct · dy + along · (x - center) + level`.
struct Slopes<'a> {
    center: &'a [f32],
    direct: &'a [f32],
    along: &'a [f32],
    level: &'a [f32],
}

#[inline(always)]
fn input_gradients<S: Simd>(
    s: S,
    columns: usize,
    x: &[f32],
    dy: &[f32],
    relu: Option<Relu<'_>>,
    slopes: &Slopes<'_>,
    dx: &mut [f32],
) {
    for (row, dx) in dx.chunks_exact_mut(columns).enumerate() {
        each_vector!(S::LANES, columns, |at, count| {
            let from = row * columns + at;
            let d = s.sub(get(s, x, from, count), get(s, slopes.center, at, count));
            let g = passed(s, get(s, dy, from, count), d, relu.map(|relu| relu.at(s, at, count)));
            let sum = s.mul_add(d, get(s, slopes.along, at, count), get(s, slopes.level, at, count));
            put(s, dx, at, count, s.mul_add(g, get(s, slopes.direct, at, count), sum));
        });
    }
}

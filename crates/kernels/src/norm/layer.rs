//! Layer normalisation of rows; a row stays in the nearest cache from pass to pass.

use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, get_or, keep_first, over_rows, put};

/// Normalises each row by its own mean and variance ([Ba et al.](https://arxiv.org/abs/1607.06450)).
///
/// # Shapes
/// - weight, bias: `[dim]`
/// - input, output: `[rows, dim]`
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{Cpu, layer_norm};
/// let mut output = [0.0; 2];
/// layer_norm(Cpu::best(1), &[2.0, 2.0], &[1.0, 1.0], 0.0, &[4.0, 8.0], &mut output);
/// assert_eq!(output, [-1.0, 3.0]);
/// ```
pub fn layer_norm(cpu: Cpu, weight: &[f32], bias: &[f32], epsilon: f32, input: &[f32], output: &mut [f32]) {
    let rows = check(weight, input.len());
    assert_eq!(bias.len(), weight.len(), "weight and bias of a normalisation");
    assert_eq!(input.len(), output.len(), "input and output of a normalisation");
    let dim = weight.len();
    let shared = Shared::new(output);
    over_rows(cpu, rows, input.len(), |rows| {
        let places = rows.start * dim..rows.end * dim;
        // SAFETY: the parts share no row.
        let output = unsafe { shared.part(places.clone()) };
        cpu.path.run(Forward { weight, bias, epsilon, x: &input[places], output });
    });
}

/// The gradient of [`layer_norm`]; mean and variance are computed again, as the row must be read anyway.
///
/// # Shapes
/// - weight: `[dim]`
/// - input, output_gradient: `[rows, dim]`
/// - input_gradient: `[rows, dim]`, overwritten
/// - weight_gradient, bias_gradient: `[dim]`, overwritten
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{Cpu, layer_norm_gradient};
/// let (mut input, mut weight, mut bias) = ([9.0; 2], [9.0; 2], [9.0; 2]);
/// layer_norm_gradient(
///     Cpu::best(1), &[2.0, 2.0], 0.0, &[4.0, 8.0], &[1.0, 1.0], &mut input, &mut weight, &mut bias,
/// );
/// assert_eq!((input, weight, bias), ([0.0, 0.0], [-1.0, 1.0], [1.0, 1.0]));
/// ```
#[allow(clippy::too_many_arguments, reason = "as many as a gradient has inputs and outputs")]
pub fn layer_norm_gradient(
    cpu: Cpu,
    weight: &[f32],
    epsilon: f32,
    input: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let rows = check(weight, input.len());
    let dim = weight.len();
    assert_eq!(input.len(), output_gradient.len(), "values of the output's gradient");
    assert_eq!(input.len(), input_gradient.len(), "values of the input's gradient");
    assert!(weight_gradient.len() == dim && bias_gradient.len() == dim, "gradients of {dim} columns");
    // At most 64 blocks, however many threads there are: their sums are put together in order.
    let block = (8192 / dim.max(1)).max(1).max(rows.div_ceil(64));
    let blocks = rows.div_ceil(block);
    let mut sums = vec![0.0; 2 * blocks * dim];
    let (shared, shared_sums) = (Shared::new(input_gradient), Shared::new(&mut sums));
    over_rows(cpu, blocks, input.len(), |range| {
        for at in range {
            let places = at * block * dim..((at + 1) * block).min(rows) * dim;
            // SAFETY: the parts share no block.
            let (dx, sums) =
                unsafe { (shared.part(places.clone()), shared_sums.part(2 * at * dim..2 * (at + 1) * dim)) };
            let (x, dy) = (&input[places.clone()], &output_gradient[places]);
            cpu.path.run(Gradient { weight, epsilon, x, dy, dx, sums });
        }
    });
    for column in 0..dim {
        let sum = |from: usize| -> f64 {
            (0..blocks).map(|block| f64::from(sums[(2 * block + from) * dim + column])).sum()
        };
        bias_gradient[column] = sum(0) as f32;
        weight_gradient[column] = sum(1) as f32;
    }
}

#[track_caller]
fn check(weight: &[f32], values: usize) -> usize {
    let dim = weight.len();
    assert!(
        values.is_multiple_of(dim.max(1)) && (dim > 0 || values == 0),
        "{values} values in rows of {dim}"
    );
    values / dim.max(1)
}

/// The mean of a row and one over its standard deviation.
#[inline(always)]
fn moments<S: Simd>(s: S, epsilon: f32, row: &[f32]) -> (f32, f32) {
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        sum = s.add(sum, get(s, row, at, count));
    });
    let mean = s.sum(sum) / row.len() as f32;
    let center = s.splat(mean);
    let mut squares = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let d = s.sub(get_or(s, row, at, count, mean), center);
        squares = s.mul_add(d, d, squares);
    });
    (mean, 1.0 / (s.sum(squares) / row.len() as f32 + epsilon).sqrt())
}

struct Forward<'a> {
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    x: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Forward { weight, bias, epsilon, x, output } = self;
        let dim = weight.len().max(1);
        for (x, output) in x.chunks_exact(dim).zip(output.chunks_exact_mut(dim)) {
            let (mean, rstd) = moments(s, epsilon, x);
            let (mean, rstd) = (s.splat(mean), s.splat(rstd));
            each_vector!(S::LANES, dim, |at, count| {
                let normal = s.mul(s.sub(get(s, x, at, count), mean), rstd);
                let y = s.mul_add(normal, get(s, weight, at, count), get(s, bias, at, count));
                put(s, output, at, count, y);
            });
        }
    }
}

struct Gradient<'a> {
    weight: &'a [f32],
    epsilon: f32,
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    /// What these rows add to the gradients of bias and weight; zeros to begin with.
    sums: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gradient { weight, epsilon, x, dy, dx, sums } = self;
        let dim = weight.len();
        if dim == 0 {
            return;
        }
        let (bias_sums, weight_sums) = sums.split_at_mut(dim);
        for ((x, dy), dx) in x.chunks_exact(dim).zip(dy.chunks_exact(dim)).zip(dx.chunks_exact_mut(dim)) {
            let (mean, rstd) = moments(s, epsilon, x);
            let (center, scale) = (s.splat(mean), s.splat(rstd));
            let (mut all, mut along) = (s.splat(0.0), s.splat(0.0));
            each_vector!(S::LANES, dim, |at, count| {
                let normal = keep_first(s, s.mul(s.sub(get(s, x, at, count), center), scale), count, 0.0);
                let dy = get(s, dy, at, count);
                let g = s.mul(dy, get(s, weight, at, count));
                all = s.add(all, g);
                along = s.mul_add(g, normal, along);
                let bias_sum = s.add(get(s, bias_sums, at, count), dy);
                put(s, bias_sums, at, count, bias_sum);
                let weight_sum = s.mul_add(dy, normal, get(s, weight_sums, at, count));
                put(s, weight_sums, at, count, weight_sum);
            });
            let all = s.splat(s.sum(all) / dim as f32);
            let along = s.splat(s.sum(along) / dim as f32);
            each_vector!(S::LANES, dim, |at, count| {
                let normal = s.mul(s.sub(get(s, x, at, count), center), scale);
                let g = s.mul(get(s, dy, at, count), get(s, weight, at, count));
                let rest = s.sub(s.sub(g, all), s.mul(normal, along));
                put(s, dx, at, count, s.mul(rest, scale));
            });
        }
    }
}

//! Softmax and its logarithm over rows, and their gradients.
//!
//! The greatest value of a row is taken off before the exponential, so nothing overflows. A row that holds a value
//! that is not a number, plus infinity, or nothing but minus infinity gives no numbers.

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;

use crate::Cpu;
use crate::cpu::Shared;
use crate::math::exp;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, get_or, keep_first, over_rows, put};

/// `output[r, c] = exp(input[r, c]) / Σ_k exp(input[r, k])`
///
/// # Shapes
/// - input, output: `[rows, columns]`
///
/// # Panics
/// If the lengths differ or are no multiple of `columns`.
///
/// ```
/// use fireclay_kernels::{Cpu, softmax};
/// let mut output = [0.0; 4];
/// softmax(Cpu::best(1), 2, &[7.0, 7.0, 0.0, 3.0f32.ln()], &mut output);
/// assert!(output.iter().zip([0.5, 0.5, 0.25, 0.75]).all(|(x, y)| (x - y).abs() < 1e-6));
/// ```
pub fn softmax(cpu: Cpu, columns: usize, input: &[f32], output: &mut [f32]) {
    by_rows(cpu, columns, input, input, output, Softmax);
}

/// `output[r, c] = input[r, c] - ln Σ_k exp(input[r, k])`
///
/// # Shapes
/// - input, output: `[rows, columns]`
///
/// # Panics
/// If the lengths differ or are no multiple of `columns`.
pub fn log_softmax(cpu: Cpu, columns: usize, input: &[f32], output: &mut [f32]) {
    by_rows(cpu, columns, input, input, output, LogSoftmax);
}

/// The gradient of [`softmax`], from what it gave: `y · (dy - Σ_k y_k · dy_k)`.
///
/// # Shapes
/// - output, output_gradient, input_gradient: `[rows, columns]`
///
/// # Panics
/// If the lengths differ or are no multiple of `columns`.
pub fn softmax_gradient(
    cpu: Cpu,
    columns: usize,
    output: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    by_rows(cpu, columns, output, output_gradient, input_gradient, SoftmaxGradient);
}

/// The gradient of [`log_softmax`], from what it gave: `dy - exp(y) · Σ_k dy_k`.
///
/// # Shapes
/// - output, output_gradient, input_gradient: `[rows, columns]`
///
/// # Panics
/// If the lengths differ or are no multiple of `columns`.
pub fn log_softmax_gradient(
    cpu: Cpu,
    columns: usize,
    output: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    by_rows(cpu, columns, output, output_gradient, input_gradient, LogSoftmaxGradient);
}

/// The greatest value of a row, values that are not numbers apart; minus infinity if there is none.
#[inline(always)]
pub(crate) fn greatest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let mut greatest = s.splat(f32::NEG_INFINITY);
    each_vector!(S::LANES, row.len(), |at, count| {
        greatest = s.max(get_or(s, row, at, count, f32::NEG_INFINITY), greatest);
    });
    s.greatest(greatest)
}

/// `Σ_k exp(row[k] - greatest)`
#[inline(always)]
pub(crate) fn sum_of_powers<S: Simd>(s: S, row: &[f32], greatest: f32) -> f32 {
    let greatest = s.splat(greatest);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), greatest));
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// As [`sum_of_powers`], and writes the powers.
#[inline(always)]
pub(crate) fn powers<S: Simd>(s: S, row: &[f32], greatest: f32, output: &mut [f32]) -> f32 {
    let greatest = s.splat(greatest);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), greatest));
        put(s, output, at, count, power);
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// Replaces each value by `exp(x - less)`; the result is the sum of all.
#[inline(always)]
pub(crate) fn powers_in_place<S: Simd>(s: S, row: &mut [f32], less: f32) -> f32 {
    let less = s.splat(less);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), less));
        put(s, row, at, count, power);
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// Multiplies each value.
#[inline(always)]
pub(crate) fn scale<S: Simd>(s: S, row: &mut [f32], by: f32) {
    let by = s.splat(by);
    each_vector!(S::LANES, row.len(), |at, count| {
        let x = get(s, row, at, count);
        put(s, row, at, count, s.mul(x, by));
    });
}

/// What is done with one row, given two rows to read.
trait Row: Copy + Sync {
    fn row<S: Simd>(self, s: S, a: &[f32], b: &[f32], output: &mut [f32]);
}

#[track_caller]
fn by_rows(cpu: Cpu, columns: usize, a: &[f32], b: &[f32], output: &mut [f32], row: impl Row) {
    assert!(a.len() == output.len() && b.len() == output.len(), "slices of a softmax differ in length");
    if output.is_empty() {
        return;
    }
    assert!(
        columns > 0 && output.len().is_multiple_of(columns),
        "{} values in rows of {columns}",
        output.len()
    );
    let rows = output.len() / columns;
    let values = output.len();
    let shared = Shared::new(output);
    over_rows(cpu, rows, values, |rows| {
        let places = rows.start * columns..rows.end * columns;
        // SAFETY: the parts share no row.
        let output = unsafe { shared.part(places.clone()) };
        cpu.path.run(Rows { columns, a: &a[places.clone()], b: &b[places], output, row });
    });
}

struct Rows<'a, R> {
    columns: usize,
    a: &'a [f32],
    b: &'a [f32],
    output: &'a mut [f32],
    row: R,
}

impl<R: Row> Kernel for Rows<'_, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.a.chunks_exact(self.columns).zip(self.b.chunks_exact(self.columns));
        for ((a, b), output) in rows.zip(self.output.chunks_exact_mut(self.columns)) {
            self.row.row(s, a, b, output);
        }
    }
}

#[derive(Clone, Copy)]
struct Softmax;

impl Row for Softmax {
    #[inline(always)]
    fn row<S: Simd>(self, s: S, input: &[f32], _: &[f32], output: &mut [f32]) {
        let sum = powers(s, input, greatest(s, input), output);
        scale(s, output, 1.0 / sum);
    }
}

#[derive(Clone, Copy)]
struct LogSoftmax;

impl Row for LogSoftmax {
    #[inline(always)]
    fn row<S: Simd>(self, s: S, input: &[f32], _: &[f32], output: &mut [f32]) {
        let greatest = greatest(s, input);
        let log = s.splat(sum_of_powers(s, input, greatest).ln());
        let greatest = s.splat(greatest);
        each_vector!(S::LANES, input.len(), |at, count| {
            // In two steps: next to a great value, the logarithm would be lost.
            let below = s.sub(get(s, input, at, count), greatest);
            put(s, output, at, count, s.sub(below, log));
        });
    }
}

#[derive(Clone, Copy)]
struct SoftmaxGradient;

impl Row for SoftmaxGradient {
    #[inline(always)]
    fn row<S: Simd>(self, s: S, y: &[f32], dy: &[f32], output: &mut [f32]) {
        let mut sum = s.splat(0.0);
        each_vector!(S::LANES, y.len(), |at, count| {
            sum = s.mul_add(get(s, y, at, count), get(s, dy, at, count), sum);
        });
        let sum = s.splat(s.sum(sum));
        each_vector!(S::LANES, y.len(), |at, count| {
            let (y, dy) = (get(s, y, at, count), get(s, dy, at, count));
            put(s, output, at, count, s.mul(y, s.sub(dy, sum)));
        });
    }
}

#[derive(Clone, Copy)]
struct LogSoftmaxGradient;

impl Row for LogSoftmaxGradient {
    #[inline(always)]
    fn row<S: Simd>(self, s: S, y: &[f32], dy: &[f32], output: &mut [f32]) {
        let mut sum = s.splat(0.0);
        each_vector!(S::LANES, y.len(), |at, count| {
            sum = s.add(sum, get(s, dy, at, count));
        });
        let minus = s.splat(-s.sum(sum));
        each_vector!(S::LANES, y.len(), |at, count| {
            let power = exp(s, get(s, y, at, count));
            put(s, output, at, count, s.mul_add(power, minus, get(s, dy, at, count)));
        });
    }
}

//! Activations value by value, and sums of columns.
//!
//! Sums over rows are taken in blocks of rows whose size does not depend on the number of threads, so neither do the
//! sums.

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::math;
use crate::simd::{Kernel, Simd};

/// Values that are worth a thread.
const PART: usize = 50_000;

/// Values in a block of rows that is summed by itself; it stays in L1 while its groups of columns take their turns.
const BLOCK: usize = 8192;

/// The gradient of ReLU's input: `output_gradient` where `output > 0`, else 0.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn relu_gradient(cpu: Cpu, output: &[f32], output_gradient: &[f32], input_gradient: &mut [f32]) {
    zip(cpu, Mask, Operand::Other(output_gradient), output, input_gradient);
}

/// `output = x · Φ(x)` of each value of the input: GELU, with the exact normal distribution
/// ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415)).
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::gelu};
/// let mut output = [9.0; 2];
/// gelu(Cpu::best(1), &[0.0, 1.0], &mut output);
/// assert!(output[0] == 0.0 && (output[1] - 0.841_344_7).abs() < 1e-6);
/// ```
pub fn gelu(cpu: Cpu, input: &[f32], output: &mut [f32]) {
    zip(cpu, Gelu, Operand::Other(input), &[], output);
}

/// As [`gelu`], in the place of its input.
pub(crate) fn gelu_in_place(cpu: Cpu, values: &mut [f32]) {
    zip(cpu, Gelu, Operand::Output, &[], values);
}

/// The gradient of GELU's input in the place of its output's.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::gelu_gradient_in_place};
/// let mut gradient = [4.0];
/// gelu_gradient_in_place(Cpu::best(1), &[0.0], &mut gradient);
/// assert!((gradient[0] - 2.0).abs() < 1e-6);
/// ```
pub fn gelu_gradient_in_place(cpu: Cpu, input: &[f32], gradient: &mut [f32]) {
    zip(cpu, GeluSlope, Operand::Output, input, gradient);
}

/// The hyperbolic tangent of each value.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::tanh};
/// let mut output = [9.0; 2];
/// tanh(Cpu::best(1), &[0.0, 0.5], &mut output);
/// assert!(output[0] == 0.0 && (output[1] - 0.5f32.tanh()).abs() < 1e-6);
/// ```
pub fn tanh(cpu: Cpu, input: &[f32], output: &mut [f32]) {
    zip(cpu, Tanh, Operand::Other(input), &[], output);
}

/// The gradient of [`tanh`]'s input in the place of its output's, from its output.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::tanh_gradient_in_place};
/// let mut gradient = [4.0];
/// tanh_gradient_in_place(Cpu::best(1), &[0.5], &mut gradient);
/// assert_eq!(gradient, [3.0]);
/// ```
pub fn tanh_gradient_in_place(cpu: Cpu, output: &[f32], gradient: &mut [f32]) {
    zip(cpu, TanhSlope, Operand::Output, output, gradient);
}

/// `1 / (1 + exp(-x))` of each value.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::sigmoid};
/// let mut output = [9.0; 2];
/// sigmoid(Cpu::best(1), &[0.0, 3f32.ln()], &mut output);
/// assert!(output[0] == 0.5 && (output[1] - 0.75).abs() < 1e-6);
/// ```
pub fn sigmoid(cpu: Cpu, input: &[f32], output: &mut [f32]) {
    zip(cpu, Sigmoid, Operand::Other(input), &[], output);
}

/// The gradient of [`sigmoid`]'s input in the place of its output's, from its output.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use fireclay_kernels::{Cpu, elementwise::sigmoid_gradient_in_place};
/// let mut gradient = [4.0];
/// sigmoid_gradient_in_place(Cpu::best(1), &[0.5], &mut gradient);
/// assert_eq!(gradient, [1.0]);
/// ```
pub fn sigmoid_gradient_in_place(cpu: Cpu, output: &[f32], gradient: &mut [f32]) {
    zip(cpu, SigmoidSlope, Operand::Output, output, gradient);
}

/// `values += other`
///
/// # Panics
/// If the lengths differ.
pub(crate) fn add(cpu: Cpu, other: &[f32], values: &mut [f32]) {
    zip(cpu, Add, Operand::Output, other, values);
}

/// Adds up each column; the gradient of a bias.
///
/// # Shapes
/// - `values`: `[rows, columns]`
/// - `sums`: `[columns]`
///
/// # Panics
/// If `values` is not a whole number of rows.
pub(crate) fn column_sums(cpu: Cpu, values: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    let rows = rows_of(values.len(), columns);
    if columns == 0 {
        return;
    }
    let block = (BLOCK / columns).max(1);
    let blocks = rows.div_ceil(block);
    if blocks <= 1 {
        cpu.path.run(ColumnSums { values, sums });
        return;
    }
    let mut partial = vec![0.0; blocks * columns];
    let parts: Vec<Range<usize>> = ranges(blocks, cpu.threads.min(values.len() / PART), 1).collect();
    let shared = Shared::new(&mut partial);
    in_parallel(parts.len(), |part| {
        for number in parts[part].clone() {
            let values = &values[number * block * columns..((number + 1) * block).min(rows) * columns];
            // SAFETY: every block has sums of its own.
            let sums = unsafe { shared.part(number * columns..(number + 1) * columns) };
            cpu.path.run(ColumnSums { values, sums });
        }
    });
    cpu.path.run(ColumnSums { values: &partial, sums });
}

fn rows_of(len: usize, columns: usize) -> usize {
    assert!(
        if columns == 0 { len == 0 } else { len.is_multiple_of(columns) },
        "{len} values in rows of {columns}"
    );
    len.checked_div(columns).unwrap_or(0)
}

/// How one value comes of two.
trait Operation: Copy + Send + Sync {
    /// Whether there is a `b`.
    const HAS_B: bool;

    /// Implementations are `#[inline(always)]`.
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F;
}

#[derive(Clone, Copy)]
struct Mask;

impl Operation for Mask {
    const HAS_B: bool = true;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F {
        s.select_gt(b, s.splat(0.0), a, s.splat(0.0))
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl Operation for Gelu {
    const HAS_B: bool = false;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, _: S::F) -> S::F {
        math::gelu(s, a)
    }
}

#[derive(Clone, Copy)]
struct GeluSlope;

impl Operation for GeluSlope {
    const HAS_B: bool = true;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F {
        s.mul(a, math::gelu_derivative(s, b))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl Operation for Tanh {
    const HAS_B: bool = false;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, _: S::F) -> S::F {
        math::tanh(s, a)
    }
}

#[derive(Clone, Copy)]
struct TanhSlope;

impl Operation for TanhSlope {
    const HAS_B: bool = true;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F {
        s.mul(a, s.sub(s.splat(1.0), s.mul(b, b)))
    }
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl Operation for Sigmoid {
    const HAS_B: bool = false;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, _: S::F) -> S::F {
        math::sigmoid(s, a)
    }
}

#[derive(Clone, Copy)]
struct SigmoidSlope;

impl Operation for SigmoidSlope {
    const HAS_B: bool = true;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F {
        s.mul(a, s.mul(b, s.sub(s.splat(1.0), b)))
    }
}

#[derive(Clone, Copy)]
struct Add;

impl Operation for Add {
    const HAS_B: bool = true;
    #[inline(always)]
    fn of<S: Simd>(self, s: S, a: S::F, b: S::F) -> S::F {
        s.add(a, b)
    }
}

/// Where an operation's `a` is.
#[derive(Clone, Copy)]
enum Operand<'a> {
    Other(&'a [f32]),
    /// In the place of the result.
    Output,
}

/// `output = operation(a, b)` value by value; `b` is empty where the operation has none.
fn zip<O: Operation>(cpu: Cpu, operation: O, a: Operand<'_>, b: &[f32], output: &mut [f32]) {
    if let Operand::Other(a) = a {
        assert_eq!(a.len(), output.len(), "slices differ in length");
    }
    if O::HAS_B {
        assert_eq!(b.len(), output.len(), "slices differ in length");
    }
    let parts: Vec<Range<usize>> = ranges(output.len(), cpu.threads.min(output.len() / PART), 64).collect();
    let shared = Shared::new(output);
    in_parallel(parts.len(), |part| {
        let range = parts[part].clone();
        // SAFETY: the parts are disjoint ranges of the output.
        let output = unsafe { shared.part(range.clone()) };
        let a = match a {
            Operand::Other(a) => Operand::Other(&a[range.clone()]),
            Operand::Output => Operand::Output,
        };
        let b = if O::HAS_B { &b[range] } else { &[] };
        cpu.path.run(Zip { operation, a, b, output });
    });
}

struct Zip<'a, O> {
    operation: O,
    a: Operand<'a>,
    b: &'a [f32],
    output: &'a mut [f32],
}

impl<O: Operation> Kernel for Zip<'_, O> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let len = self.output.len();
        let output = self.output.as_mut_ptr();
        let a = match self.a {
            Operand::Other(a) => a.as_ptr(),
            Operand::Output => output.cast_const(),
        };
        let b = self.b.as_ptr();
        let mut at = 0;
        // SAFETY: `zip` compared the lengths; `at` plus what is read or written is at most `len`; `b` is read only
        // where there is one.
        unsafe {
            while at + S::LANES <= len {
                let of_b = if O::HAS_B { s.load(b.add(at)) } else { s.splat(0.0) };
                s.store(output.add(at), self.operation.of(s, s.load(a.add(at)), of_b));
                at += S::LANES;
            }
            let rest = len - at;
            if rest > 0 {
                let of_b = if O::HAS_B { s.load_first(b.add(at), rest) } else { s.splat(0.0) };
                let result = self.operation.of(s, s.load_first(a.add(at), rest), of_b);
                s.store_first(output.add(at), result, rest);
            }
        }
    }
}

/// Sums of whole rows; `sums` is overwritten.
struct ColumnSums<'a> {
    values: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for ColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let columns = self.sums.len();
        let rows = self.values.len() / columns;
        let values = self.values.as_ptr();
        let sums = self.sums.as_mut_ptr();
        let mut at = 0;
        // SAFETY: `values` has `rows · columns` numbers and `sums` has `columns`; the groups of columns that are read
        // end at `columns` at the latest.
        unsafe {
            while at + 4 * S::LANES <= columns {
                let total = sum_group::<S, 4, 2>(
                    rows,
                    columns,
                    |row, vector| s.load(values.add(row + at + vector * S::LANES)),
                    s,
                );
                for (vector, total) in total.into_iter().enumerate() {
                    s.store(sums.add(at + vector * S::LANES), total);
                }
                at += 4 * S::LANES;
            }
            while at + S::LANES <= columns {
                let [total] = sum_group::<S, 1, 8>(rows, columns, |row, _| s.load(values.add(row + at)), s);
                s.store(sums.add(at), total);
                at += S::LANES;
            }
            let rest = columns - at;
            if rest > 0 {
                let load = |row, _| s.load_first(values.add(row + at), rest);
                let [total] = sum_group::<S, 1, 8>(rows, columns, load, s);
                s.store_first(sums.add(at), total, rest);
            }
        }
    }
}

/// The sums of `VECTORS` vectors over all rows, each in `CHAINS` chains so that additions need not wait for each other.
#[inline(always)]
fn sum_group<S: Simd, const VECTORS: usize, const CHAINS: usize>(
    rows: usize,
    columns: usize,
    load: impl Fn(usize, usize) -> S::F,
    s: S,
) -> [S::F; VECTORS] {
    let mut chains = [[s.splat(0.0); VECTORS]; CHAINS];
    let mut row = 0;
    while row + CHAINS <= rows {
        for (number, chain) in chains.iter_mut().enumerate() {
            for (vector, sum) in chain.iter_mut().enumerate() {
                *sum = s.add(*sum, load((row + number) * columns, vector));
            }
        }
        row += CHAINS;
    }
    while row < rows {
        for (vector, sum) in chains[0].iter_mut().enumerate() {
            *sum = s.add(*sum, load(row * columns, vector));
        }
        row += 1;
    }
    let mut total = chains[0];
    for chain in &chains[1..] {
        for (total, sum) in total.iter_mut().zip(chain) {
            *total = s.add(*total, *sum);
        }
    }
    total
}

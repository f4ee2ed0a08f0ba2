//! The feed-forward network of a transformer's block ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)): two dense
//! layers and what is between them, over some rows at a time.
//!
//! The inner layer is several times as wide as what goes in and comes out. Some of its values, of some rows, stay in a thread's
//! caches from one product to the next, so what is between the layers is never written to memory, and the gradient makes it again.

use std::ops::Range;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use crate::cpu::{Shared, in_parallel, in_pieces, piece_of, ranges};
use crate::elementwise::{add, column_sums};
use crate::memory::Values;
use crate::product::{Packed, Start, TILE_ROWS, Transposed};
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, put};
use crate::{Cpu, DenseWeights, Dropout, math};

/// Bytes of the inner rows, and of their gradients, that a thread works on at a time.
const BLOCK_BYTES: usize = if cfg!(test) { 2048 } else { 512 * 1024 };

/// Inner values that the forward pass makes at a time, for all rows of a piece: the weights pass by once for as many rows as stay
/// in the caches, and these are as many as a product adds up at a time.
const INNER: usize = if cfg!(test) { 16 } else { 256 };

/// Rows that are worth reading the weights for.
const LEAST_ROWS: usize = 64;

/// Rows that are worth a thread.
const ROWS_OF_THREAD: usize = if cfg!(test) { 3 } else { 64 };

/// Sizes of a feed-forward network and what is between its layers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeedForward {
    /// Rows of input and output.
    pub rows: usize,
    /// Numbers of a row.
    pub features: usize,
    /// Numbers of a row between the layers.
    pub inner: usize,
    /// Whether GELU is between the layers; else ReLU.
    pub gelu: bool,
    /// Values between the layers that are set to zero at random.
    pub dropout: Option<Dropout>,
}

/// The weights of a feed-forward network.
#[derive(Clone, Copy, Debug)]
pub struct FeedForwardWeights<'a> {
    /// `[features, inner]`
    pub weight1: &'a [f32],
    /// `[inner]`
    pub bias1: &'a [f32],
    /// `[inner, features]`
    pub weight2: &'a [f32],
    /// `[features]`
    pub bias2: &'a [f32],
}

/// Where the gradients of a feed-forward network are written.
#[derive(Debug)]
pub struct FeedForwardGradients<'a> {
    /// `[rows, features]`
    pub input: &'a mut [f32],
    /// `[features, inner]`
    pub weight1: &'a mut [f32],
    /// `[inner]`
    pub bias1: &'a mut [f32],
    /// `[inner, features]`
    pub weight2: &'a mut [f32],
    /// `[features]`
    pub bias2: &'a mut [f32],
}

impl FeedForward {
    /// Whether this is faster than one layer after the other: from 64 rows, features and inner values on, where dense layers
    /// pack their weights too.
    pub fn pays(&self) -> bool {
        self.rows.min(self.features).min(self.inner) >= 64
    }

    fn check(&self, input: usize, output: usize, weights: [usize; 4]) {
        let FeedForward { rows, features, inner, .. } = *self;
        assert!(features * inner > 0, "rows of {self:?} hold nothing");
        assert_eq!([input, output], [rows * features; 2], "values of input and output of {self:?}");
        assert_eq!(weights, [features * inner, inner, inner * features, features], "weights of {self:?}");
    }

    /// The size of a piece of the rows in the forward pass, and how many rows a piece has at most: what goes in and comes out, and the
    /// inner values of that moment, stay in the caches.
    fn pieces(&self, cpu: Cpu) -> (usize, usize) {
        let row = 2 * size_of::<f32>() * (self.features + INNER.min(self.inner));
        let most = (BLOCK_BYTES / row).clamp(24, 192) / TILE_ROWS * TILE_ROWS;
        let size = piece_of(self.rows, self.threads(cpu), LEAST_ROWS).min(most);
        // A piece may have a tile above its size.
        (size, (size.next_multiple_of(TILE_ROWS) + TILE_ROWS).min(self.rows))
    }

    /// Rows that the gradient works on at a time: whole tiles.
    fn block(&self) -> usize {
        let fitting = BLOCK_BYTES / (2 * size_of::<f32>() * self.inner.max(1));
        fitting.clamp(24, 192) / TILE_ROWS * TILE_ROWS
    }

    /// Threads that the rows are worth.
    fn threads(&self, cpu: Cpu) -> usize {
        cpu.threads.min(self.rows / ROWS_OF_THREAD).max(1)
    }
}

impl FeedForwardWeights<'_> {
    fn lens(&self) -> [usize; 4] {
        [self.weight1, self.bias1, self.weight2, self.bias2].map(<[f32]>::len)
    }
}

/// `output = drop(activation(input · weight1 + bias1)) · weight2 + bias2`
///
/// # Shapes
/// - input, output: `[rows, features]`
/// - hidden: `[rows, inner]`, if given overwritten with what [`feed_forward_gradient`] needs: `input · weight1 + bias1`
///
/// # Panics
/// If a slice has another length, or rows hold nothing.
///
/// ```
/// use fireclay_kernels::{Cpu, FeedForward, FeedForwardWeights, feed_forward};
/// let shape = FeedForward { rows: 1, features: 1, inner: 2, gelu: false, dropout: None };
/// let weights =
///     FeedForwardWeights { weight1: &[1.0, -1.0], bias1: &[0.0, 0.5], weight2: &[2.0, 3.0], bias2: &[10.0] };
/// let mut output = [0.0];
/// feed_forward(Cpu::best(1), &shape, &[4.0], weights, &mut output, None);
/// assert_eq!(output, [18.0]);
/// ```
pub fn feed_forward(
    cpu: Cpu,
    shape: &FeedForward,
    input: &[f32],
    weights: FeedForwardWeights<'_>,
    output: &mut [f32],
    hidden: Option<&mut [f32]>,
) {
    let FeedForward { rows, features, inner, .. } = *shape;
    shape.check(input.len(), output.len(), weights.lens());
    let FeedForwardWeights { weight1, bias1, weight2, bias2 } = weights;
    if let Some(hidden) = &hidden {
        assert_eq!(hidden.len(), rows * inner, "values between the layers of {shape:?}");
    }
    let packed1 = Packed::new(cpu, weight1, features, inner);
    let packed2 = Packed::new(cpu, weight2, inner, features);
    run(cpu, shape, input, [&packed1, &packed2], [bias1, bias2], output, hidden);
}

/// As [`feed_forward`] for an answer alone, with weights that were ordered before: `[features, inner]`, `[inner, features]`.
///
/// # Panics
/// As [`feed_forward`], and if the weights were ordered for other layers.
///
/// ```
/// use fireclay_kernels::{Cpu, DenseWeights, FeedForward, feed_forward_with};
/// let shape = FeedForward { rows: 1, features: 1, inner: 2, gelu: false, dropout: None };
/// let weight1 = DenseWeights::new(Cpu::best(1), &[1.0, -1.0], 1, 2);
/// let weight2 = DenseWeights::new(Cpu::best(1), &[2.0, 3.0], 2, 1);
/// let mut output = [0.0];
/// feed_forward_with(Cpu::best(1), &shape, &[4.0], [&weight1, &weight2], [&[0.0, 0.5], &[10.0]], &mut output);
/// assert_eq!(output, [18.0]);
/// ```
pub fn feed_forward_with(
    cpu: Cpu,
    shape: &FeedForward,
    input: &[f32],
    weights: [&DenseWeights; 2],
    biases: [&[f32]; 2],
    output: &mut [f32],
) {
    let FeedForward { features, inner, .. } = *shape;
    let [first, second] = weights.map(|weights| weights.sizes());
    assert_eq!([first, second], [[features, inner], [inner, features]], "weights ordered for other layers");
    let lens = [features * inner, biases[0].len(), inner * features, biases[1].len()];
    shape.check(input.len(), output.len(), lens);
    run(cpu, shape, input, weights.map(DenseWeights::packed), biases, output, None);
}

fn run(
    cpu: Cpu,
    shape: &FeedForward,
    input: &[f32],
    [packed1, packed2]: [&Packed; 2],
    [bias1, bias2]: [&[f32]; 2],
    output: &mut [f32],
    hidden: Option<&mut [f32]>,
) {
    let FeedForward { features, inner, .. } = *shape;
    let (output, keeps) = (Shared::new(output), hidden.is_some());
    let hidden = Shared::new(hidden.unwrap_or_default());
    let path = cpu.path;
    let width = packed1.width();
    let at_once = INNER.next_multiple_of(width);
    let (size, most) = shape.pieces(cpu);
    let room = most * at_once.min(inner);
    let own = || (Values::unspecified(if keeps { 0 } else { room }), Values::unspecified(room));
    in_pieces((shape.rows, TILE_ROWS), shape.threads(cpu), size, own, |(own, between), rows| {
        let (first, count) = (rows.start, rows.len());
        // SAFETY: the pieces have different rows, all of them inside.
        let (output, kept) = unsafe {
            let output = output.part(first * features..rows.end * features);
            (output, if keeps { hidden.part(first * inner..rows.end * inner) } else { &mut [] })
        };
        let input = &input[first * features..rows.end * features];
        packed1.with_left(path, input, 0..features, |input| {
            for start in (0..inner).step_by(at_once) {
                let inside = start..(start + at_once).min(inner);
                let (hidden, stride) =
                    if keeps { (&mut kept[start..], inner) } else { (&mut own[..], inside.len()) };
                let panels = start / width..inside.end.div_ceil(width);
                let from = Start::Row(bias1);
                packed1.multiply_panels(path, input, from, false, panels, (&mut *hidden, stride));
                let between = &mut between[..count * inside.len()];
                let hidden = (&*hidden, stride);
                let columns = inside.clone();
                path.run(Between::<false> { shape, first, columns, hidden, between, slopes: &mut [] });
                let from = if start == 0 { Start::Row(bias2) } else { Start::Output };
                packed2.with_left(path, between, inside, |between| {
                    let into = (&mut *output, features);
                    packed2.multiply_panels(path, between, from, false, 0..packed2.panels(), into);
                });
            }
        });
    });
}

/// The gradient of [`feed_forward`].
///
/// # Shapes
/// - input: `[rows, features]`, hidden: `[rows, inner]`, as the forward pass had and gave them
/// - gradient: of the output, `[rows, features]`
///
/// # Panics
/// If a slice has another length, or rows hold nothing.
///
/// ```
/// use fireclay_kernels::{Cpu, FeedForward, FeedForwardGradients, FeedForwardWeights, feed_forward_gradient};
/// let shape = FeedForward { rows: 1, features: 1, inner: 2, gelu: false, dropout: None };
/// let weights =
///     FeedForwardWeights { weight1: &[1.0, -1.0], bias1: &[0.0, 0.5], weight2: &[2.0, 3.0], bias2: &[10.0] };
/// let (mut input, mut weight1, mut bias1, mut weight2, mut bias2) = ([0.0], [0.0; 2], [0.0; 2], [0.0; 2], [0.0]);
/// let into = FeedForwardGradients {
///     input: &mut input, weight1: &mut weight1, bias1: &mut bias1, weight2: &mut weight2, bias2: &mut bias2,
/// };
/// feed_forward_gradient(Cpu::best(1), &shape, &[4.0], weights, &[4.0, -3.5], &[1.0], into);
/// assert_eq!((input, weight1, weight2, bias2), ([2.0], [8.0, 0.0], [4.0, 0.0], [1.0]));
/// ```
pub fn feed_forward_gradient(
    cpu: Cpu,
    shape: &FeedForward,
    input: &[f32],
    weights: FeedForwardWeights<'_>,
    hidden: &[f32],
    gradient: &[f32],
    into: FeedForwardGradients<'_>,
) {
    let FeedForward { rows, features, inner, .. } = *shape;
    shape.check(input.len(), gradient.len(), weights.lens());
    assert_eq!(hidden.len(), rows * inner, "values between the layers of {shape:?}");
    let sizes = [into.weight1.len(), into.bias1.len(), into.weight2.len(), into.bias2.len()];
    shape.check(into.input.len(), gradient.len(), sizes);
    let turned1 = Packed::transposed(cpu, weights.weight1, inner, features);
    let turned2 = Packed::transposed(cpu, weights.weight2, features, inner);
    let parts: Vec<_> = ranges(rows, shape.threads(cpu), TILE_ROWS).collect();
    let block = shape.block();
    // The first part adds up where the result will be.
    let mut others: Vec<[Values; 4]> = parts.iter().skip(1).map(|_| sizes.map(Values::unspecified)).collect();
    let mut results = [into.weight1, into.bias1, into.weight2, into.bias2];
    {
        let by_input = Shared::new(into.input);
        let first = results.each_mut().map(|values| Shared::new(values));
        let rest = others.iter_mut().map(|values| values.each_mut().map(|values| Shared::new(values)));
        let sums: Vec<[Shared<f32>; 4]> = std::iter::once(first).chain(rest).collect();
        in_parallel(parts.len(), |part| {
            let [weight1, bias1, weight2, bias2] = sums[part];
            let part = parts[part].clone();
            // SAFETY: each part has sums of its own, of these sizes.
            let (bias1, bias2) = unsafe { (bias1.part(0..inner), bias2.part(0..features)) };
            bias1.fill(0.0);
            bias2.fill(0.0);
            let most = block.min(part.len());
            let [mut between, mut slopes] = [0, 1].map(|_| Values::unspecified(most * inner));
            let mut column_sum = vec![0.0; inner.max(features)];
            let mut by_weight1 = Transposed::new(cpu, features, most);
            let mut by_weight2 = Transposed::new(cpu, inner, most);
            if part.is_empty() {
                for sums in [weight1, weight2] {
                    // SAFETY: as above.
                    unsafe { sums.part(0..features * inner) }.fill(0.0);
                }
            }
            for first in part.clone().step_by(block) {
                let rows = first..(first + block).min(part.end);
                let count = rows.len();
                let outside = first * features..rows.end * features;
                let (input, gradient) = (&input[outside.clone()], &gradient[outside.clone()]);
                let hidden = &hidden[first * inner..rows.end * inner];
                let (between, slopes) = (&mut between[..count * inner], &mut slopes[..count * inner]);
                turned2.multiply_rows(cpu.path, gradient, count, Start::Zero, false, slopes);
                let hidden = (hidden, inner);
                cpu.path.run(Between::<true> { shape, first, columns: 0..inner, hidden, between, slopes });
                for (values, sums) in [(&*slopes, &mut *bias1), (gradient, &mut *bias2)] {
                    let column_sum = &mut column_sum[..sums.len()];
                    column_sums(cpu.alone(), values, column_sum);
                    add(cpu.alone(), column_sum, sums);
                }
                let start = if first == part.start { Start::Zero } else { Start::Output };
                let (inside, outside_columns) = (0..inner, 0..features);
                // SAFETY: each part has sums of its own, and each block rows of its own.
                let by_input = unsafe {
                    let (a, b) =
                        ((&*between, inner, inside.clone()), (gradient, features, outside_columns.clone()));
                    by_weight2.multiply(a, b, start, weight2);
                    let (a, b) = ((input, features, outside_columns), (&*slopes, inner, inside));
                    by_weight1.multiply(a, b, start, weight1);
                    by_input.part(outside)
                };
                turned1.multiply_rows(cpu.path, slopes, count, Start::Zero, false, by_input);
            }
        });
    }
    for values in &others {
        for (result, values) in results.iter_mut().zip(values) {
            add(cpu, values, result);
        }
    }
}

/// What comes between the layers, for some rows and columns; with `GRADIENT` also turns the gradient by it into that by the first
/// layer's output.
struct Between<'a, const GRADIENT: bool> {
    shape: &'a FeedForward,
    /// The number of the first row.
    first: usize,
    columns: Range<usize>,
    /// From the first of the columns on, and how far apart rows are.
    hidden: (&'a [f32], usize),
    /// `[rows, columns]`
    between: &'a mut [f32],
    /// `[rows, columns]`
    slopes: &'a mut [f32],
}

impl<const GRADIENT: bool> Kernel for Between<'_, GRADIENT> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Between { shape, first, columns, hidden: (hidden, stride), between, slopes } = self;
        let FeedForward { gelu, dropout, .. } = *shape;
        let (zero, one) = (s.splat(0.0), s.splat(1.0));
        let width = columns.len();
        let mut factors = vec![1.0; if dropout.is_some() { width } else { 0 }];
        for row in 0..between.len() / width {
            if let Some(dropout) = dropout {
                dropout.factors_from(first + row, columns.start, &mut factors);
            }
            each_vector!(S::LANES, width, |column, count| {
                let at = row * width + column;
                let x = get(s, hidden, row * stride + column, count);
                let factor = if dropout.is_some() { get(s, &factors, column, count) } else { one };
                // In this order what is not a number stays so.
                let y = if gelu { math::gelu(s, x) } else { s.max(zero, x) };
                put(s, between, at, count, s.mul(y, factor));
                if GRADIENT {
                    let slope =
                        if gelu { math::gelu_derivative(s, x) } else { s.select_gt(x, zero, one, zero) };
                    let gradient = get(s, slopes, at, count);
                    put(s, slopes, at, count, s.mul(gradient, s.mul(slope, factor)));
                }
            });
        }
    }
}

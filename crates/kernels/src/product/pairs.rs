//! Matrices in pairs of bf16: two terms of a sum in each number of both factors.

use std::ops::Range;

use crate::Path;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get};

/// Room for a row of so many values as pairs, in numbers; whole vectors of every path.
pub(crate) fn row_of_pairs(values: usize) -> usize {
    values.next_multiple_of(16) / 2
}

/// The rows of a left factor: each two values beside each other are a pair, and what is missing is 0.
///
/// Rows of `from` begin every `stride` values and have `values`, those of `into` every [`row_of_pairs`] of them.
pub(crate) fn pair_values(
    path: Path,
    from: &[f32],
    stride: usize,
    values: usize,
    rows: usize,
    into: &mut [f32],
) {
    path.run_bf16(PairValues { from, stride, values, rows, into });
}

struct PairValues<'a> {
    from: &'a [f32],
    stride: usize,
    values: usize,
    rows: usize,
    into: &'a mut [f32],
}

impl Kernel for PairValues<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let PairValues { from, stride, values, rows, into } = self;
        if rows == 0 || values == 0 {
            return;
        }
        let to_stride = row_of_pairs(values);
        assert!(from.len() >= (rows - 1) * stride + values && into.len() >= rows * to_stride);
        for row in 0..rows {
            each_vector!(S::LANES, values, |at, count| {
                let x = get(s, from, row * stride + at, count);
                // SAFETY: `into` has so many rows, with room for whole vectors.
                unsafe { s.store_bf16(into.as_mut_ptr().add(row * to_stride + at / 2), x) };
            });
        }
    }
}

/// Rows two by two, as the terms of a right factor or of the transpose of a left one: the values of each two rows at one column
/// are a pair, and behind the last row there are zeros.
pub(crate) struct PairRows<'a> {
    /// Rows `stride` apart.
    pub(crate) from: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) columns: Range<usize>,
    /// Rows `width` apart, which have room for whole vectors.
    pub(crate) into: &'a mut [f32],
    pub(crate) width: usize,
}

impl Kernel for PairRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let PairRows { from, stride, rows, columns, into, width } = self;
        if rows == 0 || columns.is_empty() {
            return;
        }
        assert!(from.len() >= (rows - 1) * stride + columns.end && columns.start <= columns.end);
        assert!(width >= columns.len().next_multiple_of(S::LANES) && into.len() >= rows.div_ceil(2) * width);
        for pair in 0..rows.div_ceil(2) {
            let low = 2 * pair * stride + columns.start;
            let high = (2 * pair + 1 < rows).then_some(low + stride);
            each_vector!(S::LANES, columns.len(), |at, count| {
                let x = get(s, from, low + at, count);
                let y = match high {
                    Some(high) => get(s, from, high + at, count),
                    None => s.splat(0.0),
                };
                // SAFETY: `into` has room for whole vectors in each of its rows.
                unsafe { s.store(into.as_mut_ptr().add(pair * width + at), s.pairs(x, y)) };
            });
        }
    }
}

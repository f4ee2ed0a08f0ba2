//! Small work on rows of numbers that larger kernels share.

use crate::Path;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, put};

/// `gradient` where `output` is positive, else 0: the gradient of ReLU from its output.
///
/// # Panics
/// If the lengths differ.
pub(crate) fn keep_where_positive(path: Path, gradient: &[f32], output: &[f32], into: &mut [f32]) {
    assert!(gradient.len() == output.len() && gradient.len() == into.len(), "lengths differ");
    path.run(KeepWherePositive { gradient, output, into });
}

struct KeepWherePositive<'a> {
    gradient: &'a [f32],
    output: &'a [f32],
    into: &'a mut [f32],
}

impl Kernel for KeepWherePositive<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let zero = s.splat(0.0);
        each_vector!(S::LANES, self.into.len(), |at, count| {
            let kept =
                s.select_gt(get(s, self.output, at, count), zero, get(s, self.gradient, at, count), zero);
            put(s, self.into, at, count, kept);
        });
    }
}

/// Adds the sum of each column to `sums`.
///
/// # Shapes
/// - `rows`: `[rows, columns]`
/// - `sums`: `[columns]`
pub(crate) fn add_column_sums(path: Path, rows: &[f32], columns: usize, sums: &mut [f32]) {
    assert_eq!(sums.len(), columns, "sums of another number of columns");
    if columns > 0 {
        path.run(AddColumnSums { rows, columns, sums });
    }
}

struct AddColumnSums<'a> {
    rows: &'a [f32],
    columns: usize,
    sums: &'a mut [f32],
}

impl Kernel for AddColumnSums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        each_vector!(S::LANES, self.columns, |at, count| {
            let mut even = get(s, self.sums, at, count);
            let mut odd = s.splat(0.0);
            let mut pairs = self.rows.chunks_exact(2 * self.columns);
            for pair in &mut pairs {
                even = s.add(even, get(s, pair, at, count));
                odd = s.add(odd, get(s, pair, self.columns + at, count));
            }
            if !pairs.remainder().is_empty() {
                even = s.add(even, get(s, pairs.remainder(), at, count));
            }
            put(s, self.sums, at, count, s.add(even, odd));
        });
    }
}

/// Writes the transpose of a matrix whose rows are `stride` apart.
///
/// # Shapes
/// - `matrix`: `[rows, columns]`
/// - `into`: `[columns, rows]`
///
/// # Panics
/// If a slice is too short.
pub(crate) fn transpose(matrix: &[f32], [rows, columns]: [usize; 2], stride: usize, into: &mut [f32]) {
    assert_eq!(into.len(), rows * columns, "room for another matrix");
    // Sixteen rows at a time: whole cache lines are written, while few lines are read at once.
    for first in (0..rows).step_by(16) {
        let last = (first + 16).min(rows);
        for column in 0..columns {
            let to = &mut into[column * rows + first..column * rows + last];
            for (value, row) in to.iter_mut().zip(first..last) {
                *value = matrix[row * stride + column];
            }
        }
    }
}

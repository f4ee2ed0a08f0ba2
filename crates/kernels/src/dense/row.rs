//! One row by a matrix that lies row by row: what asks for one sample at a time.
//!
//! Such a product reads every weight once, so it is as fast as they come out of the caches. No table is made, and threads share
//! the columns, so that each has its part of the weights in its own cache. Sums are added up in the order of other products.

use std::ops::Range;

use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::product::Start;
use crate::simd::{Kernel, Simd};

/// Weights of each thread below which fewer threads are faster.
const WORTH_A_THREAD: usize = if cfg!(test) { 200 } else { 30_000 };

/// Columns that go to a thread together: of shorter pieces of rows the caches fetch more than is asked for.
const GRAIN: usize = if cfg!(test) { 32 } else { 128 };

/// `output = start + row · matrix`, where the matrix is `[row.len(), output.len()]`.
///
/// # Panics
/// If a slice has another length.
pub(super) fn multiply_row(
    cpu: Cpu,
    row: &[f32],
    matrix: &[f32],
    start: Start<'_>,
    relu: bool,
    output: &mut [f32],
) {
    let columns = output.len();
    assert_eq!(matrix.len(), row.len() * columns, "a matrix of another size");
    if let Start::Row(start) = start {
        assert_eq!(start.len(), columns, "a row to start from of another length");
    }
    let threads = cpu.threads.min(matrix.len() / WORTH_A_THREAD).max(1);
    if threads == 1 {
        return cpu.path.run(RowByMatrix {
            row,
            matrix,
            stride: columns,
            columns: 0..columns,
            start,
            relu,
            output,
        });
    }
    let parts: Vec<_> = ranges(columns, threads, GRAIN).collect();
    let shared = Shared::new(output);
    in_parallel(parts.len(), |part| {
        let part = parts[part].clone();
        // SAFETY: the parts have different columns, all of them inside the output.
        let output = unsafe { shared.part(part.clone()) };
        cpu.path.run(RowByMatrix { row, matrix, stride: columns, columns: part, start, relu, output });
    });
}

/// Some columns of the product.
struct RowByMatrix<'a> {
    row: &'a [f32],
    matrix: &'a [f32],
    stride: usize,
    columns: Range<usize>,
    start: Start<'a>,
    relu: bool,
    /// Of these columns alone.
    output: &'a mut [f32],
}

impl Kernel for RowByMatrix<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (mut at, len) = (0, self.columns.len());
        assert!(self.columns.end <= self.stride && self.output.len() == len, "columns that are not there");
        let to = self.output.as_mut_ptr();
        // As many sums at a time as additions need not wait for each other.
        while len - at >= 8 * S::LANES {
            // SAFETY: the columns exist, and the matrix has a row for each number of `row`: `multiply_row` has looked.
            unsafe { sums::<S, 8>(s, &self, at, S::LANES, to) };
            at += 8 * S::LANES;
        }
        while len - at >= 4 * S::LANES {
            // SAFETY: as above.
            unsafe { sums::<S, 4>(s, &self, at, S::LANES, to) };
            at += 4 * S::LANES;
        }
        while at < len {
            // SAFETY: as above.
            unsafe { sums::<S, 1>(s, &self, at, S::LANES.min(len - at), to) };
            at += S::LANES;
        }
    }
}

/// `N` vectors of sums, of which the last has `count` lanes.
///
/// # Safety
/// The output must have as many columns from `at` on, and the matrix a row for each number of the row.
#[inline(always)]
unsafe fn sums<S: Simd, const N: usize>(
    s: S,
    product: &RowByMatrix<'_>,
    at: usize,
    count: usize,
    output: *mut f32,
) {
    let RowByMatrix { row, matrix, stride, columns, start, relu, .. } = product;
    let first = columns.start + at;
    // SAFETY: by the caller's word all columns exist; the last vector is read and written up to `count` only.
    unsafe {
        let mut sums = [s.splat(0.0); N];
        if let Start::Row(start) = start {
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = load::<S, N>(s, start.as_ptr().add(first), n, count);
            }
        }
        for (k, x) in row.iter().enumerate() {
            let x = s.splat(*x);
            let from = matrix.as_ptr().add(k * stride + first);
            for (n, sum) in sums.iter_mut().enumerate() {
                *sum = s.mul_add(x, load::<S, N>(s, from, n, count), *sum);
            }
        }
        let to = output.add(at);
        for (n, sum) in sums.into_iter().enumerate() {
            // In this order what is not a number stays so.
            let sum = if *relu { s.max(s.splat(0.0), sum) } else { sum };
            let to = to.add(n * S::LANES);
            if n == N - 1 && count < S::LANES { s.store_first(to, sum, count) } else { s.store(to, sum) }
        }
    }
}

/// # Safety
/// As for [`sums`].
#[inline(always)]
unsafe fn load<S: Simd, const N: usize>(s: S, from: *const f32, n: usize, count: usize) -> S::F {
    // SAFETY: passed on to the caller.
    unsafe {
        let from = from.add(n * S::LANES);
        if n == N - 1 && count < S::LANES { s.load_first(from, count) } else { s.load(from) }
    }
}

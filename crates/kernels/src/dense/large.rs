//! Products whose factors do not fit in the caches: the `gemm` crate packs them panel by panel, which pays there.

use gemm::Parallelism;

use crate::Cpu;

/// Whether a product of `[rows, inner]` and `[inner, columns]` is one for `gemm`.
///
/// The product through tables reads its right factor again for every six rows, which is free from L2 and dear beyond.
pub(super) fn is_large(rows: usize, inner: usize, columns: usize) -> bool {
    let smaller_factors = (rows * inner).min(inner * columns).min(rows * columns);
    rows.min(inner).min(columns) >= 64 && smaller_factors >= 512 * 512
}

/// A matrix and the steps between its rows and columns.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<'a> {
    values: &'a [f32],
    size: [usize; 2],
    steps: [isize; 2],
}

impl<'a> Matrix<'a> {
    /// A matrix that lies row by row.
    pub(crate) fn new(values: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "a matrix of another size");
        Matrix { values, size: [rows, columns], steps: [columns as isize, 1] }
    }

    /// The same numbers read the other way round.
    pub(crate) fn transposed(self) -> Self {
        let Matrix { values, size: [rows, columns], steps: [row, column] } = self;
        Matrix { values, size: [columns, rows], steps: [column, row] }
    }
}

/// `output = a · b`, or `output += a · b`; the output lies row by row.
///
/// # Panics
/// If the sizes do not fit together.
pub(crate) fn multiply(cpu: Cpu, a: Matrix<'_>, b: Matrix<'_>, add: bool, output: &mut [f32]) {
    let ([rows, inner], [inner_of_b, columns]) = (a.size, b.size);
    assert_eq!(inner, inner_of_b, "matrices that do not fit together");
    assert_eq!(output.len(), rows * columns, "room for another product");
    let parallelism = match cpu.threads {
        0 | 1 => Parallelism::None,
        threads => Parallelism::Rayon(threads),
    };
    let scale = if add { 1.0 } else { 0.0 };
    // SAFETY: each matrix has as many numbers as its size and steps reach, as `Matrix::new` has seen; the output is
    // nobody else's.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            output.as_mut_ptr(),
            1,
            columns as isize,
            add,
            a.values.as_ptr(),
            a.steps[1],
            a.steps[0],
            b.values.as_ptr(),
            b.steps[1],
            b.steps[0],
            scale,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}

//! Products whose right factor is packed first: panels of columns that lie one after the other.
//!
//! A tile of registers then reads memory in order. Unpacked rows that are a power of two apart fall into the same few
//! places of a cache and on as many pages, which costs half the speed and more. A copy pays where many rows pass by it.

use std::ops::Range;

use super::pairs::{PairRows, pair_values, row_of_pairs};
use super::{Product, Start, Term, offset, strided, strided_terms};
use crate::Cpu;
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_parallel, in_pieces, piece_of, ranges};
use crate::memory::Values;
use crate::simd::{Kernel, Path, Simd};
use crate::transpose::transpose;

/// Terms of a sum that are added at a time: so much of a panel stays in the first caches while rows pass by.
const TERMS: usize = 256;

/// Rows of a tile of registers.
pub(crate) const TILE_ROWS: usize = 6;

/// Rows of the left factor that pass by all panels in turn, out of L2.
const ROWS: usize = 192;

/// Fewer are not worth reading the panels for, nor fewer multiplications the tables.
const LEAST_ROWS: usize = 48;
const WORTH_A_PIECE: usize = 1 << 21;

/// Columns of the panels that a product reads fastest.
pub(crate) fn panel_width(path: Path) -> usize {
    struct Width;
    impl Kernel for Width {
        type Output = usize;

        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> usize {
            S::LANES * if S::ACCUMULATORS >= 24 { 4 } else { 2 }
        }
    }
    path.run(Width)
}

/// The least number of values not below `values` that takes an odd number of cache lines: rows so far apart do not fall
/// into the same few places of a cache.
pub(crate) fn odd_lines(values: usize) -> usize {
    const LINE: usize = 16;
    (values.div_ceil(LINE) | 1) * LINE
}

/// Panels of `len` values, each written by `fill`, which is given its number; they are spread over the threads.
pub(crate) fn panels_of(
    cpu: Cpu,
    panels: usize,
    len: usize,
    fill: impl Fn(usize, &mut [f32]) + Sync,
) -> Buffer {
    let mut values = Buffer::unspecified(panels * len);
    let room = values.shared();
    let parts: Vec<_> = ranges(panels, cpu.threads, 1).collect();
    in_parallel(parts.len(), |part| {
        for panel in parts[part].clone() {
            // SAFETY: each panel belongs to one part, and there is room for all.
            fill(panel, unsafe { room.part(panel * len..(panel + 1) * len) });
        }
    });
    values
}

/// A left factor as it is multiplied: its numbers, or pairs of bf16, the offsets of its rows, and its terms, of
/// [`Packed::terms`].
pub(crate) type Left<'a> = (&'a [f32], &'a [u32], &'a [Term]);

/// A right factor `[inner, columns]` in panels, `[panels][terms][width]`; in bf16 two rows are one term.
#[derive(Debug)]
pub(crate) struct Packed {
    values: Buffer,
    inner: usize,
    terms: usize,
    pairs: bool,
    columns: usize,
    width: usize,
}

impl Packed {
    /// Packs a matrix `[inner, columns]`.
    pub(crate) fn new(cpu: Cpu, matrix: &[f32], inner: usize, columns: usize) -> Self {
        assert_eq!(matrix.len(), inner * columns, "a matrix of another size");
        Packed::with(cpu, inner, columns, |first, count, width, panel| {
            pack(matrix, first, columns, count, width, panel)
        })
    }

    /// Packs the transpose of a matrix `[columns, inner]`.
    pub(crate) fn transposed(cpu: Cpu, matrix: &[f32], inner: usize, columns: usize) -> Self {
        assert_eq!(matrix.len(), inner * columns, "a matrix of another size");
        Packed::with(cpu, inner, columns, |first, count, width, panel| {
            if count == width {
                return transpose(&matrix[first * inner..], [count, inner], inner, panel);
            }
            for (k, row) in panel.chunks_exact_mut(width).enumerate() {
                for (column, value) in row[..count].iter_mut().enumerate() {
                    *value = matrix[(first + column) * inner + k];
                }
            }
        })
    }

    /// Has `fill` write each panel, given its first column, how many it has, and the width.
    fn with(
        cpu: Cpu,
        inner: usize,
        columns: usize,
        fill: impl Fn(usize, usize, usize, &mut [f32]) + Sync,
    ) -> Self {
        let width = panel_width(cpu.path);
        let panels = columns.div_ceil(width);
        let (pairs, terms) = (cpu.is_bf16(), cpu.terms(inner));
        let values = panels_of(cpu, panels, terms * width, |panel, into| {
            let (first, count) = (panel * width, width.min(columns - panel * width));
            if !pairs {
                return fill(first, count, width, into);
            }
            let mut rows = Values::unspecified(inner * width);
            fill(first, count, width, &mut rows);
            let columns = 0..count;
            cpu.path.run_bf16(PairRows { from: &rows, stride: width, rows: inner, columns, into, width });
        });
        Packed { values, inner, terms, pairs, columns, width }
    }

    /// `output = a · self`, from what `start` says, where `a` is `[rows, inner]` and the output `[rows, columns]`.
    ///
    /// # Panics
    /// If a slice has another length.
    pub(crate) fn multiply(
        &self,
        cpu: Cpu,
        a: &[f32],
        rows: usize,
        start: Start<'_>,
        relu: bool,
        output: &mut [f32],
    ) {
        let Packed { inner, columns, .. } = *self;
        assert_eq!(a.len(), rows * inner, "a left factor of another size");
        assert_eq!(output.len(), rows * columns, "room for another product");
        if output.is_empty() {
            return;
        }
        if rows < 2 * TILE_ROWS * cpu.threads {
            return self.with_left(cpu.path, a, 0..inner, |factor| {
                self.multiply_by_columns(cpu, factor, start, relu, output);
            });
        }
        let least = (WORTH_A_PIECE / (inner * columns).max(1)).clamp(LEAST_ROWS, ROWS);
        let size = piece_of(rows, cpu.threads, least).min(ROWS);
        let output = Shared::new(output);
        in_pieces(
            (rows, TILE_ROWS),
            cpu.threads,
            size,
            || (),
            |(), rows| {
                // SAFETY: the pieces have different rows, all of them inside the output.
                let output = unsafe { output.part(rows.start * columns..rows.end * columns) };
                let a = &a[rows.start * inner..rows.end * inner];
                self.multiply_rows(cpu.path, a, rows.len(), start, relu, output);
            },
        );
    }

    /// As [`multiply`](Self::multiply), on the caller's thread.
    pub(crate) fn multiply_rows(
        &self,
        path: Path,
        a: &[f32],
        rows: usize,
        start: Start<'_>,
        relu: bool,
        output: &mut [f32],
    ) {
        assert_eq!(a.len(), rows * self.inner, "a left factor of another size");
        self.with_left(path, a, 0..self.inner, |factor| {
            self.multiply_tables(path, factor, start, relu, 0..self.panels(), output);
        });
    }

    /// Hands on a left factor as it is multiplied, with its tables. `a` holds only these columns of it; in bf16 the number of the
    /// first is even.
    pub(crate) fn with_left(&self, path: Path, a: &[f32], columns: Range<usize>, run: impl FnOnce(Left<'_>)) {
        let (first, inner) = (columns.start, columns.len());
        let rows = a.len() / inner.max(1);
        assert_eq!(a.len(), rows * inner, "a left factor of whole rows");
        if !self.pairs {
            let terms = self.terms_from(first, 0..inner);
            return run((a, &strided(rows, inner), &terms));
        }
        assert!(first.is_multiple_of(2), "a pair is not taken apart");
        let row = row_of_pairs(inner);
        let mut pairs = Values::unspecified(rows * row);
        pair_values(path, a, inner, inner, rows, &mut pairs);
        run((&pairs, &strided(rows, row), &self.terms_from(first / 2, 0..inner.div_ceil(2))));
    }

    /// How many panels there are.
    pub(crate) fn panels(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// The terms of a product whose left factor has its numbers at these offsets.
    pub(crate) fn terms(&self, offsets: impl IntoIterator<Item = usize>) -> Vec<Term> {
        self.terms_from(0, offsets)
    }

    /// The terms from one on.
    fn terms_from(&self, first: usize, offsets: impl IntoIterator<Item = usize>) -> Vec<Term> {
        let terms = (first..).zip(offsets);
        terms.map(|(k, a)| Term { a: offset(a), b: offset(k * self.width) }).collect()
    }

    /// As [`multiply_tables`](Self::multiply_tables), the panels spread over the threads: for few rows.
    pub(crate) fn multiply_by_columns(
        &self,
        cpu: Cpu,
        factor: Left<'_>,
        start: Start<'_>,
        relu: bool,
        output: &mut [f32],
    ) {
        let len = output.len();
        let parts: Vec<_> = ranges(self.panels(), cpu.threads, 1).collect();
        let output = Shared::new(output);
        in_parallel(parts.len(), |part| {
            // SAFETY: each part writes columns of its own.
            let output = unsafe { output.part(0..len) };
            self.multiply_tables(cpu.path, factor, start, relu, parts[part].clone(), output);
        });
    }

    /// The columns of some panels of a product. The output is `[rows, columns]`.
    pub(crate) fn multiply_tables(
        &self,
        path: Path,
        factor: Left<'_>,
        start: Start<'_>,
        relu: bool,
        panels: Range<usize>,
        output: &mut [f32],
    ) {
        assert_eq!(factor.2.len(), self.terms, "as many terms as the packed factor has");
        let into = (&mut output[panels.start * self.width..], self.columns);
        self.multiply_panels(path, factor, start, relu, panels, into);
    }

    /// The columns of some panels of a product, or of a part of its sums if the left factor has only some terms. The output begins with
    /// the first of these columns, and its rows are as far apart as its second part says; a row that it starts from has all columns.
    pub(crate) fn multiply_panels(
        &self,
        path: Path,
        (a, rows, terms): Left<'_>,
        start: Start<'_>,
        relu: bool,
        panels: Range<usize>,
        (output, output_stride): (&mut [f32], usize),
    ) {
        let Packed { terms: inner, columns, width, pairs, .. } = *self;
        let mut rest = terms.chunks(TERMS).peekable();
        let values = self.values.slice();
        let mut is_first = true;
        while let Some(terms) = rest.next() {
            let is_last = rest.peek().is_none();
            for panel in panels.clone() {
                let first = panel * width;
                let columns_of_panel = width.min(columns - first);
                // The same terms of the next panel, or else the next terms of the first one.
                let ahead = match (panel + 1 < panels.end, rest.peek()) {
                    (true, _) => Some((panel + 1, terms)),
                    (false, Some(terms)) => Some((panels.start, *terms)),
                    (false, None) => None,
                };
                let ahead = ahead.map_or(0..0, |(panel, terms)| {
                    let next = panel * width * inner + terms[0].b as usize;
                    next..next + terms.len() * width
                });
                Product {
                    a,
                    rows,
                    terms,
                    b: &values[first * inner..][..inner * width],
                    columns: columns_of_panel,
                    pairs,
                    start: match (is_first, start) {
                        (true, Start::Row(row)) => Start::Row(&row[first..first + columns_of_panel]),
                        (true, start) => start,
                        _ => Start::Output,
                    },
                    relu: relu && is_last,
                    output: &mut output[(panel - panels.start) * width..],
                    output_stride,
                    ahead: &values[ahead],
                }
                .run(path);
            }
            is_first = false;
        }
    }

    /// Columns of a panel.
    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

/// `output = aᵀ · b`, where `a` is `[inner, rows]`, `b` is `[inner, columns]` and the output `[rows, columns]`: a sum over
/// what both have in common, such as the samples of a batch.
///
/// # Panics
/// If a slice has another length.
pub(crate) fn multiply_transposed(
    cpu: Cpu,
    a: &[f32],
    b: &[f32],
    [rows, inner, columns]: [usize; 3],
    output: &mut [f32],
) {
    assert_eq!(a.len(), rows * inner, "a left factor of another size");
    assert_eq!(b.len(), inner * columns, "a right factor of another size");
    assert_eq!(output.len(), rows * columns, "room for another product");
    let width = panel_width(cpu.path);
    // Both factors are copied block by block. What is not shared out is copied by each thread: let that be the smaller one.
    let (row_parts, column_parts) = if rows < columns { (1, cpu.threads) } else { (cpu.threads, 1) };
    let all_rows = rows;
    let row_parts: Vec<_> = ranges(rows, row_parts, TILE_ROWS).collect();
    let column_parts: Vec<_> = ranges(columns, column_parts, width).collect();
    let output = Shared::new(output);
    in_parallel(row_parts.len() * column_parts.len(), |part| {
        let rows = row_parts[part / column_parts.len()].clone();
        let columns_of_part = column_parts[part % column_parts.len()].clone();
        let most = if cpu.is_bf16() { 2 * TERMS } else { TERMS };
        let mut transposed = Transposed::new(cpu, rows.len(), most.min(inner));
        for first in (0..inner).step_by(most) {
            let count = most.min(inner - first);
            let a = &a[first * all_rows..(first + count) * all_rows];
            let b = &b[first * columns..(first + count) * columns];
            let start = if first == 0 { Start::Zero } else { Start::Output };
            // SAFETY: no two parts have the same rows and columns, and all are inside the output.
            unsafe {
                transposed.multiply(
                    (a, all_rows, rows.clone()),
                    (b, columns, columns_of_part.clone()),
                    start,
                    output,
                )
            };
        }
    });
}

/// Products `aᵀ · b` on one thread, over a few terms at a time, for which both factors are copied.
pub(crate) struct Transposed {
    path: Path,
    /// Whether two terms are a pair of bf16.
    pairs: bool,
    width: usize,
    /// `[tiles][terms][6]`
    left: Buffer,
    /// `[terms][width]`
    panel: Buffer,
    rows: Vec<u32>,
    terms: Vec<Term>,
}

impl Transposed {
    /// Room for so many rows of the output, and terms at a time.
    pub(crate) fn new(cpu: Cpu, rows: usize, terms: usize) -> Self {
        let (path, pairs, terms) = (cpu.path, cpu.is_bf16(), cpu.terms(terms));
        let (width, tile) = (panel_width(path), terms * TILE_ROWS);
        Transposed {
            path,
            pairs,
            width,
            left: Buffer::unspecified(rows.div_ceil(TILE_ROWS) * tile),
            panel: Buffer::unspecified(terms * width),
            rows: (0..rows).map(|row| offset(row / TILE_ROWS * tile + row % TILE_ROWS)).collect(),
            terms: strided_terms(terms, TILE_ROWS, width),
        }
    }

    /// `output = start + aᵀ · b` in these rows and columns. Each factor has a row for each term, and comes with the numbers of
    /// its rows: `a` has one for each row of the output, `b` for each column.
    ///
    /// # Safety
    /// The output must have room for the rows and columns, and nobody else may touch them meanwhile.
    pub(crate) unsafe fn multiply(
        &mut self,
        (a, all_rows, rows): (&[f32], usize, Range<usize>),
        (b, all_columns, columns): (&[f32], usize, Range<usize>),
        start: Start<'_>,
        output: Shared<f32>,
    ) {
        let (path, width) = (self.path, self.width);
        let terms = b.len() / all_columns.max(1);
        let count = if self.pairs { terms.div_ceil(2) } else { terms };
        assert!(count <= self.terms.len() && rows.len() <= self.rows.len(), "more than there is room for");
        if rows.is_empty() {
            return;
        }
        match self.pairs {
            false => {
                for (k, from) in a.chunks_exact(all_rows).take(count).enumerate() {
                    self.put_left(k, &from[rows.clone()]);
                }
            }
            true => {
                let mut row = Values::unspecified(rows.len().next_multiple_of(width));
                for (k, from) in a.chunks(2 * all_rows).take(count).enumerate() {
                    let into = &mut row[..];
                    let (width, two) = (into.len(), from.len() / all_rows);
                    let columns = rows.clone();
                    path.run_bf16(PairRows { from, stride: all_rows, rows: two, columns, into, width });
                    self.put_left(k, &row[..rows.len()]);
                }
            }
        }
        for column in columns.clone().step_by(width) {
            let columns_of_panel = width.min(columns.end - column);
            let panel = self.panel.slice_mut();
            match self.pairs {
                false => pack(b, column, all_columns, columns_of_panel, width, panel),
                true => path.run_bf16(PairRows {
                    from: b,
                    stride: all_columns,
                    rows: terms,
                    columns: column..column + columns_of_panel,
                    into: panel,
                    width,
                }),
            }
            let begin = rows.start * all_columns + column;
            let end = (rows.end - 1) * all_columns + column + columns_of_panel;
            Product {
                a: self.left.slice(),
                rows: &self.rows[..rows.len()],
                terms: &self.terms[..count],
                b: &self.panel.slice()[..count * width],
                columns: columns_of_panel,
                pairs: self.pairs,
                start,
                relu: false,
                // SAFETY: by the caller's word; a product touches only its own columns.
                output: unsafe { output.part(begin..end) },
                output_stride: all_columns,
                ahead: &[],
            }
            .run(self.path);
        }
    }
}

impl Transposed {
    /// Writes the `k`th term of all rows to their tiles.
    fn put_left(&mut self, k: usize, from: &[f32]) {
        let tile = self.terms.len() * TILE_ROWS;
        let left = self.left.slice_mut();
        let (tiles, rest) = from.as_chunks::<TILE_ROWS>();
        for (number, from) in tiles.iter().enumerate() {
            let to = number * tile + k * TILE_ROWS;
            left[to..to + TILE_ROWS].copy_from_slice(from);
        }
        let to = tiles.len() * tile + k * TILE_ROWS;
        if !rest.is_empty() {
            left[to..to + rest.len()].copy_from_slice(rest);
        }
    }
}

/// Copies some columns of a matrix, whose rows are `stride` apart, into rows of `width`.
fn pack(matrix: &[f32], first: usize, stride: usize, columns: usize, width: usize, panel: &mut [f32]) {
    for (to, from) in panel.chunks_exact_mut(width).zip(matrix.chunks_exact(stride)) {
        to[..columns].copy_from_slice(&from[first..first + columns]);
    }
}

//! Right factors of a head's products, copied so that a tile of registers reads them in order: rows of a head lie far from
//! one another.

use super::layout::Rows;
use crate::Path;
use crate::buffer::Buffer;
use crate::product::{Product, Start, Term, odd_lines, panel_width, strided, strided_terms};

/// A matrix `[rows, columns]` in panels of columns, `[panels][rows][width]`.
pub(super) struct Panels {
    values: Buffer,
    rows: usize,
    columns: usize,
    width: usize,
}

impl Panels {
    /// Room for matrices of so many rows and columns at most.
    pub(super) fn new(path: Path, most_rows: usize, most_columns: usize) -> Self {
        let width = panel_width(path);
        let len = most_rows * most_columns.next_multiple_of(width);
        Panels { values: Buffer::unspecified(len), rows: 0, columns: 0, width }
    }

    /// Copies a matrix.
    pub(super) fn copy(&mut self, from: Rows<'_>, rows: usize, columns: usize) {
        (self.rows, self.columns) = (rows, columns);
        for first in (0..columns).step_by(self.width) {
            let count = self.width.min(columns - first);
            let panel = &mut self.values.slice_mut()[first * rows..][..rows * self.width];
            for (row, to) in panel.chunks_exact_mut(self.width).enumerate() {
                to[..count].copy_from_slice(&from.values[row * from.row + first..][..count]);
            }
        }
    }

    /// Copies `scale` times the transpose of a matrix, which is `[columns, rows]`.
    pub(super) fn copy_transposed(&mut self, from: Rows<'_>, rows: usize, columns: usize, scale: f32) {
        (self.rows, self.columns) = (rows, columns);
        if rows == 0 {
            return;
        }
        for first in (0..columns).step_by(self.width) {
            let count = self.width.min(columns - first);
            let panel = &mut self.values.slice_mut()[first * rows..][..rows * self.width];
            for column in 0..count {
                let from = &from.values[(first + column) * from.row..][..rows];
                for (to, value) in panel[column..].iter_mut().step_by(self.width).zip(from) {
                    *to = scale * value;
                }
            }
        }
    }

    /// `output = start + a · b`, where `b` is as many of the first rows as there are terms, and so many of the first columns.
    /// `rows` says where the rows of `a` begin, `terms` have panels of [`width`](Self::width) on their right.
    pub(super) fn multiply(
        &self,
        path: Path,
        (a, rows): (&[f32], &[u32]),
        terms: &[Term],
        columns: usize,
        start: Start<'_>,
        (output, output_stride): (&mut [f32], usize),
    ) {
        assert!(terms.len() <= self.rows && columns <= self.columns, "a part of the matrix");
        for first in (0..columns).step_by(self.width) {
            Product {
                a,
                rows,
                terms,
                b: &self.values.slice()[first * self.rows..][..terms.len() * self.width],
                columns: self.width.min(columns - first),
                start,
                relu: false,
                output: &mut output[first..],
                output_stride,
            }
            .run(path);
        }
    }
}

/// Where rows and terms of a part's products lie, for as many as there are at most.
pub(super) struct Tables {
    /// From a row of scores to the next: an odd number of cache lines.
    pub(super) score_row: usize,
    pub(super) scores: Vec<u32>,
    /// The rows of the scores' transpose.
    pub(super) keys: Vec<u32>,
    pub(super) over_dim: Vec<Term>,
    pub(super) over_keys: Vec<Term>,
    /// Down the columns of the scores.
    pub(super) over_queries: Vec<Term>,
}

impl Tables {
    pub(super) fn new(path: Path, queries: usize, keys: usize, dim: usize) -> Self {
        let (width, score_row) = (panel_width(path), odd_lines(keys));
        Tables {
            score_row,
            scores: strided(queries, score_row),
            keys: strided(keys, 1),
            over_dim: strided_terms(dim, 1, width),
            over_keys: strided_terms(keys, 1, width),
            over_queries: strided_terms(queries, score_row, width),
        }
    }
}

//! Products of matrices whose elements are found through tables of offsets.
//!
//! `C[i, j] = Σₖ A[rows[i] + terms[k].a] · B[terms[k].b + j]`, plus what `C` starts from.
//!
//! One routine is thus the product of a dense layer, of its gradients and of a convolution: a convolution's matrix of
//! windows is never made, as the tables say where each window begins and where its values lie in it; the transpose of
//! a matrix swaps its tables. Here nothing is packed, as a tile of registers fed from L1 and L2 runs near the machine's peak;
//! [`packed`] copies the right factor first, where so many rows share it that this pays. In bf16 two terms lie in one number
//! of each factor ([`pairs`]), so the same tables have half as many.

mod packed;
pub(crate) mod pairs;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod tile;

use crate::Path;
pub(crate) use packed::{
    Packed, TILE_ROWS, Transposed, multiply_transposed, odd_lines, panel_width, panels_of,
};
use tile::{OneRow, Tiles};

/// Where the `k`th term of every sum lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// Offset in `A`, from the row's beginning.
    pub(crate) a: u32,
    /// Offset in `B` of the `k`th row.
    pub(crate) b: u32,
}

/// What the sums start from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start<'a> {
    /// Nothing.
    Zero,
    /// The same row everywhere, `[columns]`.
    Row(&'a [f32]),
    /// What `C` holds.
    Output,
}

/// A block of the right factor of so many rows and columns stays in L2 while all rows of the left one pass by.
const TERMS_OF_BLOCK: usize = 1024;
const COLUMNS_OF_BLOCK: usize = 128;

/// The factors of a product and where its result goes.
pub(crate) struct Product<'a> {
    pub(crate) a: &'a [f32],
    /// Offset in `a` of each row.
    pub(crate) rows: &'a [u32],
    pub(crate) terms: &'a [Term],
    pub(crate) b: &'a [f32],
    pub(crate) columns: usize,
    /// Whether each number of `a` and of `b` is a pair of bf16, and so each term two.
    pub(crate) pairs: bool,
    pub(crate) start: Start<'a>,
    /// Whether negative results become 0.
    pub(crate) relu: bool,
    /// `[rows, columns]`, the rows `output_stride` apart.
    pub(crate) output: &'a mut [f32],
    pub(crate) output_stride: usize,
    /// What is read after this product, as the next panel of its right factor: it is asked for meanwhile.
    pub(crate) ahead: &'a [f32],
}

impl Product<'_> {
    /// Computes it, on the caller's thread.
    ///
    /// # Panics
    /// If an offset reaches beyond `a`, `b` or the output.
    pub(crate) fn run(self, path: Path) {
        if self.rows.is_empty() || self.columns == 0 {
            return;
        }
        self.check();
        if self.terms.is_empty() {
            return self.write_start();
        }
        if self.rows.len() == 1 {
            return match self.pairs {
                false => path.run(OneRow::<false>(self)),
                true => path.run_bf16(OneRow::<true>(self)),
            };
        }
        if self.terms.len() <= TERMS_OF_BLOCK && self.columns <= COLUMNS_OF_BLOCK {
            return self.run_tiles(path);
        }
        let Product { a, rows, terms, b, columns, pairs, start, relu, output, output_stride, ahead: _ } =
            self;
        let mut blocks = terms.chunks(TERMS_OF_BLOCK).peekable();
        let mut first_block = true;
        while let Some(terms) = blocks.next() {
            for column in (0..columns).step_by(COLUMNS_OF_BLOCK) {
                let block = column..(column + COLUMNS_OF_BLOCK).min(columns);
                let tiles = Product {
                    a,
                    rows,
                    terms,
                    b: &b[column..],
                    columns: block.len(),
                    pairs,
                    start: match (first_block, start) {
                        (false, _) => Start::Output,
                        (true, Start::Row(row)) => Start::Row(&row[block]),
                        (true, start) => start,
                    },
                    relu: relu && blocks.peek().is_none(),
                    output: &mut output[column..],
                    output_stride,
                    ahead: &[],
                };
                tiles.run_tiles(path);
            }
            first_block = false;
        }
    }

    fn run_tiles(self, path: Path) {
        match self.pairs {
            false => path.run(Tiles::<false>(self)),
            true => path.run_bf16(Tiles::<true>(self)),
        }
    }

    /// A sum of nothing is what it starts from.
    fn write_start(self) {
        for row in self.output.chunks_mut(self.output_stride).take(self.rows.len()) {
            let row = &mut row[..self.columns];
            match self.start {
                Start::Zero => row.fill(0.0),
                Start::Row(start) => row.copy_from_slice(start),
                Start::Output => {}
            }
            if self.relu {
                // Written so that what is not a number stays so.
                row.iter_mut().filter(|value| **value < 0.0).for_each(|value| *value = 0.0);
            }
        }
    }

    fn check(&self) {
        let last_row = self.rows.iter().max().map_or(0, |row| *row as usize);
        let (mut last_a, mut last_b) = (0, 0);
        for term in self.terms {
            last_a = last_a.max(term.a);
            last_b = last_b.max(term.b);
        }
        if !self.terms.is_empty() {
            assert!(last_row + (last_a as usize) < self.a.len(), "a product reads beyond its left factor");
            let last = last_b as usize + self.columns;
            assert!(last <= self.b.len(), "a product reads beyond its right factor");
        }
        assert!(self.columns <= self.output_stride || self.rows.len() == 1, "rows of the output overlap");
        let written = (self.rows.len() - 1) * self.output_stride + self.columns;
        assert!(written <= self.output.len(), "a product writes beyond its output");
        if let Start::Row(row) = self.start {
            assert_eq!(row.len(), self.columns, "the row that a product starts from has another length");
        }
    }
}

/// The rows of a matrix that lies row by row, `stride` apart.
pub(crate) fn strided(count: usize, stride: usize) -> Vec<u32> {
    (0..count).map(|row| offset(row * stride)).collect()
}

/// The terms of a product whose left factor has steps of `a` between columns, and whose right factor has rows `b` apart.
pub(crate) fn strided_terms(count: usize, a: usize, b: usize) -> Vec<Term> {
    (0..count).map(|k| Term { a: offset(k * a), b: offset(k * b) }).collect()
}

/// An offset as the tables keep it.
///
/// # Panics
/// If it does not fit: four billion numbers in one factor.
pub(crate) fn offset(value: usize) -> u32 {
    u32::try_from(value).expect("a factor of a product has fewer than 2^32 numbers")
}

//! Rows of a table by token, and the table's gradient.
//!
//! In the gradient, each thread adds up some of the columns for all tokens, in their order: no two threads write to
//! the same place, all have the same work however often a token occurs, and the result does not depend on their
//! number.

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::cpu::{Shared, in_parallel, ranges};
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, over_rows, put, threads_for};
use crate::{Cpu, Index};

/// Copies the row of each token: `output[n] = table[tokens[n]]`.
///
/// # Shapes
/// - table: `[vocabulary, dim]`
/// - tokens: `[n]`, each from 0 to `vocabulary - 1`
/// - output: `[n, dim]`
///
/// # Panics
/// If a slice has the wrong length or a token is not in the table.
///
/// ```
/// use fireclay_kernels::{Cpu, embedding};
/// let mut output = [0.0; 4];
/// embedding(Cpu::best(1), 2, &[1.0, 2.0, 3.0, 4.0], &[1u32, 0], &mut output);
/// assert_eq!(output, [3.0, 4.0, 1.0, 2.0]);
/// ```
pub fn embedding<T: Index>(cpu: Cpu, dim: usize, table: &[f32], tokens: &[T], output: &mut [f32]) {
    assert_eq!(output.len(), tokens.len() * dim, "values of {} rows of {dim}", tokens.len());
    if dim == 0 {
        return;
    }
    assert_eq!(table.len() % dim, 0, "a table of {} values in rows of {dim}", table.len());
    check(tokens, table.len() / dim);
    let values = output.len();
    let shared = Shared::new(output);
    over_rows(cpu, tokens.len(), values, |rows| {
        // SAFETY: the parts share no row.
        let output = unsafe { shared.part(rows.start * dim..rows.end * dim) };
        cpu.path.run(Gather { dim, table, tokens: &tokens[rows], output });
    });
}

/// The gradient of [`embedding`] with respect to the table: `table_gradient[t] = Σ output_gradient[n]` over all `n`
/// with `tokens[n] == t`, and 0 for the token `padding`.
///
/// # Shapes
/// - tokens: `[n]`, each from 0 to `vocabulary - 1`
/// - output_gradient: `[n, dim]`
/// - table_gradient: `[vocabulary, dim]`, overwritten
///
/// # Panics
/// If a slice has the wrong length or a token is not in the table.
///
/// ```
/// use fireclay_kernels::{Cpu, embedding_gradient};
/// let mut gradient = [9.0; 3];
/// embedding_gradient(Cpu::best(1), 1, &[1u32, 0, 1], Some(0), &[1.0, 2.0, 4.0], &mut gradient);
/// assert_eq!(gradient, [0.0, 5.0, 0.0]);
/// ```
pub fn embedding_gradient<T: Index>(
    cpu: Cpu,
    dim: usize,
    tokens: &[T],
    padding: Option<usize>,
    output_gradient: &[f32],
    table_gradient: &mut [f32],
) {
    assert_eq!(output_gradient.len(), tokens.len() * dim, "values of {} rows of {dim}", tokens.len());
    if dim == 0 {
        return;
    }
    assert_eq!(table_gradient.len() % dim, 0, "a table of {} values in rows of {dim}", table_gradient.len());
    let vocabulary = table_gradient.len() / dim;
    check(tokens, vocabulary);
    let threads = threads_for(cpu, output_gradient.len() + table_gradient.len());
    // Sixteen columns are one line of the cache, for which two threads should not fight.
    let columns: Vec<_> = ranges(dim, threads, 16).collect();
    let shared = Shared::new(table_gradient);
    in_parallel(columns.len(), |part| {
        let columns = columns[part].clone();
        cpu.path.run(Scatter { dim, vocabulary, tokens, padding, output_gradient, shared, columns });
    });
}

/// The tokens of a batch, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unique {
    /// The tokens that occur, in the order of their first appearance.
    pub tokens: Vec<u32>,
    /// For each token of the batch, where in `tokens` it stands.
    pub index: Vec<u32>,
}

/// Finds which tokens occur in a batch, in linear time.
///
/// What is computed from a token alone need then be computed once for each that occurs: in text, a few thousand
/// instead of all positions. With `index` for tokens, [`embedding`] spreads the results over the positions, and
/// [`embedding_gradient`] brings their gradients together.
///
/// # Shapes
/// - tokens: `[n]`, each from 0 to `vocabulary - 1`
///
/// # Panics
/// If a token is not below `vocabulary`, or the vocabulary has `u32::MAX` tokens or more.
///
/// ```
/// use fireclay_kernels::unique_tokens;
/// let unique = unique_tokens(10, &[7u32, 3, 7, 7, 0]);
/// assert_eq!(unique.tokens, [7, 3, 0]);
/// assert_eq!(unique.index, [0, 1, 0, 0, 2]);
/// ```
pub fn unique_tokens<T: Index>(vocabulary: usize, tokens: &[T]) -> Unique {
    const NOT_SEEN: u32 = u32::MAX;
    assert!(vocabulary < NOT_SEEN as usize, "a vocabulary of {vocabulary} tokens");
    check(tokens, vocabulary);
    let mut places = vec![NOT_SEEN; vocabulary];
    let mut unique = Unique { tokens: Vec::new(), index: Vec::with_capacity(tokens.len()) };
    for token in tokens {
        let place = &mut places[token.position()];
        if *place == NOT_SEEN {
            *place = unique.tokens.len() as u32;
            unique.tokens.push(token.position() as u32);
        }
        unique.index.push(*place);
    }
    unique
}

#[track_caller]
fn check<T: Index>(tokens: &[T], vocabulary: usize) {
    let greatest = tokens.iter().map(|token| token.position()).max();
    if let Some(greatest) = greatest {
        assert!(greatest < vocabulary, "token {greatest} is not in a table of {vocabulary} rows");
    }
}

struct Gather<'a, T> {
    dim: usize,
    table: &'a [f32],
    tokens: &'a [T],
    output: &'a mut [f32],
}

impl<T: Index> Kernel for Gather<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (token, output) in self.tokens.iter().zip(self.output.chunks_exact_mut(self.dim)) {
            let row = &self.table[token.position() * self.dim..][..self.dim];
            each_vector!(S::LANES, self.dim, |at, count| {
                put(s, output, at, count, get(s, row, at, count));
            });
        }
    }
}

struct Scatter<'a, T> {
    dim: usize,
    vocabulary: usize,
    tokens: &'a [T],
    padding: Option<usize>,
    output_gradient: &'a [f32],
    /// The gradient of the table, of which this part touches the columns `columns`.
    shared: Shared<f32>,
    columns: Range<usize>,
}

impl<T: Index> Kernel for Scatter<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scatter { dim, vocabulary, tokens, padding, output_gradient, shared, columns } = self;
        let row = |token: usize| {
            let places = token * dim + columns.start..token * dim + columns.end;
            // SAFETY: the columns of a row are inside the table and this part's alone, and of the rows that are taken
            // below, each is used no longer when the next one is taken.
            unsafe { shared.part(places) }
        };
        for token in 0..vocabulary {
            row(token).fill(0.0);
        }
        for (token, gradient) in tokens.iter().zip(output_gradient.chunks_exact(dim)) {
            let token = token.position();
            if Some(token) == padding {
                continue;
            }
            let gradient = &gradient[columns.clone()];
            // `check` has seen that every token is in the table.
            let row = row(token);
            each_vector!(S::LANES, gradient.len(), |at, count| {
                let sum = s.add(get(s, row, at, count), get(s, gradient, at, count));
                put(s, row, at, count, sum);
            });
        }
    }
}

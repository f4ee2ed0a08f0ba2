//! The gradients by queries, keys and values.

use std::ops::Range;

use super::layout::{Layouts, Rows};
use super::panels::{Panels, Tables};
use super::{Attention, BLOCK};
use crate::Cpu;
use crate::buffer::Buffer;
use crate::cpu::Shared;
use crate::product::{Start, strided};
use crate::simd::{Kernel, Simd};
use crate::softmax::powers_in_place;
use crate::vectors::{each_vector, get, over_rows, put};

/// What the forward pass gave, and the gradient by its output.
#[derive(Clone, Copy)]
pub(super) struct Passed<'a> {
    pub(super) output: &'a [f32],
    pub(super) log_sums: &'a [f32],
    pub(super) output_gradient: &'a [f32],
}

/// `inputs` are query, key and value, `gradients` theirs.
///
/// # Safety
/// The gradients must have room for the layouts of the inputs, and no two of them may share a place.
pub(super) unsafe fn run(
    cpu: Cpu,
    sizes: &Attention<'_>,
    layouts: &Layouts,
    inputs: [&[f32]; 3],
    passed: Passed<'_>,
    gradients: [Shared<f32>; 3],
) {
    let Attention { queries, keys, dim, .. } = *sizes;
    over_rows(cpu, sizes.heads(), sizes.work(), |heads| {
        let (path, block_len) = (cpu.path, BLOCK.min(queries));
        let tables = Tables::new(path, block_len, keys, dim);
        let query_rows = strided(block_len, layouts.inputs[0].row);
        let gradient_rows = strided(block_len, layouts.output.row);
        let row = tables.score_row;
        let [mut scores, mut slopes] = [0, 1].map(|_| Buffer::unspecified(block_len * row));
        let [mut turned_keys, mut turned_values] = [0, 1].map(|_| Panels::new(path, dim, keys));
        let mut key_panels = Panels::new(path, keys, dim);
        let [mut query_panels, mut gradient_panels] = [0, 1].map(|_| Panels::new(path, block_len, dim));
        let mut by_query = Buffer::unspecified(block_len * dim);
        let [mut by_key, mut by_value] = [0, 1].map(|_| Buffer::unspecified(keys * dim));
        let mut factors = vec![0.0; if sizes.dropout.is_some() { keys } else { 0 }];
        for head in heads {
            let write = |which: usize, first: usize, values: &[f32]| {
                for (token, values) in values.chunks_exact(dim.max(1)).enumerate() {
                    let place = layouts.inputs[which].place(sizes, head, first + token);
                    // SAFETY: these rows are there by the caller's word, and no other part has this head.
                    unsafe { gradients[which].part(place..place + dim) }.copy_from_slice(values);
                }
            };
            let end = layouts.queries(sizes, head);
            let length = sizes.length(head);
            let [key, value] =
                [1, 2].map(|which: usize| layouts.inputs[which].rows(sizes, head, 0, inputs[which]));
            turned_keys.copy_transposed(key, dim, length, sizes.scale);
            turned_values.copy_transposed(value, dim, length, 1.0);
            key_panels.copy(key, length, dim);
            by_key.slice_mut()[..keys * dim].fill(0.0);
            by_value.slice_mut()[..keys * dim].fill(0.0);
            for block in (0..end).step_by(BLOCK) {
                let rows = block..(block + BLOCK).min(end);
                let count = rows.len();
                let columns = sizes.visible(rows.end - 1, length);
                let query = layouts.inputs[0].rows(sizes, head, block, inputs[0]);
                let output = layouts.output.rows(sizes, head, block, passed.output);
                let gradient = layouts.output.rows(sizes, head, block, passed.output_gradient);
                for (turned, a, rows, into) in [
                    (&turned_keys, query.values, &query_rows, &mut scores),
                    (&turned_values, gradient.values, &gradient_rows, &mut slopes),
                ] {
                    let (a, into) = ((a, &rows[..count]), (into.slice_mut(), row));
                    turned.multiply(path, a, &tables.over_dim, columns, Start::Zero, into);
                }
                path.run(Slopes {
                    sizes,
                    first: head * queries,
                    length,
                    columns,
                    row,
                    rows,
                    scores: scores.slice_mut(),
                    slopes: slopes.slice_mut(),
                    factors: &mut factors,
                    log_sums: &passed.log_sums[head * queries + block..][..count],
                    output,
                    gradient,
                });
                let a = (slopes.slice(), &tables.scores[..count]);
                let into = (by_query.slice_mut(), dim);
                key_panels.multiply(path, a, &tables.over_keys[..columns], dim, Start::Zero, into);
                write(0, block, &by_query.slice()[..count * dim]);
                query_panels.copy(query, count, dim);
                gradient_panels.copy(gradient, count, dim);
                for (panels, a, into) in
                    [(&query_panels, &slopes, &mut by_key), (&gradient_panels, &scores, &mut by_value)]
                {
                    let (a, into) = ((a.slice(), &tables.keys[..columns]), (into.slice_mut(), dim));
                    panels.multiply(path, a, &tables.over_queries[..count], dim, Start::Output, into);
                }
            }
            by_query.slice_mut()[..block_len * dim].fill(0.0);
            for first in (end..queries).step_by(block_len.max(1)) {
                write(0, first, &by_query.slice()[..block_len.min(queries - first) * dim]);
            }
            write(1, 0, &by_key.slice()[..keys * dim]);
            write(2, 0, &by_value.slice()[..keys * dim]);
        }
    });
}

/// Makes probabilities of the scores, and of their gradients those of the products of query and key.
struct Slopes<'a> {
    sizes: &'a Attention<'a>,
    /// The number of the head's first query, among those of all heads.
    first: usize,
    length: usize,
    columns: usize,
    /// From a row of scores or slopes to the next.
    row: usize,
    rows: Range<usize>,
    scores: &'a mut [f32],
    slopes: &'a mut [f32],
    factors: &'a mut [f32],
    log_sums: &'a [f32],
    output: Rows<'a>,
    gradient: Rows<'a>,
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Slopes { sizes, first, length, columns, row, rows, .. } = self;
        let Slopes { scores, slopes, factors, log_sums, output, gradient, .. } = self;
        for (at, query) in rows.enumerate() {
            let visible = sizes.visible(query, length);
            let (scores, unseen) = scores[at * row..][..columns].split_at_mut(visible);
            let (slopes, unseen_slopes) = slopes[at * row..][..columns].split_at_mut(visible);
            unseen.fill(0.0);
            unseen_slopes.fill(0.0);
            powers_in_place(s, scores, log_sums[at]);
            // The sum of each probability times its gradient: what is dropped adds nothing to either side.
            let mut product = s.splat(0.0);
            each_vector!(S::LANES, sizes.dim, |column, count| {
                let y = get(s, output.values, at * output.row + column, count);
                let dy = get(s, gradient.values, at * gradient.row + column, count);
                product = s.mul_add(y, dy, product);
            });
            let product = s.splat(s.sum(product));
            let scale = s.splat(sizes.scale);
            if let Some(dropout) = sizes.dropout {
                let factors = &mut factors[..visible];
                dropout.factors(first + query, factors);
                each_vector!(S::LANES, visible, |column, count| {
                    let factor = get(s, factors, column, count);
                    let probability = get(s, scores, column, count);
                    let slope = s.sub(s.mul(get(s, slopes, column, count), factor), product);
                    put(s, slopes, column, count, s.mul(s.mul(probability, slope), scale));
                    put(s, scores, column, count, s.mul(probability, factor));
                });
            } else {
                each_vector!(S::LANES, visible, |column, count| {
                    let probability = get(s, scores, column, count);
                    let slope = s.sub(get(s, slopes, column, count), product);
                    put(s, slopes, column, count, s.mul(s.mul(probability, slope), scale));
                });
            }
        }
    }
}

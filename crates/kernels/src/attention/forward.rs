//! Scores, probabilities and the sums of values.

use std::ops::Range;

use super::layout::{Layouts, Rows};
use super::panels::{Panels, Tables};
use super::{Attention, BLOCK};
use crate::Cpu;
use crate::buffer::Buffer;
use crate::cpu::Shared;
use crate::product::{Start, strided};
use crate::simd::{Kernel, Simd};
use crate::softmax::{greatest, powers_in_place};
use crate::vectors::{each_vector, get, over_rows, put};

/// Fewer queries than this look at the keys where they lie: a step of a language model has one.
const FEW: usize = 4;

/// `inputs` are query, key and value.
pub(super) fn run(
    cpu: Cpu,
    sizes: &Attention<'_>,
    layouts: &Layouts,
    inputs: [&[f32]; 3],
    output: &mut [f32],
    log_sums: &mut [f32],
) {
    let Attention { queries, keys, dim, .. } = *sizes;
    let blocks = queries.div_ceil(BLOCK);
    let (shared, shared_log_sums) = (Shared::new(output), Shared::new(log_sums));
    over_rows(cpu, sizes.heads() * blocks, sizes.work(), |tasks| {
        let (path, block_len) = (cpu.path, BLOCK.min(queries));
        let tables = Tables::new(path, block_len, keys, dim);
        let query_rows = strided(block_len, layouts.inputs[0].row);
        let row = tables.score_row;
        let mut scores = Buffer::unspecified(block_len * row);
        let mut sums_of_values = Buffer::unspecified(block_len * dim);
        let mut key_panels = Panels::new(path, dim, keys);
        let mut value_panels = Panels::new(path, keys, dim);
        let mut copied = None;
        let mut factors = vec![0.0; if sizes.dropout.is_some() { keys } else { 0 }];
        for task in tasks {
            let (head, block) = (task / blocks, task % blocks * BLOCK);
            let end = (block + BLOCK).min(queries);
            let rows = block..end.min(layouts.queries(sizes, head)).max(block);
            let count = rows.len();
            // SAFETY: no other task has these queries.
            let log_sums = unsafe { shared_log_sums.part(head * queries + block..head * queries + end) };
            log_sums.fill(0.0);
            let row_of = |query: usize| {
                let place = layouts.output.place(sizes, head, query);
                // SAFETY: as above.
                unsafe { shared.part(place..place + dim) }
            };
            (rows.end..end).for_each(|query| row_of(query).fill(0.0));
            if rows.is_empty() {
                continue;
            }
            let length = sizes.length(head);
            let columns = sizes.visible(rows.end - 1, length);
            let [query, key, value] = [0, 1, 2].map(|which: usize| {
                let token = if which == 0 { block } else { 0 };
                layouts.inputs[which].rows(sizes, head, token, inputs[which])
            });
            let few = queries < FEW;
            if !few && copied != Some(head) {
                key_panels.copy_transposed(key, dim, length, sizes.scale);
                value_panels.copy(value, length, dim);
                copied = Some(head);
            }
            if few {
                let scores = scores.slice_mut();
                path.run(Scores { query, key, dim, scale: sizes.scale, columns, count, scores, row });
            } else {
                let (a, into) = ((query.values, &query_rows[..count]), (scores.slice_mut(), row));
                key_panels.multiply(path, a, &tables.over_dim, columns, Start::Zero, into);
            }
            let mut sums = [0.0; BLOCK];
            path.run(Soften {
                sizes,
                first: head * queries,
                length,
                columns,
                row,
                rows,
                scores: scores.slice_mut(),
                factors: &mut factors,
                sums: &mut sums,
                log_sums: &mut log_sums[..count],
            });
            let (scores, into) = (scores.slice(), sums_of_values.slice_mut());
            if few {
                path.run(SumsOfValues { scores, row, value, columns, count, into, dim });
            } else {
                let (a, terms) = ((scores, &tables.scores[..count]), &tables.over_keys[..columns]);
                value_panels.multiply(path, a, terms, dim, Start::Zero, (into, dim));
            }
            for (at, sum) in sums[..count].iter().enumerate() {
                let from = &sums_of_values.slice()[at * dim..][..dim];
                path.run(Share { from, to: row_of(block + at), sum: *sum });
            }
        }
    });
}

/// The scores of a few queries, whose keys are not worth a copy.
struct Scores<'a> {
    query: Rows<'a>,
    key: Rows<'a>,
    dim: usize,
    scale: f32,
    columns: usize,
    count: usize,
    scores: &'a mut [f32],
    row: usize,
}

impl Kernel for Scores<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Scores { query, key, dim, scale, columns, count, scores, row } = self;
        for at in 0..count {
            for column in 0..columns {
                let mut product = s.splat(0.0);
                each_vector!(S::LANES, dim, |from, lanes| {
                    let q = get(s, query.values, at * query.row + from, lanes);
                    product = s.mul_add(q, get(s, key.values, column * key.row + from, lanes), product);
                });
                scores[at * row + column] = scale * s.sum(product);
            }
        }
    }
}

/// The sums of the values of a few queries, each as often as its score says.
struct SumsOfValues<'a> {
    scores: &'a [f32],
    row: usize,
    value: Rows<'a>,
    columns: usize,
    count: usize,
    into: &'a mut [f32],
    dim: usize,
}

impl Kernel for SumsOfValues<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let SumsOfValues { scores, row, value, columns, count, into, dim } = self;
        for at in 0..count {
            each_vector!(S::LANES, dim, |to, lanes| {
                let mut sum = s.splat(0.0);
                for (column, score) in scores[at * row..][..columns].iter().enumerate() {
                    sum =
                        s.mul_add(s.splat(*score), get(s, value.values, column * value.row + to, lanes), sum);
                }
                put(s, into, at * dim + to, lanes, sum);
            });
        }
    }
}

/// Replaces scores by `exp(score - greatest of the row)`, and by 0 where the query does not see the key or it is dropped.
struct Soften<'a> {
    sizes: &'a Attention<'a>,
    /// The number of the head's first query, among those of all heads.
    first: usize,
    length: usize,
    columns: usize,
    /// From a row of scores to the next.
    row: usize,
    rows: Range<usize>,
    scores: &'a mut [f32],
    factors: &'a mut [f32],
    sums: &'a mut [f32; BLOCK],
    log_sums: &'a mut [f32],
}

impl Kernel for Soften<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Soften { sizes, first, length, columns, row, rows, scores, factors, sums, log_sums } = self;
        for (at, query) in rows.enumerate() {
            let (seen, unseen) = scores[at * row..][..columns].split_at_mut(sizes.visible(query, length));
            let greatest = greatest(s, seen);
            sums[at] = powers_in_place(s, seen, greatest);
            // Without any key, minus infinity plus the logarithm of 0.
            log_sums[at] = greatest + sums[at].ln();
            unseen.fill(0.0);
            if let Some(dropout) = sizes.dropout {
                let factors = &mut factors[..seen.len()];
                dropout.factors(first + query, factors);
                each_vector!(S::LANES, seen.len(), |column, count| {
                    let kept = s.mul(get(s, seen, column, count), get(s, factors, column, count));
                    put(s, seen, column, count, kept);
                });
            }
        }
    }
}

/// Writes a row of the output: sums of values, divided by that of their probabilities.
struct Share<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    sum: f32,
}

impl Kernel for Share<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // A row without keys is zeros already.
        let factor = s.splat(if self.sum == 0.0 { 1.0 } else { 1.0 / self.sum });
        each_vector!(S::LANES, self.to.len(), |at, count| {
            let x = get(s, self.from, at, count);
            put(s, self.to, at, count, s.mul(x, factor));
        });
    }
}

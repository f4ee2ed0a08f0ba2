//! Scores, probabilities and the sums of values.

use std::ops::Range;

use super::layout::{Kind, Layouts, Rows, multiply};
use super::{Attention, BLOCK};
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::softmax::{greatest, powers_in_place, scale};
use crate::vectors::{each_vector, get, over_rows, put};

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
        let mut scores = vec![0.0; BLOCK.min(queries) * keys];
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
            let scores = &mut scores[..count * columns];
            let [query, key, value] = [0, 1, 2].map(|which: usize| {
                let token = if which == 0 { block } else { 0 };
                layouts.inputs[which].rows(sizes, head, token, inputs[which])
            });
            let into = (scores.as_mut_ptr(), columns);
            // SAFETY: the scores are this task's, and as many.
            unsafe { multiply(into, query, key, [count, columns, dim], Kind::ByTransposed, sizes.scale) };
            let mut sums = [0.0; BLOCK];
            let log_sums = &mut log_sums[..count];
            let factors = &mut factors[..];
            let first = head * queries;
            cpu.path.run(Soften {
                sizes,
                first,
                length,
                columns,
                rows,
                scores,
                factors,
                sums: &mut sums,
                log_sums,
            });
            let scores = Rows { values: scores, row: columns };
            let into = (row_of(block).as_mut_ptr(), layouts.output.row);
            // SAFETY: the output has these rows, which no other task has.
            unsafe { multiply(into, scores, value, [count, dim, columns], Kind::Plain, 1.0) };
            for (at, sum) in sums[..count].iter().enumerate() {
                cpu.path.run(Share { row: row_of(block + at), sum: *sum });
            }
        }
    });
}

/// Replaces scores by `exp(score - greatest of the row)`, and by 0 where the query does not see the key or it is dropped.
struct Soften<'a> {
    sizes: &'a Attention<'a>,
    /// The number of the head's first query, among those of all heads.
    first: usize,
    length: usize,
    columns: usize,
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
        let Soften { sizes, first, length, columns, rows, scores, factors, sums, log_sums } = self;
        for (at, query) in rows.enumerate() {
            let (seen, unseen) = scores[at * columns..][..columns].split_at_mut(sizes.visible(query, length));
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

/// Divides a row of the output by its sum.
struct Share<'a> {
    row: &'a mut [f32],
    sum: f32,
}

impl Kernel for Share<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // A row without keys is zeros already.
        if self.sum != 0.0 {
            scale(s, self.row, 1.0 / self.sum);
        }
    }
}

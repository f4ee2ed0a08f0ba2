//! The gradients by queries, keys and values.

use std::ops::Range;

use super::layout::{Kind, Layouts, Rows, multiply};
use super::{Attention, BLOCK};
use crate::Cpu;
use crate::cpu::Shared;
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
        let room = BLOCK.min(queries) * keys;
        let mut scratch = vec![0.0; 2 * room];
        let (scores, slopes) = scratch.split_at_mut(room);
        let mut factors = vec![0.0; if sizes.dropout.is_some() { keys } else { 0 }];
        for head in heads {
            let row_of = |which: usize, token: usize| {
                let place = layouts.inputs[which].place(sizes, head, token);
                // SAFETY: no other part has this head.
                unsafe { gradients[which].part(place..place + dim) }
            };
            for token in 0..keys {
                row_of(1, token).fill(0.0);
                row_of(2, token).fill(0.0);
            }
            let end = layouts.queries(sizes, head);
            (end..queries).for_each(|token| row_of(0, token).fill(0.0));
            let length = sizes.length(head);
            for block in (0..end).step_by(BLOCK) {
                let rows = block..(block + BLOCK).min(end);
                let count = rows.len();
                let columns = sizes.visible(rows.end - 1, length);
                let (scores, slopes) = (&mut scores[..count * columns], &mut slopes[..count * columns]);
                let [query, key, value] = [0, 1, 2].map(|which: usize| {
                    let token = if which == 0 { block } else { 0 };
                    layouts.inputs[which].rows(sizes, head, token, inputs[which])
                });
                let output = layouts.output.rows(sizes, head, block, passed.output);
                let gradient = layouts.output.rows(sizes, head, block, passed.output_gradient);
                let (tall, wide) = ([count, columns, dim], [columns, dim, count]);
                let into = |scores: &mut [f32]| (scores.as_mut_ptr(), columns);
                // SAFETY: scores and slopes are this part's, and as many.
                unsafe {
                    multiply(into(scores), query, key, tall, Kind::ByTransposed, sizes.scale);
                    multiply(into(slopes), gradient, value, tall, Kind::ByTransposed, 1.0);
                }
                cpu.path.run(Slopes {
                    sizes,
                    first: head * queries,
                    length,
                    columns,
                    rows,
                    scores,
                    slopes,
                    factors: &mut factors,
                    log_sums: &passed.log_sums[head * queries + block..][..count],
                    output,
                    gradient,
                });
                let [scores, slopes] = [&*scores, &*slopes].map(|values| Rows { values, row: columns });
                let into = |which: usize, token: usize| {
                    (row_of(which, token).as_mut_ptr(), layouts.inputs[which].row)
                };
                // SAFETY: these rows are there by the caller's word, and no other part has this head.
                unsafe {
                    multiply(into(0, block), slopes, key, [count, dim, columns], Kind::Plain, 1.0);
                    if columns > 0 {
                        multiply(into(1, 0), slopes, query, wide, Kind::AddTransposed, 1.0);
                        multiply(into(2, 0), scores, gradient, wide, Kind::AddTransposed, 1.0);
                    }
                }
            }
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
        let Slopes { sizes, first, length, columns, rows, .. } = self;
        let Slopes { scores, slopes, factors, log_sums, output, gradient, .. } = self;
        for (at, query) in rows.enumerate() {
            let visible = sizes.visible(query, length);
            let (scores, unseen) = scores[at * columns..][..columns].split_at_mut(visible);
            let (slopes, unseen_slopes) = slopes[at * columns..][..columns].split_at_mut(visible);
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

//! Scaled dot-product attention ([Vaswani et al.](https://arxiv.org/abs/1706.03762)) and its gradient.
//!
//! Queries are taken 64 at a time, so each thread holds the scores of one block of one head, never those of all. The
//! gradient computes the scores again, for which the forward pass leaves one number for each query, the logarithm of
//! its sum of exponentials ([Dao et al.](https://arxiv.org/abs/2205.14135)). The products are those of the `gemm`
//! crate; they choose their instructions themselves.

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use std::ops::Range;

use gemm::Parallelism;

use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::softmax::{greatest, powers_in_place, scale};
use crate::vectors::{each_vector, get, over_rows, put};

/// Queries of which the scores are held at a time.
const BLOCK: usize = 64;

/// Sizes and masks of an attention.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention<'a> {
    /// Sequences.
    pub batch: usize,
    /// Heads of each sequence.
    pub num_heads: usize,
    /// Tokens that ask.
    pub queries: usize,
    /// Tokens that are asked.
    pub keys: usize,
    /// Numbers of a query, a key and a value.
    pub dim: usize,
    /// What scores are multiplied by; usually one over the square root of `dim`.
    pub scale: f32,
    /// Whether query `i` sees only the keys up to `i`.
    pub causal: bool,
    /// For each sequence, how many of its keys there are; the rest is padding, which no query sees.
    pub key_lengths: Option<&'a [u32]>,
}

impl Attention<'_> {
    fn heads(&self) -> usize {
        self.batch * self.num_heads
    }

    /// How many keys any query of a head may see.
    fn length(&self, head: usize) -> usize {
        let length = self.key_lengths.map_or(self.keys, |lengths| lengths[head / self.num_heads] as usize);
        length.min(self.keys)
    }

    /// How many keys a query sees.
    #[inline(always)]
    fn visible(&self, query: usize, length: usize) -> usize {
        if self.causal { length.min(query + 1) } else { length }
    }

    #[track_caller]
    fn check(&self, query: [usize; 2], key: [usize; 2], log_sums: usize) {
        let heads = self.heads();
        assert_eq!(query, [heads * self.queries * self.dim; 2], "values of queries and output of {self:?}");
        assert_eq!(key, [heads * self.keys * self.dim; 2], "values of keys and values of {self:?}");
        assert_eq!(log_sums, heads * self.queries, "values of the logarithms of {self:?}");
        if let Some(lengths) = self.key_lengths {
            assert_eq!(lengths.len(), self.batch, "key lengths of {self:?}");
        }
    }
}

/// `output = softmax(scale · query · keyᵀ) · value`, for each head.
///
/// A query that sees no key gives zeros.
///
/// # Shapes
/// - query, output: `[batch, num_heads, queries, dim]`
/// - key, value: `[batch, num_heads, keys, dim]`
/// - log_sums: `[batch, num_heads, queries]`, overwritten with what [`attention_gradient`] needs
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{Attention, Cpu, attention};
/// let sizes = Attention {
///     batch: 1, num_heads: 1, queries: 1, keys: 2, dim: 1, scale: 1.0, causal: false, key_lengths: None,
/// };
/// let (mut output, mut log_sums) = ([0.0], [0.0]);
/// attention(Cpu::best(1), &sizes, &[1.0], &[0.0, 3.0f32.ln()], &[4.0, 8.0], &mut output, &mut log_sums);
/// assert!((output[0] - 7.0).abs() < 1e-5);
/// assert!((log_sums[0] - 4.0f32.ln()).abs() < 1e-5);
/// ```
pub fn attention(
    cpu: Cpu,
    sizes: &Attention<'_>,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    output: &mut [f32],
    log_sums: &mut [f32],
) {
    sizes.check([query.len(), output.len()], [key.len(), value.len()], log_sums.len());
    let Attention { queries, keys, dim, .. } = *sizes;
    let blocks = queries.div_ceil(BLOCK);
    let (shared, shared_log_sums) = (Shared::new(output), Shared::new(log_sums));
    over_rows(cpu, sizes.heads() * blocks, work(sizes), |tasks| {
        let mut scores = vec![0.0; BLOCK.min(queries) * keys];
        for task in tasks {
            let (head, block) = (task / blocks, task % blocks * BLOCK);
            let rows = block..(block + BLOCK).min(queries);
            let length = sizes.length(head);
            let columns = sizes.visible(rows.end - 1, length);
            let scores = &mut scores[..rows.len() * columns];
            let places = (head * queries + rows.start)..(head * queries + rows.end);
            let query = &query[places.start * dim..places.end * dim];
            let of_head = head * keys * dim..(head * keys + columns) * dim;
            multiply(
                scores,
                query,
                &key[of_head.clone()],
                rows.len(),
                columns,
                dim,
                Kind::ByTransposed,
                sizes.scale,
            );
            // SAFETY: no other task has these queries.
            let log_sums = unsafe { shared_log_sums.part(places.clone()) };
            // SAFETY: as above.
            let output = unsafe { shared.part(places.start * dim..places.end * dim) };
            let mut sums = [0.0; BLOCK];
            cpu.path.run(Soften { sizes, length, columns, rows, scores, sums: &mut sums, log_sums });
            multiply(output, scores, &value[of_head], log_sums.len(), dim, columns, Kind::Plain, 1.0);
            cpu.path.run(Share { dim, sums: &sums, output });
        }
    });
}

/// The gradient of [`attention`]. Heads are spread over the threads.
///
/// # Shapes
/// - query, output, output_gradient: `[batch, num_heads, queries, dim]`, the output as given by [`attention`]
/// - key, value: `[batch, num_heads, keys, dim]`
/// - log_sums: `[batch, num_heads, queries]`, as given by [`attention`]
/// - query_gradient, key_gradient, value_gradient: as query, key and value, overwritten
///
/// # Panics
/// If a slice has the wrong length.
#[allow(clippy::too_many_arguments, reason = "as many as a gradient has inputs and outputs")]
pub fn attention_gradient(
    cpu: Cpu,
    sizes: &Attention<'_>,
    query: &[f32],
    key: &[f32],
    value: &[f32],
    output: &[f32],
    log_sums: &[f32],
    output_gradient: &[f32],
    query_gradient: &mut [f32],
    key_gradient: &mut [f32],
    value_gradient: &mut [f32],
) {
    sizes.check([query.len(), output.len()], [key.len(), value.len()], log_sums.len());
    let gradients = [key_gradient.len(), value_gradient.len()];
    sizes.check([output_gradient.len(), query_gradient.len()], gradients, log_sums.len());
    let Attention { queries, keys, dim, .. } = *sizes;
    let shared = (Shared::new(query_gradient), Shared::new(key_gradient), Shared::new(value_gradient));
    over_rows(cpu, sizes.heads(), work(sizes), |heads| {
        let mut scratch = vec![0.0; 2 * BLOCK.min(queries) * keys];
        let (scores, slopes) = scratch.split_at_mut(BLOCK.min(queries) * keys);
        for head in heads {
            let (of_queries, of_keys) =
                (head * queries..(head + 1) * queries, head * keys..(head + 1) * keys);
            let places = of_keys.start * dim..of_keys.end * dim;
            // SAFETY: no other part has this head.
            let query_gradient = unsafe { shared.0.part(of_queries.start * dim..of_queries.end * dim) };
            // SAFETY: as above.
            let key_gradient = unsafe { shared.1.part(places.clone()) };
            // SAFETY: as above.
            let value_gradient = unsafe { shared.2.part(places.clone()) };
            key_gradient.fill(0.0);
            value_gradient.fill(0.0);
            let length = sizes.length(head);
            for block in (0..queries).step_by(BLOCK) {
                let rows = block..(block + BLOCK).min(queries);
                let count = rows.len();
                let columns = sizes.visible(rows.end - 1, length);
                let (scores, slopes) = (&mut scores[..count * columns], &mut slopes[..count * columns]);
                let (key, value) =
                    (&key[places.clone()][..columns * dim], &value[places.clone()][..columns * dim]);
                let here = of_queries.start + rows.start..of_queries.start + rows.end;
                let log_sums = &log_sums[here.clone()];
                let here = here.start * dim..here.end * dim;
                let (query, output) = (&query[here.clone()], &output[here.clone()]);
                let gradient = &output_gradient[here];
                multiply(scores, query, key, count, columns, dim, Kind::ByTransposed, sizes.scale);
                multiply(slopes, gradient, value, count, columns, dim, Kind::ByTransposed, 1.0);
                let query_gradient = &mut query_gradient[rows.start * dim..rows.end * dim];
                cpu.path.run(Slopes {
                    sizes,
                    length,
                    columns,
                    rows,
                    scores,
                    slopes,
                    log_sums,
                    output,
                    gradient,
                });
                multiply(query_gradient, slopes, key, count, dim, columns, Kind::Plain, 1.0);
                let (key, value) = (&mut key_gradient[..columns * dim], &mut value_gradient[..columns * dim]);
                multiply(key, slopes, query, columns, dim, count, Kind::AddTransposed, 1.0);
                multiply(value, scores, gradient, columns, dim, count, Kind::AddTransposed, 1.0);
            }
        }
    });
}

/// How much there is to do, measured in values.
fn work(sizes: &Attention<'_>) -> usize {
    sizes.heads() * sizes.queries * sizes.keys.saturating_mul(1 + sizes.dim / 16)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// `a · b`
    Plain,
    /// `a · bᵀ`
    ByTransposed,
    /// `c + aᵀ · b`
    AddTransposed,
}

/// Writes a product of `[m, k]` by `[k, n]` to `c`, `[m, n]`; what is transposed lies in memory as `[k, m]` or `[n, k]`.
#[allow(clippy::too_many_arguments, reason = "three matrices and their sizes")]
fn multiply(c: &mut [f32], a: &[f32], b: &[f32], m: usize, n: usize, k: usize, kind: Kind, scale: f32) {
    assert!(c.len() == m * n && a.len() == m * k && b.len() == k * n);
    let add = kind == Kind::AddTransposed;
    if c.is_empty() {
        return;
    }
    if k == 0 {
        if !add {
            c.fill(0.0);
        }
        return;
    }
    let (a_row, a_column) = if add { (1, m as isize) } else { (k as isize, 1) };
    let (b_row, b_column) = if kind == Kind::ByTransposed { (1, k as isize) } else { (n as isize, 1) };
    // SAFETY: the slices hold matrices of these sizes and strides, as asserted above.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.as_ptr(),
            a_column,
            a_row,
            b.as_ptr(),
            b_column,
            b_row,
            1.0,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// Replaces scores by `exp(score - greatest of the row)`, and by 0 where the query does not see the key.
struct Soften<'a> {
    sizes: &'a Attention<'a>,
    length: usize,
    columns: usize,
    rows: Range<usize>,
    scores: &'a mut [f32],
    sums: &'a mut [f32; BLOCK],
    log_sums: &'a mut [f32],
}

impl Kernel for Soften<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Soften { sizes, length, columns, rows, scores, sums, log_sums } = self;
        for (at, query) in rows.enumerate() {
            let (seen, unseen) = scores[at * columns..][..columns].split_at_mut(sizes.visible(query, length));
            let greatest = greatest(s, seen);
            sums[at] = powers_in_place(s, seen, greatest);
            // Without any key, minus infinity plus the logarithm of 0.
            log_sums[at] = greatest + sums[at].ln();
            unseen.fill(0.0);
        }
    }
}

/// Divides each row of the output by its sum.
struct Share<'a> {
    dim: usize,
    sums: &'a [f32; BLOCK],
    output: &'a mut [f32],
}

impl Kernel for Share<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (row, sum) in self.output.chunks_exact_mut(self.dim.max(1)).zip(self.sums) {
            // A row without keys is zeros already.
            if *sum != 0.0 {
                scale(s, row, 1.0 / sum);
            }
        }
    }
}

/// Makes probabilities of the scores, and of their gradients those of the products of query and key.
struct Slopes<'a> {
    sizes: &'a Attention<'a>,
    length: usize,
    columns: usize,
    rows: Range<usize>,
    scores: &'a mut [f32],
    slopes: &'a mut [f32],
    log_sums: &'a [f32],
    output: &'a [f32],
    gradient: &'a [f32],
}

impl Kernel for Slopes<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Slopes { sizes, length, columns, rows, scores, slopes, log_sums, output, gradient } = self;
        let dim = sizes.dim;
        for (at, query) in rows.enumerate() {
            let visible = sizes.visible(query, length);
            let (scores, unseen) = scores[at * columns..][..columns].split_at_mut(visible);
            let (slopes, unseen_slopes) = slopes[at * columns..][..columns].split_at_mut(visible);
            unseen.fill(0.0);
            unseen_slopes.fill(0.0);
            powers_in_place(s, scores, log_sums[at]);
            let mut product = s.splat(0.0);
            each_vector!(S::LANES, dim, |column, count| {
                let from = at * dim + column;
                product = s.mul_add(get(s, output, from, count), get(s, gradient, from, count), product);
            });
            let product = s.splat(s.sum(product));
            let factor = s.splat(sizes.scale);
            each_vector!(S::LANES, visible, |column, count| {
                let probability = get(s, scores, column, count);
                let slope = s.sub(get(s, slopes, column, count), product);
                put(s, slopes, column, count, s.mul(s.mul(probability, slope), factor));
            });
        }
    }
}

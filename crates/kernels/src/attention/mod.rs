//! Scaled dot-product attention ([Vaswani et al.](https://arxiv.org/abs/1706.03762)) and its gradient.
//!
//! Two forms share all the code, which knows where a row lies by its strides (`layout.rs`): [`attention`] takes queries,
//! keys and values head by head, [`self_attention`] takes what one dense layer made of a sequence, side by side, and so
//! nothing is turned or copied on the way.
//!
//! Queries are taken 64 at a time, so each thread holds the scores of one block of one head, never those of all. The
//! gradient computes the scores again, for which the forward pass leaves one number for each query, the logarithm of
//! its sum of exponentials ([Dao et al.](https://arxiv.org/abs/2205.14135)). The products are those of the `gemm`
//! crate; they choose their instructions themselves.

mod backward;
mod forward;
mod layout;
#[cfg(test)]
mod reference;
mod rotary;
#[cfg(test)]
mod tests;

use crate::{Cpu, Dropout};
use layout::Layouts;
pub use rotary::rotate_positions;

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
    /// Probabilities that are set to zero at random.
    pub dropout: Option<Dropout>,
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

    /// How much there is to do, measured in values.
    fn work(&self) -> usize {
        self.heads() * self.queries * self.keys.saturating_mul(1 + self.dim / 16)
    }

    #[track_caller]
    fn check(&self, query: [usize; 2], key: [usize; 2], log_sums: usize) {
        let heads = self.heads();
        assert_eq!(query, [heads * self.queries * self.dim; 2], "values of queries and output of {self:?}");
        assert_eq!(key, [heads * self.keys * self.dim; 2], "values of keys and values of {self:?}");
        self.check_rows(log_sums);
    }

    #[track_caller]
    fn check_own(&self, projected: usize, output: usize, log_sums: usize) {
        assert_eq!(self.queries, self.keys, "tokens of {self:?} ask one another");
        let values = self.heads() * self.keys * self.dim;
        assert_eq!([projected, output], [3 * values, values], "values of input and output of {self:?}");
        self.check_rows(log_sums);
    }

    #[track_caller]
    fn check_rows(&self, log_sums: usize) {
        assert_eq!(log_sums, self.heads() * self.queries, "values of the logarithms of {self:?}");
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
///     batch: 1, num_heads: 1, queries: 1, keys: 2, dim: 1, scale: 1.0, causal: false, key_lengths: None, dropout: None,
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
    forward::run(cpu, sizes, &Layouts::by_head(sizes), [query, key, value], output, log_sums);
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
///
/// ```
/// use fireclay_kernels::{Attention, Cpu, attention, attention_gradient};
/// let sizes = Attention {
///     batch: 1, num_heads: 1, queries: 1, keys: 2, dim: 1, scale: 1.0, causal: false, key_lengths: None, dropout: None,
/// };
/// // The probabilities are 1/4 and 3/4.
/// let (query, key, value) = ([1.0], [0.0, 3.0f32.ln()], [4.0, 8.0]);
/// let (mut output, mut log_sums) = ([0.0], [0.0]);
/// attention(Cpu::best(1), &sizes, &query, &key, &value, &mut output, &mut log_sums);
/// let (mut by_query, mut by_key, mut by_value) = ([0.0], [0.0; 2], [0.0; 2]);
/// attention_gradient(
///     Cpu::best(1), &sizes, &query, &key, &value, &output, &log_sums, &[1.0], &mut by_query, &mut by_key, &mut by_value,
/// );
/// assert!((by_value[0] - 0.25).abs() < 1e-5 && (by_value[1] - 0.75).abs() < 1e-5);
/// assert!((by_key[0] + 0.75).abs() < 1e-5 && (by_key[1] - 0.75).abs() < 1e-5);
/// assert!((by_query[0] - 0.75 * 3.0f32.ln()).abs() < 1e-5);
/// ```
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
    let layouts = Layouts::by_head(sizes);
    let gradients = [query_gradient, key_gradient, value_gradient].map(crate::cpu::Shared::new);
    let passed = backward::Passed { output, log_sums, output_gradient };
    // SAFETY: the layouts keep to slices of the lengths that were checked, and each gradient has a slice of its own.
    unsafe { backward::run(cpu, sizes, &layouts, [query, key, value], passed, gradients) };
}

/// [`attention`] of the tokens of each sequence to one another.
///
/// With lengths, tokens after a sequence's end neither are seen nor see: they give zeros.
///
/// # Shapes
/// - projected: `[batch, tokens, 3, num_heads, dim]`: query, key and value of each token, side by side
/// - output: `[batch, tokens, num_heads, dim]`
/// - log_sums: `[batch, num_heads, tokens]`, overwritten with what [`self_attention_gradient`] needs
///
/// # Panics
/// If a slice has the wrong length, or there are more keys than queries or fewer.
///
/// ```
/// use fireclay_kernels::{Attention, Cpu, self_attention};
/// let sizes = Attention {
///     batch: 1, num_heads: 1, queries: 2, keys: 2, dim: 1, scale: 1.0, causal: true, key_lengths: None, dropout: None,
/// };
/// // Query, key and value of two tokens; the second has the query 0, so that it sees both alike.
/// let (mut output, mut log_sums) = ([0.0; 2], [0.0; 2]);
/// self_attention(Cpu::best(1), &sizes, &[1.0, 1.0, 4.0, 0.0, 2.0, 8.0], &mut output, &mut log_sums);
/// assert_eq!(output, [4.0, 6.0]);
/// ```
pub fn self_attention(
    cpu: Cpu,
    sizes: &Attention<'_>,
    projected: &[f32],
    output: &mut [f32],
    log_sums: &mut [f32],
) {
    sizes.check_own(projected.len(), output.len(), log_sums.len());
    forward::run(cpu, sizes, &Layouts::side_by_side(sizes), [projected; 3], output, log_sums);
}

/// The gradient of [`self_attention`]. Heads are spread over the threads.
///
/// # Shapes
/// - projected: `[batch, tokens, 3, num_heads, dim]`
/// - output, output_gradient: `[batch, tokens, num_heads, dim]`, the output as given by [`self_attention`]
/// - log_sums: `[batch, num_heads, tokens]`, as given by [`self_attention`]
/// - gradient: as projected, overwritten
///
/// # Panics
/// If a slice has the wrong length, or there are more keys than queries or fewer.
///
/// ```
/// use fireclay_kernels::{Attention, Cpu, self_attention, self_attention_gradient};
/// let sizes = Attention {
///     batch: 1, num_heads: 1, queries: 1, keys: 1, dim: 1, scale: 1.0, causal: true, key_lengths: None, dropout: None,
/// };
/// let (projected, mut output, mut log_sums) = ([2.0, 3.0, 4.0], [0.0], [0.0]);
/// self_attention(Cpu::best(1), &sizes, &projected, &mut output, &mut log_sums);
/// let mut gradient = [9.0; 3];
/// self_attention_gradient(Cpu::best(1), &sizes, &projected, &output, &log_sums, &[1.0], &mut gradient);
/// // One token gives its own value whatever its query and its key are.
/// assert_eq!(gradient, [0.0, 0.0, 1.0]);
/// ```
#[allow(clippy::too_many_arguments, reason = "as many as a gradient has inputs and outputs")]
pub fn self_attention_gradient(
    cpu: Cpu,
    sizes: &Attention<'_>,
    projected: &[f32],
    output: &[f32],
    log_sums: &[f32],
    output_gradient: &[f32],
    gradient: &mut [f32],
) {
    sizes.check_own(projected.len(), output.len(), log_sums.len());
    sizes.check_own(gradient.len(), output_gradient.len(), log_sums.len());
    let layouts = Layouts::side_by_side(sizes);
    let gradients = [crate::cpu::Shared::new(gradient); 3];
    let passed = backward::Passed { output, log_sums, output_gradient };
    // SAFETY: the layouts keep to slices of the lengths that were checked, and those of queries, keys and values apart.
    unsafe { backward::run(cpu, sizes, &layouts, [projected; 3], passed, gradients) };
}

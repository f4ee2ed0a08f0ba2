//! Rotary position embeddings ([Su et al. 2021](https://arxiv.org/abs/2104.09864)).

use super::Attention;
use crate::Cpu;
use crate::cpu::Shared;
use crate::vectors::over_rows;

/// Turns the queries and keys of [`self_attention`](super::self_attention) by the angles of their positions, in place: in
/// each head the pair of values `2 i` and `2 i + 1` of token `t` by `t * 10000^(-2 i / dim)`. So the product of a query and a
/// key depends on their distance alone. Values stay as they are.
///
/// `backward` turns the other way, which is the gradient.
///
/// # Shapes
/// - projected: `[batch, tokens, 3, num_heads, dim]`
///
/// # Panics
/// If the slice has the wrong length, or `dim` is odd.
///
/// ```
/// use fireclay_kernels::{Attention, Cpu, rotate_positions};
/// let sizes = Attention {
///     batch: 1, num_heads: 1, queries: 2, keys: 2, dim: 2, scale: 1.0, causal: true, key_lengths: None, dropout: None,
/// };
/// // Query, key and value of two tokens.
/// let mut projected = [1.0, 0.0, 1.0, 0.0, 5.0, 6.0, 1.0, 0.0, 1.0, 0.0, 7.0, 8.0];
/// rotate_positions(Cpu::best(1), &sizes, false, &mut projected);
/// assert_eq!(projected[..6], [1.0, 0.0, 1.0, 0.0, 5.0, 6.0]);
/// assert!((projected[6] - 1f32.cos()).abs() < 1e-6 && (projected[7] - 1f32.sin()).abs() < 1e-6);
/// assert_eq!(projected[10..], [7.0, 8.0]);
/// ```
pub fn rotate_positions(cpu: Cpu, sizes: &Attention<'_>, backward: bool, projected: &mut [f32]) {
    let Attention { batch, num_heads, keys: tokens, dim, .. } = *sizes;
    assert!(dim.is_multiple_of(2), "pairs are turned, and {dim} is odd");
    assert_eq!(projected.len(), batch * tokens * 3 * num_heads * dim, "values of {sizes:?}");
    // `[tokens, dim / 2]` of sine and cosine.
    let angles: Vec<[f32; 2]> = (0..tokens)
        .flat_map(|token| (0..dim / 2).map(move |pair| angle(token, pair, dim)))
        .map(|angle| [if backward { -angle.sin() } else { angle.sin() } as f32, angle.cos() as f32])
        .collect();
    let shared = Shared::new(projected);
    over_rows(cpu, batch * tokens, projected.len(), |rows| {
        for row in rows {
            let turns = &angles[row % tokens * (dim / 2)..][..dim / 2];
            let start = row * 3 * num_heads * dim;
            // SAFETY: no other part has this row.
            let values = unsafe { shared.part(start..start + 2 * num_heads * dim) };
            for head in values.chunks_exact_mut(dim) {
                for (pair, &[sin, cos]) in head.chunks_exact_mut(2).zip(turns) {
                    let (a, b) = (pair[0], pair[1]);
                    pair[0] = a * cos - b * sin;
                    pair[1] = a * sin + b * cos;
                }
            }
        }
    });
}

/// In `f64`, since a late token's angle is large and its sine wants all of the digits.
fn angle(token: usize, pair: usize, dim: usize) -> f64 {
    token as f64 * 10_000f64.powf(-2.0 * pair as f64 / dim as f64)
}

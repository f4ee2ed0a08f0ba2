//! The normalisation of one byte, by division and as the kernel computes it.

use super::Terms;

/// What each byte becomes.
pub(super) fn table(terms: &Terms) -> [f32; 256] {
    std::array::from_fn(|byte| (byte as f32 / 255.0 - terms.mean) / terms.std)
}

/// The same, by reciprocals whose quotients are mended.
pub(super) fn mended(byte: f32, terms: &Terms) -> f32 {
    let shares = mended_quotient(byte, 255.0, 1.0 / 255.0);
    mended_quotient(shares - terms.mean, terms.std, terms.inverse_std)
}

fn mended_quotient(a: f32, b: f32, inverse_b: f32) -> f32 {
    let quotient = a * inverse_b;
    let rest = (-b).mul_add(quotient, a);
    rest.mul_add(inverse_b, quotient)
}

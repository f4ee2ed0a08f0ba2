//! What cross-entropy and attention have of softmax: the greatest value of a row, which is taken off before the exponential,
//! so that nothing overflows, the exponentials and their sum. A row that holds a value that is not a number, plus infinity,
//! or nothing but minus infinity gives no numbers.

use crate::math::exp;
use crate::simd::Simd;
use crate::vectors::{each_vector, get, get_or, keep_first, put};

/// The greatest value of a row, values that are not numbers apart; minus infinity if there is none.
#[inline(always)]
pub(crate) fn greatest<S: Simd>(s: S, row: &[f32]) -> f32 {
    let mut greatest = s.splat(f32::NEG_INFINITY);
    each_vector!(S::LANES, row.len(), |at, count| {
        greatest = s.max(get_or(s, row, at, count, f32::NEG_INFINITY), greatest);
    });
    s.greatest(greatest)
}

/// `Σ_k exp(row[k] - greatest)`
#[inline(always)]
pub(crate) fn sum_of_powers<S: Simd>(s: S, row: &[f32], greatest: f32) -> f32 {
    let greatest = s.splat(greatest);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), greatest));
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// As [`sum_of_powers`], and writes the powers.
#[inline(always)]
pub(crate) fn powers<S: Simd>(s: S, row: &[f32], greatest: f32, output: &mut [f32]) -> f32 {
    let greatest = s.splat(greatest);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), greatest));
        put(s, output, at, count, power);
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// Replaces each value by `exp(x - less)`; the result is the sum of all.
#[inline(always)]
pub(crate) fn powers_in_place<S: Simd>(s: S, row: &mut [f32], less: f32) -> f32 {
    let less = s.splat(less);
    let mut sum = s.splat(0.0);
    each_vector!(S::LANES, row.len(), |at, count| {
        let power = exp(s, s.sub(get(s, row, at, count), less));
        put(s, row, at, count, power);
        sum = s.add(sum, keep_first(s, power, count, 0.0));
    });
    s.sum(sum)
}

/// Multiplies each value.
#[inline(always)]
pub(crate) fn scale<S: Simd>(s: S, row: &mut [f32], by: f32) {
    let by = s.splat(by);
    each_vector!(S::LANES, row.len(), |at, count| {
        let x = get(s, row, at, count);
        put(s, row, at, count, s.mul(x, by));
    });
}

//! Bytes in the lanes of vectors of `f32`, four in each, where a CPU has no instructions for them: slow, and the same sums.

use super::Simd;

/// No vector has more lanes.
const MOST_LANES: usize = 16;

#[inline(always)]
fn each_lane<S: Simd, const N: usize>(s: S, vectors: [S::F; N], of: impl Fn([u32; N]) -> u32) -> S::F {
    const { assert!(S::LANES <= MOST_LANES) };
    let mut lanes = [[0.0f32; MOST_LANES]; N];
    for (lanes, vector) in lanes.iter_mut().zip(vectors) {
        // SAFETY: there is room for as many lanes as a vector may have.
        unsafe { s.store(lanes.as_mut_ptr(), vector) };
    }
    let mut result = [0.0f32; MOST_LANES];
    for (lane, result) in result.iter_mut().enumerate() {
        *result = f32::from_bits(of(std::array::from_fn(|n| lanes[n][lane].to_bits())));
    }
    // SAFETY: there are as many lanes as a vector may have.
    unsafe { s.load(result.as_ptr()) }
}

#[inline(always)]
pub(super) fn mul_add_quads<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F {
    each_lane(s, [a, b, c], |[a, b, c]| {
        let quads = a.to_le_bytes().into_iter().zip(b.to_le_bytes());
        let sum: i32 = quads.map(|(a, b)| i32::from(a) * i32::from(b as i8)).sum();
        c.wrapping_add(sum as u32)
    })
}

#[inline(always)]
pub(super) fn whole_to_numbers<S: Simd>(s: S, a: S::F) -> S::F {
    each_lane(s, [a], |[a]| (a as i32 as f32).to_bits())
}

#[inline(always)]
pub(super) fn max_quads<S: Simd>(s: S, a: S::F, b: S::F) -> S::F {
    each_lane(s, [a, b], |[a, b]| {
        let (a, b) = (a.to_le_bytes(), b.to_le_bytes());
        u32::from_le_bytes(std::array::from_fn(|byte| a[byte].max(b[byte])))
    })
}

#[inline(always)]
pub(super) fn xor<S: Simd>(s: S, a: S::F, b: S::F) -> S::F {
    each_lane(s, [a, b], |[a, b]| a ^ b)
}

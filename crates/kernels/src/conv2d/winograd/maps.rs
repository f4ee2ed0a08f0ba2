//! The linear maps between the rows and columns of a tile and what is multiplied instead.
//!
//! With the names of [Lavin and Gray 2015](https://arxiv.org/abs/1509.09308): of an input tile `d` they are `Bᵀ d B`, of a
//! kernel `g` they are `G g Gᵀ`, and from sums of their products `m` the output is `Aᵀ m A`. The maps evaluate polynomials at some
//! points, and at infinity: those of two outputs at 0, 1 and -1, those of four at 0, ±3/4 and ±3/2. With these the sums of 64 and 512
//! channels are off by twice as much as those of all multiplications; with ±1 and ±2, which the paper has, by four times as much. The
//! factors of inputs and outputs are exact in `f32`.

use crate::simd::Simd;

/// The maps of tiles of one size.
pub(super) struct TileMaps;

/// For tiles of `SIDE` by `SIDE` outputs that see `SEEN` by `SEEN` pixels.
pub(super) trait Maps<const SIDE: usize, const SEEN: usize> {
    /// `Bᵀ` times a column.
    fn input<S: Simd>(s: S, column: [S::F; SEEN]) -> [S::F; SEEN];

    /// `Aᵀ` times a column.
    fn output<S: Simd>(s: S, column: [S::F; SEEN]) -> [S::F; SIDE];

    /// `G` times a column.
    fn weight<S: Simd>(s: S, column: [S::F; 3]) -> [S::F; SEEN];
}

impl Maps<2, 4> for TileMaps {
    #[inline(always)]
    fn input<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> [S::F; 4] {
        [s.sub(a, c), s.add(b, c), s.sub(c, b), s.sub(b, d)]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> [S::F; 2] {
        [s.add(s.add(a, b), c), s.sub(s.sub(b, c), d)]
    }

    #[inline(always)]
    fn weight<S: Simd>(s: S, [a, b, c]: [S::F; 3]) -> [S::F; 4] {
        let (half, ends) = (s.splat(0.5), s.add(a, c));
        [a, s.mul(s.add(ends, b), half), s.mul(s.sub(ends, b), half), c]
    }
}

/// The points of four outputs, their squares, and the sum and the product of these.
const NEAR: f32 = 0.75;
const FAR: f32 = 1.5;
const NEAR_SQUARE: f32 = NEAR * NEAR;
const FAR_SQUARE: f32 = FAR * FAR;
const SUM: f32 = NEAR_SQUARE + FAR_SQUARE;
const PRODUCT: f32 = NEAR_SQUARE * FAR_SQUARE;

impl Maps<4, 6> for TileMaps {
    #[inline(always)]
    fn input<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F; 6]) -> [S::F; 6] {
        let by = |factor: f32| s.splat(factor);
        let near_even = s.mul_add(c, by(-FAR_SQUARE), e);
        let far_even = s.mul_add(c, by(-NEAR_SQUARE), e);
        let near_odd = s.mul(s.mul_add(b, by(-FAR_SQUARE), d), by(NEAR));
        let far_odd = s.mul(s.mul_add(b, by(-NEAR_SQUARE), d), by(FAR));
        [
            s.mul_add(a, by(PRODUCT), s.mul_add(c, by(-SUM), e)),
            s.add(near_even, near_odd),
            s.sub(near_even, near_odd),
            s.add(far_even, far_odd),
            s.sub(far_even, far_odd),
            s.mul_add(b, by(PRODUCT), s.mul_add(d, by(-SUM), f)),
        ]
    }

    #[inline(always)]
    fn output<S: Simd>(s: S, [a, b, c, d, e, f]: [S::F; 6]) -> [S::F; 4] {
        let by = |factor: f32| s.splat(factor);
        let (near_sum, near_rest) = (s.add(b, c), s.sub(b, c));
        let (far_sum, far_rest) = (s.add(d, e), s.sub(d, e));
        [
            s.add(s.add(a, near_sum), far_sum),
            s.mul_add(near_rest, by(NEAR), s.mul(far_rest, by(FAR))),
            s.mul_add(near_sum, by(NEAR_SQUARE), s.mul(far_sum, by(FAR_SQUARE))),
            s.mul_add(near_rest, by(NEAR * NEAR_SQUARE), s.mul_add(far_rest, by(FAR * FAR_SQUARE), f)),
        ]
    }

    #[inline(always)]
    fn weight<S: Simd>(s: S, [a, b, c]: [S::F; 3]) -> [S::F; 6] {
        let by = |factor: f32| s.splat(factor);
        // By what the values at a point are divided: its distances from the other points, multiplied.
        let near = by(1.0 / (2.0 * NEAR_SQUARE * (NEAR_SQUARE - FAR_SQUARE)));
        let far = by(1.0 / (2.0 * FAR_SQUARE * (FAR_SQUARE - NEAR_SQUARE)));
        let near_even = s.mul_add(c, by(NEAR_SQUARE), a);
        let far_even = s.mul_add(c, by(FAR_SQUARE), a);
        let (near_odd, far_odd) = (s.mul(b, by(NEAR)), s.mul(b, by(FAR)));
        [
            s.mul(a, by(1.0 / PRODUCT)),
            s.mul(s.add(near_even, near_odd), near),
            s.mul(s.sub(near_even, near_odd), near),
            s.mul(s.add(far_even, far_odd), far),
            s.mul(s.sub(far_even, far_odd), far),
            c,
        ]
    }
}

/// `A` of two outputs times a column.
#[inline(always)]
pub(super) fn gradient_map<S: Simd>(s: S, [a, b]: [S::F; 2]) -> [S::F; 4] {
    [a, s.add(a, b), s.sub(a, b), s.sub(s.splat(0.0), b)]
}

/// `Gᵀ` of two outputs times a column.
#[inline(always)]
pub(super) fn weight_gradient_map<S: Simd>(s: S, [a, b, c, d]: [S::F; 4]) -> [S::F; 3] {
    let half = s.splat(0.5);
    let sum = s.mul(s.add(b, c), half);
    [s.add(a, sum), s.mul(s.sub(b, c), half), s.add(sum, d)]
}

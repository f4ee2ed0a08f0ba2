//! No particular instructions: arrays of four, which compilers turn into whatever vectors the target has by default.

use super::Simd;

/// Needs no proof.
#[derive(Clone, Copy)]
pub(crate) struct Plain;

impl Plain {
    #[inline(always)]
    fn zip(a: [f32; 4], b: [f32; 4], f: impl Fn(f32, f32) -> f32) -> [f32; 4] {
        [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
    }
}

impl Simd for Plain {
    type F = [f32; 4];
    const LANES: usize = 4;
    const ACCUMULATORS: usize = 12;
    const FUSED: bool = false;

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 4] {
        [x; 4]
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> [f32; 4] {
        // SAFETY: the caller promises four numbers.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> [f32; 4] {
        let mut lanes = [0.0f32; 4];
        // SAFETY: the caller promises `count` numbers, fewer than four; bytes may lie anywhere.
        unsafe { from.cast::<u8>().copy_to_nonoverlapping(lanes.as_mut_ptr().cast(), 4 * count) };
        lanes
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: [f32; 4]) {
        // SAFETY: the caller promises room for four numbers.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(x) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: [f32; 4], count: usize) {
        // SAFETY: the caller promises room for `count` numbers, fewer than four; bytes may lie anywhere.
        unsafe { to.cast::<u8>().copy_from_nonoverlapping(x.as_ptr().cast(), 4 * count) };
    }
    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> [f32; 4] {
        // SAFETY: the caller promises four bytes.
        unsafe { from.cast::<[u8; 4]>().read_unaligned() }.map(f32::from)
    }
    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, x: [f32; 4]) {
        // SAFETY: the caller promises room for four bytes.
        unsafe { to.cast::<[u8; 4]>().write_unaligned(x.map(|lane| lane as u8)) };
    }
    #[inline(always)]
    fn add(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| x + y)
    }
    #[inline(always)]
    fn sub(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| x - y)
    }
    #[inline(always)]
    fn mul(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| x * y)
    }
    #[inline(always)]
    fn div(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| x / y)
    }
    #[inline(always)]
    fn mul_add(self, a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        // Rounded twice: without the instruction, a fused multiply-add is a slow call.
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| if x > y { x } else { y })
    }
    #[inline(always)]
    fn min(self, a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        Self::zip(a, b, |x, y| if x < y { x } else { y })
    }
    #[inline(always)]
    fn sqrt(self, a: [f32; 4]) -> [f32; 4] {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn select_gt(self, a: [f32; 4], b: [f32; 4], yes: [f32; 4], no: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| if a[lane] > b[lane] { yes[lane] } else { no[lane] })
    }
    #[inline(always)]
    fn select_gt_or_nan(self, a: [f32; 4], b: [f32; 4], yes: [f32; 4], no: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| if a[lane] > b[lane] || a[lane].is_nan() { yes[lane] } else { no[lane] })
    }
    #[inline(always)]
    fn select_eq(self, a: [f32; 4], b: [f32; 4], yes: [f32; 4], no: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|lane| if a[lane] == b[lane] { yes[lane] } else { no[lane] })
    }
    #[inline(always)]
    fn round(self, a: [f32; 4]) -> [f32; 4] {
        // Adding 1.5 · 2^23 leaves no room for a fraction; the default rounding mode is to nearest, ties to even.
        const SHIFT: f32 = 12_582_912.0;
        let rounded = a.map(|x| (x + SHIFT) - SHIFT);
        // Beyond 2^22 the trick fails; such numbers come in as they are when they are whole anyway.
        std::array::from_fn(|lane| {
            if a[lane].abs() < 4_194_304.0 { rounded[lane] } else { a[lane].round_ties_even() }
        })
    }
    #[inline(always)]
    fn mul_pow2(self, a: [f32; 4], n: [f32; 4]) -> [f32; 4] {
        Self::zip(a, n, |x, n| x * f32::from_bits((((n as i32) + 127) << 23) as u32))
    }
    #[inline(always)]
    fn copy_sign(self, a: [f32; 4], sign: [f32; 4]) -> [f32; 4] {
        Self::zip(a, sign, f32::copysign)
    }
    #[inline(always)]
    fn sum(self, a: [f32; 4]) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }
    #[inline(always)]
    fn greatest(self, a: [f32; 4]) -> f32 {
        a[0].max(a[2]).max(a[1].max(a[3]))
    }
}

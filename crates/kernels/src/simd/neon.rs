//! NEON, which every 64-bit ARM CPU has: 4 numbers in a register, 32 registers. Most have its dot product of bytes as well.

#![allow(unused_unsafe, reason = "which intrinsics count as safe depends on the compiler's version")]

use std::arch::aarch64::*;
use std::arch::{asm, is_aarch64_feature_detected};

use super::Simd;

/// NEON is part of the architecture, so that only the dot product of bytes, with `DOT`, is to be proved.
#[derive(Clone, Copy)]
pub(crate) struct Neon<const DOT: bool>(());

impl Neon<false> {
    pub(crate) fn new() -> Self {
        Neon(())
    }
}

impl Neon<true> {
    /// Nothing on a CPU without the dot product.
    pub(crate) fn with_dot_product() -> Option<Self> {
        is_aarch64_feature_detected!("dotprod").then_some(Neon(()))
    }
}

/// `c` and in each lane the sum of four products of bytes from -128 to 127. The intrinsic is not stable yet.
///
/// # Safety
/// The CPU must have the dot product.
#[inline(always)]
unsafe fn signed_dot(mut c: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: it computes on registers, and the caller promises that the CPU has the instruction.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {c:v}.4s, {a:v}.16b, {b:v}.16b",
            c = inout(vreg) c,
            a = in(vreg) a,
            b = in(vreg) b,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    c
}

// SAFETY, for every block here that only computes: the architecture has the instruction. Where memory is touched,
// the caller promises that it may be.
#[allow(clippy::undocumented_unsafe_blocks, reason = "the one reason is given above")]
impl<const DOT: bool> Simd for Neon<DOT> {
    type F = float32x4_t;
    const LANES: usize = 4;
    const ACCUMULATORS: usize = 24;
    const FUSED: bool = true;

    #[inline(always)]
    fn splat(self, x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> float32x4_t {
        unsafe { vld1q_f32(from) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> float32x4_t {
        let mut lanes = [0.0f32; 4];
        unsafe {
            // As bytes, which may lie anywhere.
            from.cast::<u8>().copy_to_nonoverlapping(lanes.as_mut_ptr().cast(), 4 * count);
            vld1q_f32(lanes.as_ptr())
        }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: float32x4_t) {
        unsafe { vst1q_f32(to, x) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: float32x4_t, count: usize) {
        let mut lanes = [0.0f32; 4];
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), x);
            to.cast::<u8>().copy_from_nonoverlapping(lanes.as_ptr().cast(), 4 * count);
        }
    }
    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> float32x4_t {
        let bytes = unsafe { from.cast::<[u8; 4]>().read_unaligned() };
        let lanes = bytes.map(f32::from);
        unsafe { vld1q_f32(lanes.as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, x: float32x4_t) {
        let mut lanes = [0.0f32; 4];
        unsafe {
            vst1q_f32(lanes.as_mut_ptr(), x);
            to.cast::<[u8; 4]>().write_unaligned(lanes.map(|lane| lane as u8));
        }
    }
    #[inline(always)]
    fn add(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vaddq_f32(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vsubq_f32(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(a, b) }
    }
    #[inline(always)]
    fn div(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vdivq_f32(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(c, a, b) }
    }
    #[inline(always)]
    fn max(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        self.select_gt(a, b, a, b)
    }
    #[inline(always)]
    fn min(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        self.select_gt(b, a, a, b)
    }
    #[inline(always)]
    fn sqrt(self, a: float32x4_t) -> float32x4_t {
        unsafe { vsqrtq_f32(a) }
    }
    #[inline(always)]
    fn select_gt(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vcgtq_f32(a, b), yes, no) }
    }
    #[inline(always)]
    fn select_gt_or_nan(
        self,
        a: float32x4_t,
        b: float32x4_t,
        yes: float32x4_t,
        no: float32x4_t,
    ) -> float32x4_t {
        unsafe { vbslq_f32(vorrq_u32(vcgtq_f32(a, b), vmvnq_u32(vceqq_f32(a, a))), yes, no) }
    }
    #[inline(always)]
    fn select_eq(self, a: float32x4_t, b: float32x4_t, yes: float32x4_t, no: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vceqq_f32(a, b), yes, no) }
    }
    #[inline(always)]
    fn round(self, a: float32x4_t) -> float32x4_t {
        unsafe { vrndnq_f32(a) }
    }
    #[inline(always)]
    fn mul_pow2(self, a: float32x4_t, n: float32x4_t) -> float32x4_t {
        unsafe {
            let exponent = vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127));
            vmulq_f32(a, vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn copy_sign(self, a: float32x4_t, sign: float32x4_t) -> float32x4_t {
        unsafe { vbslq_f32(vdupq_n_u32(0x8000_0000), sign, a) }
    }
    #[inline(always)]
    fn sum(self, a: float32x4_t) -> f32 {
        unsafe { vaddvq_f32(a) }
    }
    #[inline(always)]
    fn greatest(self, a: float32x4_t) -> f32 {
        unsafe { vmaxvq_f32(a) }
    }
    #[inline(always)]
    fn mul_add_quads(self, a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        unsafe {
            let (a, b) = (vreinterpretq_u8_f32(a), vreinterpretq_s8_f32(b));
            let c = vreinterpretq_s32_f32(c);
            let sum = if DOT {
                // Both factors have a sign there: a - 128 is multiplied, and 128 times the sum of b added.
                let signed = vreinterpretq_s8_u8(veorq_u8(a, vdupq_n_u8(0x80)));
                let lost = signed_dot(vdupq_n_s32(0), vdupq_n_s8(-128), b);
                vsubq_s32(signed_dot(c, signed, b), lost)
            } else {
                let a = [vget_low_u8(a), vget_high_u8(a)].map(|half| vreinterpretq_s16_u16(vmovl_u8(half)));
                let b = [vget_low_s8(b), vget_high_s8(b)].map(|half| vmovl_s8(half));
                let products = |half: usize| {
                    let low = vmull_s16(vget_low_s16(a[half]), vget_low_s16(b[half]));
                    vpaddq_s32(low, vmull_high_s16(a[half], b[half]))
                };
                vaddq_s32(c, vpaddq_s32(products(0), products(1)))
            };
            vreinterpretq_f32_s32(sum)
        }
    }
    #[inline(always)]
    fn max_quads(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vreinterpretq_f32_u8(vmaxq_u8(vreinterpretq_u8_f32(a), vreinterpretq_u8_f32(b))) }
    }
    #[inline(always)]
    fn xor(self, a: float32x4_t, b: float32x4_t) -> float32x4_t {
        unsafe { vreinterpretq_f32_u8(veorq_u8(vreinterpretq_u8_f32(a), vreinterpretq_u8_f32(b))) }
    }
    #[inline(always)]
    fn whole_to_numbers(self, a: float32x4_t) -> float32x4_t {
        unsafe { vcvtq_f32_s32(vreinterpretq_s32_f32(a)) }
    }
    #[inline(always)]
    unsafe fn store_rounded_u8(self, to: *mut u8, x: float32x4_t) {
        unsafe {
            let halves = vqmovn_u32(vcvtnq_u32_f32(x));
            let bytes = vqmovn_u16(vcombine_u16(halves, halves));
            to.cast::<u32>().write_unaligned(vget_lane_u32::<0>(vreinterpret_u32_u8(bytes)));
        }
    }
}

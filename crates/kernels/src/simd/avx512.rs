//! AVX-512: 16 numbers in a register, 32 registers, masks for the ends of rows.

#![allow(unused_unsafe, reason = "which intrinsics count as safe depends on the compiler's version")]

use std::arch::x86_64::*;

use super::{Simd, bf16};

/// Proof that the CPU has AVX-512 F, BW, DQ and VL, AVX2, FMA and BMI2, and AVX-512 BF16 or VNNI if that is said.
#[derive(Clone, Copy)]
pub(crate) struct Avx512<const BF16: bool, const VNNI: bool>(());

impl<const BF16: bool, const VNNI: bool> Avx512<BF16, VNNI> {
    pub(crate) fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi2")
            && (!BF16 || is_x86_feature_detected!("avx512bf16"))
            && (!VNNI || is_x86_feature_detected!("avx512vnni"));
        has.then_some(Avx512(()))
    }
}

fn first(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}

// SAFETY, for every block here that only computes: `self` proves that the CPU has the instruction. Where memory is
// touched, the caller promises that it may be.
#[allow(clippy::undocumented_unsafe_blocks, reason = "the one reason is given above")]
impl<const BF16: bool, const VNNI: bool> Simd for Avx512<BF16, VNNI> {
    type F = __m512;
    const LANES: usize = 16;
    const ACCUMULATORS: usize = 24;
    const FUSED: bool = true;

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(first(count), from) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: __m512) {
        unsafe { _mm512_storeu_ps(to, x) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: __m512, count: usize) {
        unsafe { _mm512_mask_storeu_ps(to, first(count), x) }
    }
    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()))) }
    }
    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, x: __m512) {
        unsafe { _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(x))) }
    }
    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_min_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, a: __m512) -> __m512 {
        unsafe { _mm512_sqrt_ps(a) }
    }
    #[inline(always)]
    fn select_gt(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), no, yes) }
    }
    #[inline(always)]
    fn select_gt_or_nan(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        unsafe {
            let keep = _mm512_mask_cmp_ps_mask::<_CMP_NGT_UQ>(_mm512_cmp_ps_mask::<_CMP_ORD_Q>(a, a), a, b);
            _mm512_mask_blend_ps(keep, yes, no)
        }
    }
    #[inline(always)]
    fn select_eq(self, a: __m512, b: __m512, yes: __m512, no: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b), no, yes) }
    }
    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn mul_pow2(self, a: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    fn copy_sign(self, a: __m512, sign: __m512) -> __m512 {
        unsafe {
            let bit = _mm512_set1_ps(-0.0);
            _mm512_or_ps(_mm512_andnot_ps(bit, a), _mm512_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        unsafe { _mm512_reduce_max_ps(a) }
    }
    #[inline(always)]
    fn pairs(self, low: __m512, high: __m512) -> __m512 {
        if !BF16 {
            return bf16::pairs(self, low, high);
        }
        unsafe {
            let low =
                _mm512_cvtepu16_epi32(std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(low)));
            let high =
                _mm512_cvtepu16_epi32(std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(high)));
            _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32::<16>(high)))
        }
    }
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut f32, x: __m512) {
        unsafe {
            match BF16 {
                false => bf16::store(self, to, x),
                true => {
                    let halves = std::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x));
                    _mm256_storeu_si256(to.cast(), halves)
                }
            }
        }
    }
    #[inline(always)]
    fn mul_add_pairs(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        if !BF16 {
            return bf16::mul_add_pairs(self, a, b, c);
        }
        unsafe {
            let [a, b] = [a, b].map(|pairs| std::mem::transmute::<__m512, __m512bh>(pairs));
            _mm512_dpbf16_ps(c, a, b)
        }
    }
    #[inline(always)]
    fn mul_add_quads(self, a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe {
            let [a, b, c] = [a, b, c].map(|lanes| _mm512_castps_si512(lanes));
            if VNNI {
                return _mm512_castsi512_ps(_mm512_dpbusd_epi32(c, a, b));
            }
            // Widened to 16 bits: the products of pairs of bytes would be cut off at 32,767.
            let even = _mm512_and_si512(a, _mm512_set1_epi16(0xFF));
            let odd = _mm512_srli_epi16::<8>(a);
            let [first, second] = [_mm512_slli_epi16::<8>(b), b].map(|b| _mm512_srai_epi16::<8>(b));
            let sum = _mm512_add_epi32(c, _mm512_madd_epi16(even, first));
            _mm512_castsi512_ps(_mm512_add_epi32(sum, _mm512_madd_epi16(odd, second)))
        }
    }
    #[inline(always)]
    fn max_quads(self, a: __m512, b: __m512) -> __m512 {
        unsafe {
            let [a, b] = [a, b].map(|lanes| _mm512_castps_si512(lanes));
            _mm512_castsi512_ps(_mm512_max_epu8(a, b))
        }
    }
    #[inline(always)]
    fn xor(self, a: __m512, b: __m512) -> __m512 {
        unsafe {
            let [a, b] = [a, b].map(|lanes| _mm512_castps_si512(lanes));
            _mm512_castsi512_ps(_mm512_xor_si512(a, b))
        }
    }
    #[inline(always)]
    fn whole_to_numbers(self, a: __m512) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(_mm512_castps_si512(a)) }
    }
    #[inline(always)]
    unsafe fn store_rounded_u8(self, to: *mut u8, x: __m512) {
        // Conversion to whole numbers rounds so.
        unsafe { self.store_u8(to, x) }
    }
}

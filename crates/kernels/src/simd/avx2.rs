//! AVX2 with FMA: 8 numbers in a register, 16 registers.

#![allow(unused_unsafe, reason = "which intrinsics count as safe depends on the compiler's version")]

use std::arch::x86_64::*;

use super::Simd;

/// Proof that the CPU has AVX2, FMA and BMI2, and AVX-VNNI if that is said.
#[derive(Clone, Copy)]
pub(crate) struct Avx2<const VNNI: bool>(());

impl<const VNNI: bool> Avx2<VNNI> {
    pub(crate) fn new() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("bmi2")
            && (!VNNI || is_x86_feature_detected!("avxvnni"));
        has.then_some(Avx2(()))
    }
}

/// Eight set words, then eight clear ones: a window into it is the mask of the first few lanes.
static MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

// SAFETY, for every block here that only computes: `self` proves that the CPU has the instruction. Where memory is
// touched, the caller promises that it may be.
#[allow(clippy::undocumented_unsafe_blocks, reason = "the one reason is given above")]
impl<const VNNI: bool> Avx2<VNNI> {
    #[inline(always)]
    fn first(self, count: usize) -> __m256i {
        let window = &MASK[8 - count..16 - count];
        unsafe { _mm256_loadu_si256(window.as_ptr().cast()) }
    }

    /// Lane 0 after `join` has folded the lanes, half by half.
    #[inline(always)]
    fn fold(self, a: __m256, join: impl Fn(__m128, __m128) -> __m128) -> f32 {
        unsafe {
            let four = join(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = join(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(join(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}

#[allow(clippy::undocumented_unsafe_blocks, reason = "the one reason is given above")]
impl<const VNNI: bool> Simd for Avx2<VNNI> {
    type F = __m256;
    const LANES: usize = 8;
    const ACCUMULATORS: usize = 12;
    const FUSED: bool = true;

    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn load_first(self, from: *const f32, count: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(from, self.first(count)) }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32, x: __m256) {
        unsafe { _mm256_storeu_ps(to, x) }
    }
    #[inline(always)]
    unsafe fn store_first(self, to: *mut f32, x: __m256, count: usize) {
        unsafe { _mm256_maskstore_ps(to, self.first(count), x) }
    }
    #[inline(always)]
    unsafe fn load_u8(self, from: *const u8) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()))) }
    }
    #[inline(always)]
    unsafe fn store_u8(self, to: *mut u8, x: __m256) {
        unsafe {
            let words = _mm256_cvtps_epi32(x);
            let halves =
                _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storel_epi64(to.cast(), _mm_packus_epi16(halves, halves));
        }
    }
    #[inline(always)]
    fn add(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }
    #[inline(always)]
    fn sub(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_sub_ps(a, b) }
    }
    #[inline(always)]
    fn mul(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(a, b) }
    }
    #[inline(always)]
    fn div(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_div_ps(a, b) }
    }
    #[inline(always)]
    fn mul_add(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    fn max(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_max_ps(a, b) }
    }
    #[inline(always)]
    fn min(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_min_ps(a, b) }
    }
    #[inline(always)]
    fn sqrt(self, a: __m256) -> __m256 {
        unsafe { _mm256_sqrt_ps(a) }
    }
    #[inline(always)]
    fn select_gt(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)) }
    }
    #[inline(always)]
    fn select_gt_or_nan(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        unsafe {
            let greater = _mm256_cmp_ps::<_CMP_GT_OQ>(a, b);
            _mm256_blendv_ps(no, yes, _mm256_or_ps(greater, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)))
        }
    }
    #[inline(always)]
    fn select_eq(self, a: __m256, b: __m256, yes: __m256, no: __m256) -> __m256 {
        unsafe { _mm256_blendv_ps(no, yes, _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b)) }
    }
    #[inline(always)]
    fn round(self, a: __m256) -> __m256 {
        unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }
    #[inline(always)]
    fn mul_pow2(self, a: __m256, n: __m256) -> __m256 {
        unsafe {
            let exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
            _mm256_mul_ps(a, _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)))
        }
    }
    #[inline(always)]
    fn copy_sign(self, a: __m256, sign: __m256) -> __m256 {
        unsafe {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, a), _mm256_and_ps(bit, sign))
        }
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        self.fold(a, |x, y| unsafe { _mm_add_ps(x, y) })
    }
    #[inline(always)]
    fn greatest(self, a: __m256) -> f32 {
        self.fold(a, |x, y| unsafe { _mm_max_ps(x, y) })
    }
    #[inline(always)]
    fn mul_add_quads(self, a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe {
            let [a, b, c] = [a, b, c].map(|lanes| _mm256_castps_si256(lanes));
            if VNNI {
                return _mm256_castsi256_ps(_mm256_dpbusd_avx_epi32(c, a, b));
            }
            // Widened to 16 bits: the products of pairs of bytes would be cut off at 32,767.
            let even = _mm256_and_si256(a, _mm256_set1_epi16(0xFF));
            let odd = _mm256_srli_epi16::<8>(a);
            let [first, second] = [_mm256_slli_epi16::<8>(b), b].map(|b| _mm256_srai_epi16::<8>(b));
            let sum = _mm256_add_epi32(c, _mm256_madd_epi16(even, first));
            _mm256_castsi256_ps(_mm256_add_epi32(sum, _mm256_madd_epi16(odd, second)))
        }
    }
    #[inline(always)]
    fn max_quads(self, a: __m256, b: __m256) -> __m256 {
        unsafe {
            let [a, b] = [a, b].map(|lanes| _mm256_castps_si256(lanes));
            _mm256_castsi256_ps(_mm256_max_epu8(a, b))
        }
    }
    #[inline(always)]
    fn xor(self, a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_xor_ps(a, b) }
    }
    #[inline(always)]
    fn whole_to_numbers(self, a: __m256) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(_mm256_castps_si256(a)) }
    }
    #[inline(always)]
    unsafe fn store_rounded_u8(self, to: *mut u8, x: __m256) {
        // Conversion to whole numbers rounds so.
        unsafe { self.store_u8(to, x) }
    }
}

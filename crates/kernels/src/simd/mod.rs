//! Vectors of `f32`, as wide as the CPU has them.
//!
//! A kernel is written once, over [`Simd`], and compiled for each [`Path`]. A value of a type that implements `Simd`
//! is the proof that the CPU has the instructions, so arithmetic is safe; only reading and writing memory is not.
//! [`Path::run`] is the one place where a path is chosen: it enters a function that is compiled with the path's
//! features, into which the kernel is inlined. Hence everything below it must be `#[inline(always)]`.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod bf16;
mod int8;
#[cfg(target_arch = "aarch64")]
mod neon;
mod plain;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
#[cfg(target_arch = "aarch64")]
pub(crate) use neon::Neon;
pub(crate) use plain::Plain;

/// Vectors of `f32` of one width, and the CPU's instructions on them. Memory that is read or written need not be aligned: four bytes
/// of a row of them are a lane too.
pub(crate) trait Simd: Copy + Send + Sync {
    /// `LANES` numbers.
    type F: Copy;

    /// Numbers in a vector.
    const LANES: usize;

    /// Accumulators of a product's tile that the registers have room for.
    const ACCUMULATORS: usize;

    /// Whether [`mul_add`](Simd::mul_add) rounds once.
    const FUSED: bool;

    /// The same number in every lane.
    fn splat(self, x: f32) -> Self::F;

    /// Reads `LANES` numbers.
    ///
    /// # Safety
    /// `from` must be readable for `LANES` numbers.
    unsafe fn load(self, from: *const f32) -> Self::F;

    /// Reads `count < LANES` numbers; the other lanes are 0.
    ///
    /// # Safety
    /// `from` must be readable for `count` numbers.
    unsafe fn load_first(self, from: *const f32, count: usize) -> Self::F;

    /// Writes `LANES` numbers.
    ///
    /// # Safety
    /// `to` must be writable for `LANES` numbers.
    unsafe fn store(self, to: *mut f32, x: Self::F);

    /// Writes the first `count < LANES` numbers.
    ///
    /// # Safety
    /// `to` must be writable for `count` numbers.
    unsafe fn store_first(self, to: *mut f32, x: Self::F, count: usize);

    /// Reads `LANES` bytes as numbers from 0 to 255.
    ///
    /// # Safety
    /// `from` must be readable for `LANES` bytes.
    unsafe fn load_u8(self, from: *const u8) -> Self::F;

    /// Writes `LANES` whole numbers from 0 to 255 as bytes.
    ///
    /// # Safety
    /// `to` must be writable for `LANES` bytes.
    unsafe fn store_u8(self, to: *mut u8, x: Self::F);

    /// `a + b`
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a - b`
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b`
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a / b`
    fn div(self, a: Self::F, b: Self::F) -> Self::F;
    /// `a · b + c`, rounded once where the CPU can.
    fn mul_add(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F;
    /// The greater of both; `b` where either is not a number.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// The lesser of both; `b` where either is not a number.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// The square root.
    fn sqrt(self, a: Self::F) -> Self::F;
    /// `yes` where `a > b`, else `no` (also where either is not a number).
    fn select_gt(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// `yes` where `a > b` or `a` is not a number, else `no`: a maximum that passes on what is not a number.
    fn select_gt_or_nan(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// `yes` where `a == b`, else `no` (also where either is not a number).
    fn select_eq(self, a: Self::F, b: Self::F, yes: Self::F, no: Self::F) -> Self::F;
    /// The nearest whole number, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// `a · 2^n` for whole `n` in `-126..=127`.
    fn mul_pow2(self, a: Self::F, n: Self::F) -> Self::F;
    /// The magnitude of `a` with the sign of `sign`.
    fn copy_sign(self, a: Self::F, sign: Self::F) -> Self::F;
    /// The sum of all lanes.
    fn sum(self, a: Self::F) -> f32;
    /// The greatest of all lanes.
    fn greatest(self, a: Self::F) -> f32;

    /// In each lane a pair of bf16, `low` in its lower half; both are rounded to the nearest, ties to even.
    #[inline(always)]
    fn pairs(self, low: Self::F, high: Self::F) -> Self::F {
        bf16::pairs(self, low, high)
    }

    /// Rounds the lanes to bf16 and writes them one after the other, each two of them a pair.
    ///
    /// # Safety
    /// `to` must be writable for `LANES / 2` numbers.
    #[inline(always)]
    unsafe fn store_bf16(self, to: *mut f32, x: Self::F) {
        // SAFETY: passed on to the caller.
        unsafe { bf16::store(self, to, x) }
    }

    /// `a · b + c`, where each lane of `a` and `b` is a pair of bf16: the sum of two products and `c`.
    #[inline(always)]
    fn mul_add_pairs(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        bf16::mul_add_pairs(self, a, b, c)
    }

    /// `a · b + c`, where each lane of `a` is four bytes from 0 to 255, each of `b` four from -128 to 127, and each of `c` and of
    /// the result a whole number of 32 bits: the sum of four products and `c`.
    #[inline(always)]
    fn mul_add_quads(self, a: Self::F, b: Self::F, c: Self::F) -> Self::F {
        int8::mul_add_quads(self, a, b, c)
    }

    /// The greater of both, byte by byte; each lane is four bytes from 0 to 255.
    #[inline(always)]
    fn max_quads(self, a: Self::F, b: Self::F) -> Self::F {
        int8::max_quads(self, a, b)
    }

    /// The bits that differ.
    #[inline(always)]
    fn xor(self, a: Self::F, b: Self::F) -> Self::F {
        int8::xor(self, a, b)
    }

    /// The nearest `f32` to each lane, which is a whole number of 32 bits.
    #[inline(always)]
    fn whole_to_numbers(self, a: Self::F) -> Self::F {
        int8::whole_to_numbers(self, a)
    }

    /// Writes the nearest whole numbers, ties to even, as bytes; all lanes are from 0 to 255.
    ///
    /// # Safety
    /// As for [`store_u8`](Simd::store_u8).
    #[inline(always)]
    unsafe fn store_rounded_u8(self, to: *mut u8, x: Self::F) {
        // SAFETY: passed on to the caller.
        unsafe { self.store_u8(to, self.round(x)) }
    }
}

/// Tells the CPU that a place will be read soon, which brings it into the first cache, where the CPU can be told.
/// Any address may be given.
#[inline(always)]
pub(crate) fn prefetch(place: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every 64-bit x86 CPU has the instruction, which reads nothing that the program could see.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// As [`prefetch`], into the second cache.
#[inline(always)]
pub(crate) fn prefetch_to_l2(place: *const u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: as for `prefetch`.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(place.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = place;
}

/// Reads a vector of a row that ends after `left` numbers.
///
/// # Safety
/// `from` must be readable for the lesser of `left` and `LANES` numbers.
#[inline(always)]
pub(crate) unsafe fn load_up_to<S: Simd>(s: S, from: *const f32, left: usize) -> S::F {
    // SAFETY: passed on to the caller.
    unsafe { if left >= S::LANES { s.load(from) } else { s.load_first(from, left) } }
}

/// Writes a vector into a row that ends after `left` numbers.
///
/// # Safety
/// `to` must be writable for the lesser of `left` and `LANES` numbers.
#[inline(always)]
pub(crate) unsafe fn store_up_to<S: Simd>(s: S, to: *mut f32, x: S::F, left: usize) {
    // SAFETY: passed on to the caller.
    unsafe { if left >= S::LANES { s.store(to, x) } else { s.store_first(to, x, left) } }
}

/// Work that is compiled for every path.
pub(crate) trait Kernel {
    /// What it gives.
    type Output;

    /// Does the work. Implementations, and whatever they call with `s`, must be `#[inline(always)]`.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// A set of CPU instructions that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Path {
    /// AVX-512 F, BW, DQ and VL: 16 numbers at once.
    Avx512,
    /// AVX2 with FMA: 8 numbers at once.
    Avx2,
    /// NEON of 64-bit ARM: 4 numbers at once.
    Neon,
    /// No particular instructions.
    Plain,
}

impl Path {
    /// All paths, fastest first.
    pub const ALL: [Path; 4] = [Path::Avx512, Path::Avx2, Path::Neon, Path::Plain];

    /// The fastest path of this CPU.
    pub fn best() -> Path {
        Path::ALL.into_iter().find(|path| path.is_available()).unwrap_or(Path::Plain)
    }

    /// Whether this CPU can run it. Asked of the CPU once; the standard library keeps the answer.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => Avx512::<false, false>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => Avx2::<false>::new().is_some(),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => true,
            Path::Plain => true,
            #[allow(unreachable_patterns, reason = "which paths are left depends on the architecture")]
            _ => false,
        }
    }

    /// How many numbers in `f32` a vector holds.
    pub fn lanes(self) -> usize {
        match self {
            Path::Avx512 => 16,
            Path::Avx2 => 8,
            Path::Neon | Path::Plain => 4,
        }
    }

    /// Whether this CPU has instructions for products in bf16 beside those of this path.
    pub fn has_bf16(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => Avx512::<true, false>::new().is_some(),
            _ => false,
        }
    }

    /// Its name as used in flags: `avx512`, `avx2`, `neon`, `plain`.
    pub fn name(self) -> &'static str {
        match self {
            Path::Avx512 => "avx512",
            Path::Avx2 => "avx2",
            Path::Neon => "neon",
            Path::Plain => "plain",
        }
    }

    /// Runs a kernel with this path's instructions, or plainly where the CPU lacks them.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,bmi2")]
            fn with_avx512<K: Kernel>(s: Avx512<false, false>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            #[target_feature(enable = "avx2,fma,bmi2")]
            fn with_avx2<K: Kernel>(s: Avx2<false>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            if self == Path::Avx512
                && let Some(s) = Avx512::<false, false>::new()
            {
                // SAFETY: an `Avx512` exists only where the CPU has these features.
                return unsafe { with_avx512(s, kernel) };
            }
            if self == Path::Avx2
                && let Some(s) = Avx2::<false>::new()
            {
                // SAFETY: an `Avx2` exists only where the CPU has these features.
                return unsafe { with_avx2(s, kernel) };
            }
        }
        #[cfg(target_arch = "aarch64")]
        if self == Path::Neon {
            return kernel.run(Neon::new());
        }
        kernel.run(Plain)
    }
}

impl Path {
    /// As [`run`](Path::run), with the CPU's instructions for bf16 where it has them.
    #[inline]
    pub(crate) fn run_bf16<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,bmi2")]
            fn with_avx512<K: Kernel>(s: Avx512<true, false>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            if self == Path::Avx512
                && let Some(s) = Avx512::<true, false>::new()
            {
                // SAFETY: an `Avx512<true, false>` exists only where the CPU has these features.
                return unsafe { with_avx512(s, kernel) };
            }
        }
        self.run(kernel)
    }

    /// Whether this CPU has instructions for products of bytes beside those of this path.
    pub fn has_int8(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => Avx512::<false, true>::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => Avx2::<true>::new().is_some(),
            #[cfg(target_arch = "aarch64")]
            Path::Neon => Neon::with_dot_product().is_some(),
            _ => false,
        }
    }

    /// As [`run`](Path::run), with the CPU's instructions for products of bytes where it has them.
    #[inline]
    pub(crate) fn run_int8<K: Kernel>(self, kernel: K) -> K::Output {
        #[cfg(target_arch = "x86_64")]
        {
            #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,bmi2")]
            fn with_avx512<K: Kernel>(s: Avx512<false, true>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            #[target_feature(enable = "avx2,avxvnni,fma,bmi2")]
            fn with_avx2<K: Kernel>(s: Avx2<true>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            if self == Path::Avx512
                && let Some(s) = Avx512::<false, true>::new()
            {
                // SAFETY: an `Avx512<_, true>` exists only where the CPU has these features.
                return unsafe { with_avx512(s, kernel) };
            }
            if self == Path::Avx2
                && let Some(s) = Avx2::<true>::new()
            {
                // SAFETY: an `Avx2<true>` exists only where the CPU has these features.
                return unsafe { with_avx2(s, kernel) };
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            #[target_feature(enable = "neon,dotprod")]
            fn with_neon<K: Kernel>(s: Neon<true>, kernel: K) -> K::Output {
                kernel.run(s)
            }
            if self == Path::Neon
                && let Some(s) = Neon::with_dot_product()
            {
                // SAFETY: a `Neon<true>` exists only where the CPU has the dot product.
                return unsafe { with_neon(s, kernel) };
            }
        }
        self.run(kernel)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

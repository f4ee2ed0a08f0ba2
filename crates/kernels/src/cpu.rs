//! What a kernel runs on: a path of instructions and a number of threads, given to it as an argument.

use crate::Path;
use crate::simd::Kernel;
pub(crate) use crate::threads::in_parallel;

/// In what numbers products are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Factors are rounded to bf16, 16 bits with the exponents of `f32`; their products are added in `f32`. Where nothing is
    /// gained by it, a kernel goes on in `f32`. CPUs without instructions for it take many times as long; see
    /// [`Path::has_bf16`].
    Bf16,
}

/// The instructions and the threads that a kernel may use, and the precision of its products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Which instructions. One that the CPU lacks is replaced by [`Path::Plain`].
    pub path: Path,
    /// How many threads at most, the caller's included; at least 1.
    pub threads: usize,
    /// In what numbers products are made.
    pub precision: Precision,
}

impl Cpu {
    /// The fastest instructions of this CPU, in `f32`, on `threads` threads.
    pub fn best(threads: usize) -> Self {
        Cpu { path: Path::best(), threads: threads.max(1), precision: Precision::F32 }
    }

    /// These instructions, in `f32`, on the caller's thread.
    pub fn single(path: Path) -> Self {
        Cpu { path, threads: 1, precision: Precision::F32 }
    }

    /// Whether factors are rounded to bf16.
    pub(crate) fn is_bf16(self) -> bool {
        self.precision == Precision::Bf16
    }

    /// Runs a kernel on the caller's thread, with the instructions for the precision.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        if self.is_bf16() { self.path.run_bf16(kernel) } else { self.path.run(kernel) }
    }

    /// The terms of a sum over so many values: half as many in bf16, where two are a pair.
    pub(crate) fn terms(self, values: usize) -> usize {
        if self.is_bf16() { values.div_ceil(2) } else { values }
    }

    /// The same instructions on the caller's thread alone, for work that is done in parallel already.
    pub fn alone(self) -> Self {
        Cpu { threads: 1, ..self }
    }
}

/// Splits `0..len` into at most `parts` ranges of nearly equal length, each but the last a multiple of `grain`.
pub(crate) fn ranges(len: usize, parts: usize, grain: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let grains = len.div_ceil(grain.max(1));
    let parts = parts.clamp(1, grains.max(1));
    (0..parts).map(move |part| {
        let start = grains * part / parts * grain;
        let end = (grains * (part + 1) / parts * grain).min(len);
        start.min(len)..end
    })
}

/// A pointer that may cross threads; whoever sends it keeps the parts' places apart.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T>(*mut T);

// SAFETY: only an address travels; each use of it says why its place is no other thread's.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Shared(slice.as_mut_ptr())
    }

    pub(crate) fn ptr(self) -> *mut T {
        self.0
    }

    /// The part `range` of the slice.
    ///
    /// # Safety
    /// The range must lie inside the slice, no other thread may touch it meanwhile, and the slice must outlive `'a`.
    pub(crate) unsafe fn part<'a>(self, range: std::ops::Range<usize>) -> &'a mut [T] {
        // SAFETY: passed on to the caller.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start), range.len()) }
    }
}

//! How fast the CPU multiplies and adds when nothing else is in the way: what kernels are measured against.

use crate::Cpu;
use crate::simd::{Kernel, Simd};

/// Multiplies and adds in the registers for some rounds, on the caller's thread, in the precision of `cpu`. Gives the number of
/// floating-point operations, two for each multiplication with its addition.
///
/// ```
/// use fireclay_kernels::{Cpu, multiply_and_add};
/// let operations = multiply_and_add(Cpu::best(1), 1_000);
/// assert!(operations >= 2 * 1_000);
/// ```
pub fn multiply_and_add(cpu: Cpu, rounds: u64) -> u64 {
    match cpu.is_bf16() {
        false => cpu.run(MultiplyAndAdd::<false>(rounds)),
        true => cpu.run(MultiplyAndAdd::<true>(rounds)),
    }
}

/// With `PAIRS` of pairs of bf16.
struct MultiplyAndAdd<const PAIRS: bool>(u64);

impl<const PAIRS: bool> Kernel for MultiplyAndAdd<PAIRS> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> u64 {
        // As many chains as it takes to hide the latency, and as there are registers for.
        if const { S::ACCUMULATORS >= 24 } {
            chains::<S, PAIRS, 24>(s, self.0)
        } else {
            chains::<S, PAIRS, 10>(s, self.0)
        }
    }
}

#[inline(always)]
fn chains<S: Simd, const PAIRS: bool, const CHAINS: usize>(s: S, rounds: u64) -> u64 {
    let factor = s.splat(std::hint::black_box(0.999_99));
    let mut sums = [s.splat(1.0); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = match PAIRS {
                false => s.mul_add(*sum, factor, factor),
                true => s.mul_add_pairs(factor, factor, *sum),
            };
        }
    }
    std::hint::black_box(sums.map(|sum| s.sum(sum)));
    let of_each = if PAIRS { 4 } else { 2 };
    of_each * (CHAINS * S::LANES) as u64 * rounds
}

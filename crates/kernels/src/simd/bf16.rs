//! Pairs of bf16 in the lanes of vectors of `f32`, where a CPU has no instructions for them: slow, and the same roundings, but
//! that the instructions take numbers below the least normal one as 0.
//!
//! A bf16 is the upper half of an `f32`. Where two terms of a sum lie in one lane, one instruction adds both products.

use super::Simd;

/// The nearest bf16, ties to even, as the upper half of the result.
fn rounded(x: f32) -> u32 {
    let bits = x.to_bits();
    match x.is_nan() {
        true => (bits | 0x0040_0000) & 0xFFFF_0000,
        false => bits.wrapping_add(0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000,
    }
}

/// The nearest number that a bf16 holds.
#[cfg(test)]
pub(crate) fn round(x: f32) -> f32 {
    f32::from_bits(rounded(x))
}

fn pair(low: f32, high: f32) -> f32 {
    f32::from_bits(rounded(low) >> 16 | rounded(high))
}

fn halves(pair: f32) -> [f32; 2] {
    let bits = pair.to_bits();
    [f32::from_bits(bits << 16), f32::from_bits(bits & 0xFFFF_0000)]
}

/// No vector has more lanes.
const MOST_LANES: usize = 16;

#[inline(always)]
fn lanes<S: Simd>(s: S, x: S::F) -> [f32; MOST_LANES] {
    const { assert!(S::LANES <= MOST_LANES) };
    let mut lanes = [0.0; MOST_LANES];
    // SAFETY: there is room for as many lanes as a vector may have.
    unsafe { s.store(lanes.as_mut_ptr(), x) };
    lanes
}

#[inline(always)]
fn vector<S: Simd>(s: S, lanes: [f32; MOST_LANES]) -> S::F {
    // SAFETY: there are as many lanes as a vector may have.
    unsafe { s.load(lanes.as_ptr()) }
}

#[inline(always)]
pub(super) fn pairs<S: Simd>(s: S, low: S::F, high: S::F) -> S::F {
    let (low, high) = (lanes(s, low), lanes(s, high));
    vector(s, std::array::from_fn(|lane| pair(low[lane], high[lane])))
}

/// # Safety
/// As for [`Simd::store_bf16`].
#[inline(always)]
pub(super) unsafe fn store<S: Simd>(s: S, to: *mut f32, x: S::F) {
    let lanes = lanes(s, x);
    for at in 0..S::LANES / 2 {
        // SAFETY: passed on to the caller.
        unsafe { *to.add(at) = pair(lanes[2 * at], lanes[2 * at + 1]) };
    }
}

#[inline(always)]
pub(super) fn mul_add_pairs<S: Simd>(s: S, a: S::F, b: S::F, c: S::F) -> S::F {
    let (a, b) = (lanes(s, a), lanes(s, b));
    let half = |numbers: &[f32; MOST_LANES], which: usize| {
        vector(s, std::array::from_fn(|lane| halves(numbers[lane])[which]))
    };
    let sum = s.mul_add(half(&a, 1), half(&b, 1), c);
    s.mul_add(half(&a, 0), half(&b, 0), sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Random, paths};
    use crate::simd::Kernel;

    struct Both<'a>(&'a [f32], &'a [f32], &'a mut Vec<u32>);

    impl Kernel for Both<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for (low, high) in self.0.chunks_exact(S::LANES).zip(self.1.chunks_exact(S::LANES)) {
                // SAFETY: the chunks hold a vector each, and half of one has room in a vector.
                let (low, high) = unsafe { (s.load(low.as_ptr()), s.load(high.as_ptr())) };
                self.2.extend(lanes(s, s.pairs(low, high)).iter().take(S::LANES).map(|lane| lane.to_bits()));
                let mut row = [0.0; MOST_LANES];
                // SAFETY: as above.
                unsafe { s.store_bf16(row.as_mut_ptr(), low) };
                for (at, lane) in lanes(s, low).iter().enumerate().take(S::LANES) {
                    let half = halves(row[at / 2])[at % 2];
                    assert!(half.to_bits() == rounded(*lane), "{lane} became {half}");
                }
            }
        }
    }

    #[test]
    fn every_path_rounds_alike() {
        let mut random = Random::new(1);
        let mut low = random.numbers(4096);
        let high: Vec<f32> = low.iter().map(|x| x * 1e20).collect();
        // Halfway between two: to the even one.
        low.extend([
            1.0 + 1.0 / 256.0,
            1.0 + 3.0 / 256.0,
            f32::INFINITY,
            -f32::INFINITY,
            f32::MAX,
            0.0,
            -0.0,
            1e-30,
        ]);
        low.extend([f32::NAN; 8]);
        let high = [&high[..], &low[4096..]].concat();
        let expected: Vec<u32> =
            low.iter().zip(&high).map(|(low, high)| pair(*low, *high).to_bits()).collect();
        for path in paths() {
            for hardware in [false, true] {
                let mut found = Vec::new();
                let kernel = Both(&low, &high, &mut found);
                if hardware {
                    path.run_bf16(kernel)
                } else {
                    path.run(kernel)
                }
                assert!(found == expected, "{path}, its own instructions {hardware}");
            }
        }
        assert_eq!([round(1.0 + 1.0 / 256.0), round(1.0 + 3.0 / 256.0)], [1.0, 1.0 + 4.0 / 256.0]);
    }
}

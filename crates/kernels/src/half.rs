//! Numbers put away in bf16, in half the room, and taken out again.

use crate::Cpu;
use crate::cpu::Shared;
use crate::memory::Values;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, over_rows};

/// Values that a thread takes at a time; a whole number of vectors.
const BLOCK: usize = if cfg!(test) { 64 } else { 8192 };

/// Values of the widest vector: the last one is written whole.
const WIDEST: usize = 16;

/// The values rounded to bf16, two of them in the room of one number, for [`from_bf16`].
///
/// ```
/// use fireclay_kernels::{Cpu, from_bf16, to_bf16};
/// let cpu = Cpu::best(1);
/// let rounded = to_bf16(cpu, &[1.0, 1.0 / 3.0, -2.0]);
/// let mut values = [0.0; 3];
/// from_bf16(cpu, &rounded, &mut values);
/// assert_eq!(values, [1.0, 0.333_984_38, -2.0]);
/// ```
pub fn to_bf16(cpu: Cpu, values: &[f32]) -> Values {
    let mut rounded = Values::unspecified(values.len().next_multiple_of(WIDEST) / 2);
    let shared = Shared::new(&mut rounded);
    over_rows(cpu, values.len().div_ceil(BLOCK), values.len(), |blocks| {
        let places = blocks.start * BLOCK..(blocks.end * BLOCK).min(values.len());
        let room = places.start / 2..places.end.next_multiple_of(WIDEST) / 2;
        // SAFETY: the parts have different blocks, and only the last one may end within a vector, for which there is room.
        let rounded = unsafe { shared.part(room) };
        cpu.path.run_bf16(ToBf16 { values: &values[places], rounded });
    });
    rounded
}

/// The values that [`to_bf16`] put away.
///
/// # Panics
/// If there are more of them than were put away.
pub fn from_bf16(cpu: Cpu, rounded: &[f32], values: &mut [f32]) {
    let len = values.len();
    assert!(len <= 2 * rounded.len(), "{len} values of {} in bf16", 2 * rounded.len());
    let shared = Shared::new(values);
    over_rows(cpu, len.div_ceil(BLOCK), len, |blocks| {
        let places = blocks.start * BLOCK..(blocks.end * BLOCK).min(len);
        // SAFETY: the parts have different blocks.
        let values = unsafe { shared.part(places.clone()) };
        cpu.path.run(FromBf16 { rounded: &rounded[places.start / 2..places.end.div_ceil(2)], values });
    });
}

struct ToBf16<'a> {
    values: &'a [f32],
    /// With room for whole vectors.
    rounded: &'a mut [f32],
}

impl Kernel for ToBf16<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let ToBf16 { values, rounded } = self;
        assert!(2 * rounded.len() >= values.len().next_multiple_of(S::LANES));
        each_vector!(S::LANES, values.len(), |at, count| {
            let x = get(s, values, at, count);
            // SAFETY: there is room for whole vectors.
            unsafe { s.store_bf16(rounded.as_mut_ptr().add(at / 2), x) };
        });
    }
}

struct FromBf16<'a> {
    rounded: &'a [f32],
    values: &'a mut [f32],
}

impl Kernel for FromBf16<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let (pairs, rest) = self.values.as_chunks_mut::<2>();
        for (values, pair) in pairs.iter_mut().zip(self.rounded) {
            let pair = pair.to_bits();
            *values = [f32::from_bits(pair << 16), f32::from_bits(pair & 0xFFFF_0000)];
        }
        if let (Some(value), Some(pair)) = (rest.first_mut(), self.rounded.last()) {
            *value = f32::from_bits(pair.to_bits() << 16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Random, cpus};
    use crate::simd::bf16::round;

    #[test]
    fn what_was_put_away_comes_back_rounded() {
        let mut random = Random::new(8);
        for len in (0..=70).chain([1000, 1023]) {
            let values = random.numbers(len);
            let expected: Vec<f32> = values.iter().map(|value| round(*value)).collect();
            for cpu in cpus() {
                let rounded = to_bf16(cpu, &values);
                assert!(2 * rounded.len() < len + 2 * WIDEST);
                let mut found = vec![9.0; len];
                from_bf16(cpu, &rounded, &mut found);
                assert_eq!(found, expected, "{cpu:?}, {len} values");
            }
        }
    }
}

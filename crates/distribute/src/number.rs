//! Numbers that ranks sum.

use std::borrow::Cow;
use std::ops::Add;

use crate::call::Call;

/// Numbers on the wire and in shared memory are little-endian.
pub trait Number: Copy + Default + Add<Output = Self> + Send + 'static {
    /// The call that sums so many of them.
    fn call(count: usize) -> Call;

    /// The bytes of values, as they lie in memory where that is little-endian.
    fn bytes(values: &[Self]) -> Cow<'_, [u8]>;

    /// Writes as many values as there is room for.
    fn write(values: &[Self], bytes: &mut [u8]);

    /// Reads as many values as there is room for.
    fn take(values: &mut [Self], bytes: &[u8]);

    /// Adds as many values as there is room for.
    fn add_to(values: &mut [Self], bytes: &[u8]);
}

macro_rules! number {
    ($type:ty, $bytes:literal, $call:path) => {
        impl Number for $type {
            fn call(count: usize) -> Call {
                $call(count as u64)
            }

            fn bytes(values: &[Self]) -> Cow<'_, [u8]> {
                if cfg!(target_endian = "little") {
                    return Cow::Borrowed(bytemuck::cast_slice(values));
                }
                let mut bytes = vec![0; size_of_val(values)];
                Self::write(values, &mut bytes);
                Cow::Owned(bytes)
            }

            fn write(values: &[Self], bytes: &mut [u8]) {
                for (place, value) in bytes.as_chunks_mut::<$bytes>().0.iter_mut().zip(values) {
                    *place = value.to_le_bytes();
                }
            }

            fn take(values: &mut [Self], bytes: &[u8]) {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<$bytes>().0) {
                    *value = <$type>::from_le_bytes(*bytes);
                }
            }

            fn add_to(values: &mut [Self], bytes: &[u8]) {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks::<$bytes>().0) {
                    *value += <$type>::from_le_bytes(*bytes);
                }
            }
        }
    };
}

number!(f32, 4, Call::Sum);
number!(f64, 8, Call::SumF64);

/// Values that are summed at once, so that they stay in the fastest memory.
const BLOCK: usize = 2048;

/// Replaces the values of a rank by their sum over all ranks, in the order of the ranks: `others` has the bytes of each, and
/// anything for this rank itself. `shown` gets the bytes of the sum, as far as there is room for them.
pub fn sum_in_order<T: Number>(own: &mut [T], rank: usize, others: &[&[u8]], shown: &mut [u8]) {
    let mut sum = [T::default(); BLOCK];
    for (at, values) in own.chunks_mut(BLOCK).enumerate() {
        let sum = &mut sum[..values.len()];
        let start = at * BLOCK * size_of::<T>();
        for (other, bytes) in others.iter().enumerate() {
            match (other, other == rank) {
                (0, true) => sum.copy_from_slice(values),
                (0, false) => T::take(sum, &bytes[start..]),
                (_, true) => sum.iter_mut().zip(&*values).for_each(|(sum, value)| *sum = *sum + *value),
                (_, false) => T::add_to(sum, &bytes[start..]),
            }
        }
        values.copy_from_slice(sum);
        if let Some(shown) = shown.get_mut(start..) {
            T::write(sum, shown);
        }
    }
}

/// Where the part of `count` values lies that this of `size` ranks sums: parts of whole cache lines, as even as they can be.
pub fn part_of(rank: usize, size: usize, count: usize) -> std::ops::Range<usize> {
    const LINE: usize = 16;
    let lines = count.div_ceil(LINE);
    let edge = |rank: usize| (rank * lines / size * LINE).min(count);
    edge(rank)..edge(rank + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_all_values_once() {
        for size in 1..6 {
            for count in [0, 1, 15, 16, 17, 100, 1003] {
                let parts: Vec<_> = (0..size).map(|rank| part_of(rank, size, count)).collect();
                assert_eq!((parts[0].start, parts[size - 1].end), (0, count));
                assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
    }

    #[test]
    fn sums_keep_the_order_of_the_ranks() {
        let given = [1e8f32, 1.0, -1e8];
        let bytes = given.map(|value| f32::bytes(&vec![value; 5000]).into_owned());
        let others: Vec<&[u8]> = bytes.iter().map(Vec::as_slice).collect();
        for (rank, given) in given.into_iter().enumerate() {
            let mut own = vec![given; 5000];
            sum_in_order(&mut own, rank, &others, &mut []);
            assert!(own.iter().all(|sum| sum.to_bits() == ((1e8f32 + 1.0) - 1e8).to_bits()));
        }
    }
}

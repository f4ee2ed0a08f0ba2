//! In which order an epoch visits the samples.

use crate::random::Random;

/// Marks the random stream that shuffles epochs.
const PURPOSE: u64 = 0x6f72_6465_7200_0001;

/// The order in which epoch `epoch` visits `len` samples: a permutation of `0..len`.
///
/// A pure function of its arguments, the same in every release and on every machine, so that training resumed from a
/// checkpoint sees the batches it would have seen. Lengths above `u32::MAX` are cut to it; a
/// [`Dataset`](crate::Dataset) is never longer.
///
/// ```
/// use fireclay_data::epoch_order;
///
/// assert_eq!(epoch_order(5, 42, 0), epoch_order(5, 42, 0));
/// assert_ne!(epoch_order(500, 42, 0), epoch_order(500, 42, 1));
/// ```
pub fn epoch_order(len: usize, seed: u64, epoch: usize) -> Vec<u32> {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let mut order: Vec<u32> = (0..len).collect();
    Random::new(PURPOSE, seed, epoch as u64).shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_pinned() {
        assert_eq!(epoch_order(10, 0, 0), [1, 7, 5, 8, 2, 9, 6, 3, 0, 4]);
        assert_eq!(epoch_order(10, 0, 1), [1, 5, 3, 0, 9, 6, 4, 8, 7, 2]);
        assert_eq!(epoch_order(10, 1, 0), [0, 6, 9, 4, 3, 1, 2, 5, 7, 8]);
    }

    #[test]
    fn every_sample_once() {
        for len in [0, 1, 2, 3, 1000] {
            let mut order = epoch_order(len, 3, 4);
            order.sort_unstable();
            assert!(order.iter().copied().eq(0..len as u32));
        }
    }
}

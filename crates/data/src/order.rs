//! In which order an epoch visits the samples.

use crate::random::Random;

/// Marks the random stream that shuffles epochs.
const PURPOSE: u64 = 0x6f72_6465_7200_0001;

/// Marks the random stream that shuffles batches of like lengths.
const BUCKETS: u64 = 0x6f72_6465_7200_0002;

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

/// How many batches of samples are sorted by length together: enough for batches of like lengths, and few enough that
/// a batch still differs from epoch to epoch.
const WINDOW_BATCHES: usize = 50;

/// The order in which epoch `epoch` visits samples of these lengths, so that samples of like length come into one
/// batch of `batch_size` and little is padded: a permutation of `0..lengths.len()`.
///
/// The samples are shuffled and sorted by length within windows of 50 batches; then the batches are shuffled. If the
/// last batch is short, it stays last, and its samples are random ones. A pure function of its arguments, as
/// [`epoch_order`]; a `batch_size` of 0 counts as 1.
///
/// ```
/// use fireclay_data::bucketed_order;
///
/// let order = bucketed_order(&[9, 1, 9, 1], 42, 0, 2);
/// let batches: Vec<bool> = order.chunks(2).map(|batch| batch.contains(&0) == batch.contains(&2)).collect();
/// assert_eq!(batches, [true, true]); // the long ones together, the short ones together
/// ```
///
/// # Shapes
/// - `lengths`: of every sample
pub fn bucketed_order(lengths: &[u32], seed: u64, epoch: usize, batch_size: usize) -> Vec<u32> {
    let batch_size = batch_size.max(1);
    let mut order = epoch_order(lengths.len(), seed, epoch);
    let in_whole_batches = order.len() - order.len() % batch_size;
    let short = order.split_off(in_whole_batches);
    let length = |sample: &u32| lengths.get(*sample as usize);
    for window in order.chunks_mut(batch_size.saturating_mul(WINDOW_BATCHES)) {
        // Stable, so that samples of one length stay shuffled.
        window.sort_by_key(length);
    }
    let mut batches: Vec<&[u32]> = order.chunks_exact(batch_size).collect();
    Random::new(BUCKETS, seed, epoch as u64).shuffle(&mut batches);
    batches.push(&short);
    batches.concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    /// Lengths as those of reviews: most short, some very long.
    fn skewed(len: u32) -> Vec<u32> {
        let mut random = Random::new(0, 0, 0);
        (0..len).map(|_| (200.0 * random.normal().exp()) as u32 + 1).collect()
    }

    /// Which part of all tokens is padding if each batch is filled up to its longest sample.
    fn waste(order: &[u32], lengths: &[u32], batch_size: usize) -> f64 {
        let length = |sample: &u32| u64::from(lengths[*sample as usize]);
        let padded: u64 = order
            .chunks(batch_size)
            .map(|batch| batch.iter().map(length).max().unwrap_or(0) * batch.len() as u64)
            .sum();
        1.0 - order.iter().map(length).sum::<u64>() as f64 / padded as f64
    }

    #[test]
    fn bucketed_values_are_pinned() {
        assert_eq!(bucketed_order(&[5, 1, 4, 2, 3, 9, 8, 7, 6, 0], 0, 0, 3), [7, 6, 5, 2, 0, 8, 9, 1, 3, 4]);
        assert_eq!(bucketed_order(&[5, 1, 4, 2, 3, 9, 8, 7, 6, 0], 0, 1, 3), [4, 0, 8, 9, 1, 3, 7, 6, 5, 2]);
    }

    #[test]
    fn buckets_waste_little() {
        let lengths = skewed(20_000);
        let shuffled = waste(&epoch_order(lengths.len(), 1, 0), &lengths, 32);
        let bucketed = waste(&bucketed_order(&lengths, 1, 0, 32), &lengths, 32);
        assert!(shuffled > 0.6, "{shuffled}");
        assert!(bucketed < 0.15, "{bucketed}");
    }

    #[test]
    fn batches_come_in_no_order_and_differ_between_epochs() {
        let lengths = skewed(1600);
        let order = bucketed_order(&lengths, 1, 0, 32);
        let longest: Vec<u32> =
            order.chunks(32).filter_map(|batch| batch.iter().map(|s| lengths[*s as usize]).max()).collect();
        assert!(!longest.is_sorted() && !longest.is_sorted_by(|a, b| a >= b));
        let other = bucketed_order(&lengths, 1, 1, 32);
        let batches = |order: &[u32]| -> std::collections::BTreeSet<Vec<u32>> {
            let sorted = |batch: &[u32]| {
                let mut batch = batch.to_vec();
                batch.sort_unstable();
                batch
            };
            order.chunks(32).map(sorted).collect()
        };
        assert!(batches(&order).is_disjoint(&batches(&bucketed_order(&skewed(16_000), 1, 1, 32))));
        assert_ne!(order, other);
    }

    proptest! {
        #[test]
        fn bucketed_orders_are_permutations(
            lengths in proptest::collection::vec(0u32..50, 0..300),
            seed: u64,
            epoch in 0usize..3,
            batch_size in 0usize..70,
        ) {
            let order = bucketed_order(&lengths, seed, epoch, batch_size);
            prop_assert_eq!(&order, &bucketed_order(&lengths, seed, epoch, batch_size));
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..lengths.len() as u32));
        }
    }
}

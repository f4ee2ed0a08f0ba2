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

/// Marks the random stream that shuffles shards.
const SHARDS: u64 = 0x6f72_6465_7200_0003;

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

/// How many parts of a set of shards are read at a time.
const INTERLEAVED: usize = 16;

/// The order in which epoch `epoch` visits samples that lie in shards, such as files that are together larger than memory: a
/// permutation of `0..ends.last()`.
///
/// The samples are cut into 16 parts (no more than `batch_size`), and each batch takes so many from each part as its share of all
/// samples is, those of the first part first; the parts are equal where 16 divides `batch_size`. In a part one shard is read after the other, in random order, and the samples of
/// a shard in random order. So 16 shards are in use at a time, which should fit into memory, a batch has samples of all parts, and of two, four, eight or
/// sixteen processes, each of which has an equal piece of every batch, each reads the shards of its own parts alone, give or take one
/// sample in the last batch. Let shards hold samples in random order if they can: what lies in one shard is met within a short time.
///
/// A pure function of its arguments, as [`epoch_order`]; a `batch_size` of 0 counts as 1.
///
/// ```
/// use fireclay_data::shard_order;
///
/// // Four shards of three samples, in batches of two: one of the first half, one of the second.
/// let order = shard_order(&[3, 6, 9, 12], 42, 0, 2);
/// assert!(order.chunks(2).all(|batch| batch[0] < 6 && batch[1] >= 6));
/// ```
///
/// # Shapes
/// - `ends`: for each shard how many samples there are in it and the ones before, ascending
pub fn shard_order(ends: &[usize], seed: u64, epoch: usize, batch_size: usize) -> Vec<u32> {
    let samples = ends.last().map_or(0, |end| (*end).min(u32::MAX as usize));
    let batch_size = batch_size.max(1);
    let parts = batch_size.min(INTERLEAVED);
    // Widened, as a product of two lengths may be more than a `usize` holds.
    let share = |of: usize, count: usize, all: usize| (of as u128 * count as u128 / all as u128) as usize;
    let slots: Vec<usize> = (0..=parts).map(|part| share(batch_size, part, parts)).collect();
    let mut random = Random::new(SHARDS, seed, epoch as u64);
    let parts = slots.windows(2).map(|slots| {
        let part = share(samples, slots[0], batch_size)..share(samples, slots[1], batch_size);
        let of_part = std::iter::once(part.start)
            .chain(ends.iter().copied().filter(|end| part.contains(end) && *end != part.start))
            .chain(std::iter::once(part.end));
        let bounds: Vec<usize> = of_part.collect();
        let mut shards: Vec<_> = bounds.windows(2).map(|bounds| bounds[0]..bounds[1]).collect();
        random.shuffle(&mut shards);
        let mut order = Vec::with_capacity(part.len());
        for shard in shards {
            let from = order.len();
            order.extend(shard.map(|sample| sample as u32));
            random.shuffle(&mut order[from..]);
        }
        (order, slots[1] - slots[0])
    });
    let parts: Vec<(Vec<u32>, usize)> = parts.collect();
    let batches = samples.div_ceil(batch_size);
    let mut order = Vec::with_capacity(samples);
    for batch in 0..batches {
        for (part, slots) in &parts {
            let from = batch * slots;
            // In the last batch what is left.
            order.extend_from_slice(&part[from..(from + slots).min(part.len())]);
        }
    }
    order
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
    fn orders_of_shards_are_pinned() {
        assert_eq!(shard_order(&[3, 6, 9, 10], 0, 0, 4), [0, 3, 5, 9, 1, 4, 6, 7, 2, 8]);
        assert_eq!(shard_order(&[5, 10, 12], 0, 1, 2), [1, 6, 4, 7, 3, 9, 2, 8, 0, 10, 5, 11]);
        assert_eq!(shard_order(&[5, 10, 12], 0, 2, 2), [4, 9, 2, 7, 3, 8, 1, 6, 0, 11, 5, 10]);
        assert_eq!(shard_order(&[], 0, 0, 4), [0; 0]);
    }

    /// Which shards the samples of one of several processes lie in, each of which has an equal piece of every batch.
    fn shards_of(order: &[u32], ends: &[usize], batch_size: usize, rank: usize, ranks: usize) -> Vec<usize> {
        let pieces = order.chunks(batch_size).flat_map(|batch| {
            let bound = |rank: usize| batch.len() * rank / ranks;
            &batch[bound(rank)..bound(rank + 1)]
        });
        let shards = pieces.map(|sample| ends.partition_point(|end| *end <= *sample as usize));
        shards.collect::<std::collections::BTreeSet<_>>().into_iter().collect()
    }

    #[test]
    fn each_process_reads_its_own_shards() {
        let ends: Vec<usize> = (1..=32).map(|shard| shard * 100).collect();
        for ranks in [2, 4, 8, 16] {
            let order = shard_order(&ends, 7, 3, 64);
            for rank in 0..ranks {
                let own: Vec<usize> = (rank * 32 / ranks..(rank + 1) * 32 / ranks).collect();
                assert_eq!(shards_of(&order, &ends, 64, rank, ranks), own, "rank {rank} of {ranks}");
            }
        }
        // Where a last batch is short, and shards are cut between two processes.
        let ends: Vec<usize> = (1..=10).map(|shard| shard * 131).collect();
        let order = shard_order(&ends, 7, 3, 48);
        assert_eq!(shards_of(&order, &ends, 48, 0, 4), [0, 1, 2]);
        assert_eq!(shards_of(&order, &ends, 48, 3, 4), [7, 8, 9]);
    }

    #[test]
    fn few_shards_are_in_use_at_a_time_and_batches_mix_them() {
        let ends: Vec<usize> = (1..=64).map(|shard| shard * 1_000).collect();
        let order = shard_order(&ends, 0, 1, 64);
        for (at, window) in order.chunks(6_400).enumerate() {
            let mut shards: Vec<u32> = window.iter().map(|sample| sample / 1_000).collect();
            shards.sort_unstable();
            shards.dedup();
            // A tenth of an epoch touches a shard of each part, and the next one where it goes over.
            assert!((16..=32).contains(&shards.len()), "{} in window {at}", shards.len());
        }
        let batch: std::collections::BTreeSet<u32> =
            order[..64].iter().map(|sample| sample / 4_000).collect();
        assert_eq!(batch.len(), 16);
        assert_ne!(order, shard_order(&ends, 0, 2, 64));
        assert_ne!(order, shard_order(&ends, 1, 1, 64));
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
        fn orders_of_shards_are_permutations(
            lengths in proptest::collection::vec(0usize..40, 0..12),
            seed: u64,
            epoch in 0usize..3,
            batch_size in 0usize..70,
        ) {
            let ends: Vec<usize> = lengths.iter().scan(0, |end, len| { *end += len; Some(*end) }).collect();
            let order = shard_order(&ends, seed, epoch, batch_size);
            prop_assert_eq!(&order, &shard_order(&ends, seed, epoch, batch_size));
            let mut sorted = order;
            sorted.sort_unstable();
            prop_assert!(sorted.into_iter().eq(0..lengths.iter().sum::<usize>() as u32));
        }

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

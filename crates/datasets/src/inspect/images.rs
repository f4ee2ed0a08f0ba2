//! Mean and deviation of bytes, from whole-number sums: exact, and the same whatever threads did the adding.

use fireclay_data::Dataset;
use rayon::prelude::*;

use super::ByteStats;

/// Sums over one channel.
#[derive(Clone, Copy, Default)]
struct Sums {
    values: u64,
    squares: u64,
}

/// One entry per channel; empty for no samples, or samples that are not bytes.
pub(super) fn channel_stats(dataset: &Dataset) -> Vec<ByteStats> {
    let channels = dataset.shape().first().copied().unwrap_or(1);
    let channel_len = dataset.shape().iter().skip(1).product::<usize>();
    if dataset.raw_u8(0).is_none() {
        return Vec::new();
    }
    let sums = (0..dataset.len())
        .into_par_iter()
        .with_min_len(64)
        .filter_map(|index| dataset.raw_u8(index))
        .fold(|| vec![Sums::default(); channels], |sums, sample| add(sums, sample, channel_len))
        .reduce(|| vec![Sums::default(); channels], merge);
    let values = dataset.len() as u64 * channel_len as u64;
    sums.into_iter().map(|sums| stats(sums, values)).collect()
}

fn add(mut sums: Vec<Sums>, sample: &[u8], channel_len: usize) -> Vec<Sums> {
    for (sums, channel) in sums.iter_mut().zip(sample.chunks_exact(channel_len)) {
        // A piece's sums fit into 32 bits, which the compiler adds many at a time.
        for piece in channel.chunks(1 << 14) {
            sums.values += u64::from(piece.iter().map(|byte| u32::from(*byte)).sum::<u32>());
            sums.squares += u64::from(piece.iter().map(|byte| u32::from(*byte).pow(2)).sum::<u32>());
        }
    }
    sums
}

fn merge(mut left: Vec<Sums>, right: Vec<Sums>) -> Vec<Sums> {
    for (left, right) in left.iter_mut().zip(right) {
        left.values += right.values;
        left.squares += right.squares;
    }
    left
}

fn stats(sums: Sums, values: u64) -> ByteStats {
    let count = values as f64;
    let spread =
        u128::from(values) * u128::from(sums.squares) - u128::from(sums.values) * u128::from(sums.values);
    ByteStats { mean: sums.values as f64 / count / 255.0, std: (spread as f64).sqrt() / count / 255.0 }
}

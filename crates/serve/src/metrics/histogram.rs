//! How often a quantity was how large, in buckets whose edges grow by the same factor.

use std::sync::atomic::{AtomicU64, Ordering};

/// The first edge, a millionth so that whole numbers of samples are edges, and buckets up to each power of two. The last edge is
/// 131,072.
const LOWEST: f64 = 1.0 / (1 << 20) as f64;
const PARTS: usize = 4;
const BUCKETS: usize = 37 * PARTS + 1;

/// A histogram that threads add to without waiting for each other.
#[derive(Debug)]
pub struct Histogram {
    /// The first is below [`LOWEST`], the last beyond the last edge.
    buckets: Box<[AtomicU64]>,
    /// In millionths.
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..=BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Histogram { buckets, sum: AtomicU64::new(0) }
    }
}

/// The upper edge of a bucket.
fn edge(bucket: usize) -> f64 {
    LOWEST * 2f64.powf(bucket as f64 / PARTS as f64)
}

impl Histogram {
    /// Adds a value, which is not negative.
    pub(crate) fn add(&self, value: f64) {
        let bucket = ((value.max(LOWEST) / LOWEST).log2() * PARTS as f64).ceil();
        self.buckets[(bucket as usize).min(BUCKETS)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add((value * 1e6).round() as u64, Ordering::Relaxed);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.sum.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// Their mean; `None` if there are none.
    pub fn mean(&self) -> Option<f64> {
        match self.count() {
            0 => None,
            count => Some(self.sum() / count as f64),
        }
    }

    /// The value below which a share of all lies, to a tenth; `None` if there are none.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let wanted = counts.iter().sum::<u64>() as f64 * share;
        let mut before = 0.0;
        let mut last = None;
        for (bucket, count) in counts.into_iter().enumerate().filter(|(_, count)| *count > 0) {
            let count = count as f64;
            let low = if bucket == 0 { 0.0 } else { edge(bucket - 1) };
            let high = edge(bucket);
            last = Some(high);
            if before + count >= wanted {
                return Some(low + (high - low) * ((wanted - before) / count).clamp(0.0, 1.0));
            }
            before += count;
        }
        last
    }

    /// How many values are at most as large as the first edge times two to the power of each number from `from` to `to`, as Prometheus
    /// has it.
    pub(crate) fn cumulative(&self, from: usize, to: usize) -> Vec<(f64, u64)> {
        let mut total = 0;
        let mut at_most = Vec::new();
        for (bucket, count) in self.buckets.iter().enumerate() {
            total += count.load(Ordering::Relaxed);
            if bucket % PARTS == 0 && (from..=to).contains(&(bucket / PARTS)) {
                at_most.push((edge(bucket), total));
            }
        }
        at_most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_tenth() {
        let histogram = Histogram::default();
        assert_eq!((histogram.quantile(0.5), histogram.mean()), (None, None));
        (1..=1000).for_each(|value| histogram.add(f64::from(value) / 1000.0));
        for share in [0.01, 0.5, 0.9, 0.99] {
            let found = histogram.quantile(share).unwrap();
            assert!((found - share).abs() < 0.1 * share, "{found} and {share}");
        }
        assert!((histogram.mean().unwrap() - 0.5005).abs() < 1e-6);
        let at_most = histogram.cumulative(0, 37);
        assert!(at_most.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!(at_most.last().unwrap().1, 1000);
    }

    #[test]
    fn what_is_beyond_the_edges_is_counted() {
        let histogram = Histogram::default();
        [0.0, 1e-9, 1e9].into_iter().for_each(|value| histogram.add(value));
        assert_eq!(histogram.count(), 3);
        assert!(histogram.quantile(1.0).unwrap() > 1e5);
    }
}

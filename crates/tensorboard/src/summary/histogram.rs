//! How values are distributed.

use std::num::NonZeroUsize;

use crate::proto::Tensor;

/// As many buckets as TensorBoard's own histograms have.
const BUCKETS: NonZeroUsize = NonZeroUsize::new(30).unwrap();

/// How often values occur, in buckets of one width from the smallest to the largest.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    buckets: Vec<HistogramBucket>,
    non_finite: usize,
}

/// The values from `left` to `right`. The right edge belongs to the next bucket, and to the last one itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramBucket {
    /// The left edge.
    pub left: f64,
    /// The right edge.
    pub right: f64,
    /// How many values are between.
    pub count: usize,
}

impl Histogram {
    /// Counts values in 30 buckets. NaN and infinities are in none, see [`Histogram::non_finite`].
    ///
    /// Of equal values the buckets have no width and the last one holds all; of no values all is 0.
    ///
    /// ```
    /// use fireclay_tensorboard::Histogram;
    ///
    /// let histogram = Histogram::new(&[0.0, 0.1, 3.0, f32::NAN]);
    /// assert_eq!((histogram.buckets()[0].count, histogram.buckets()[1].count), (1, 1));
    /// assert_eq!((histogram.buckets()[29].right, histogram.buckets()[29].count), (3.0, 1));
    /// assert_eq!(histogram.non_finite(), 1);
    /// ```
    pub fn new(values: &[f32]) -> Self {
        Self::with_buckets(values, BUCKETS)
    }

    /// As [`Histogram::new`], in another number of buckets.
    pub fn with_buckets(values: &[f32], buckets: NonZeroUsize) -> Self {
        let buckets = buckets.get();
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let size = finite().count();
        // In f64 neither the range nor a sum of its parts can overflow.
        let least = if size == 0 { 0.0 } else { f64::from(finite().fold(f32::INFINITY, f32::min)) };
        let most = if size == 0 { 0.0 } else { f64::from(finite().fold(f32::NEG_INFINITY, f32::max)) };
        let last = buckets - 1;
        let mut counts = vec![0; buckets];
        let width = (most - least) / buckets as f64;
        if width == 0.0 {
            counts[last] = size;
        } else {
            for value in finite() {
                // Rounding may lead one past the last bucket.
                counts[(((f64::from(value) - least) / width) as usize).min(last)] += 1;
            }
        }
        let edge = |index: usize| if index == buckets { most } else { least + index as f64 * width };
        let bucket = |(index, count)| HistogramBucket { left: edge(index), right: edge(index + 1), count };
        let buckets = counts.into_iter().enumerate().map(bucket).collect();
        Self { buckets, non_finite: values.len() - size }
    }

    /// The buckets, from left to right.
    pub fn buckets(&self) -> &[HistogramBucket] {
        &self.buckets
    }

    /// How many values were NaN or infinite.
    pub fn non_finite(&self) -> usize {
        self.non_finite
    }

    /// A row of left edge, right edge and count for each bucket.
    pub(super) fn tensor(&self) -> Tensor {
        let row = |bucket: &HistogramBucket| [bucket.left, bucket.right, bucket.count as f64];
        Tensor::of_f64(&[self.buckets.len() as i64, 3], self.buckets.iter().flat_map(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finite_value_is_counted_once_and_lies_between_its_edges() {
        let values: Vec<f32> = (0..1000).map(|index| ((index * 7919) % 1000) as f32 * 0.1 - 20.0).collect();
        let histogram = Histogram::with_buckets(&values, NonZeroUsize::new(7).unwrap());
        let buckets = histogram.buckets();
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<usize>(), 1000);
        assert_eq!((buckets[0].left, buckets[6].right), (-20.0, f64::from(79.9_f32)));
        for (index, bucket) in buckets.iter().enumerate() {
            let is_inside = |value: &&f32| {
                let value = f64::from(**value);
                value >= bucket.left && (value < bucket.right || index == 6)
            };
            assert_eq!(values.iter().filter(is_inside).count(), bucket.count, "bucket {index}");
        }
    }

    #[test]
    fn nothing_a_constant_and_the_largest_range_are_histograms() {
        let edges = |histogram: &Histogram| (histogram.buckets()[0].left, histogram.buckets()[29].right);
        let counts = |histogram: &Histogram| {
            let counts = histogram.buckets().iter().map(|bucket| bucket.count);
            (counts.sum::<usize>(), histogram.buckets()[29].count)
        };
        for values in [&[][..], &[f32::NAN, f32::INFINITY]] {
            let empty = Histogram::new(values);
            assert_eq!(
                (edges(&empty), counts(&empty), empty.non_finite()),
                ((0.0, 0.0), (0, 0), values.len())
            );
        }
        let constant = Histogram::new(&[2.5; 4]);
        assert_eq!((edges(&constant), counts(&constant)), ((2.5, 2.5), (4, 4)));
        let largest = Histogram::new(&[f32::MIN, 0.0, f32::MAX]);
        assert_eq!(edges(&largest), (f64::from(f32::MIN), f64::from(f32::MAX)));
        assert_eq!(counts(&largest), (3, 1));
    }
}

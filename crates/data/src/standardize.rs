//! Mean and deviation of a training set's own features.

use crate::{Batch, BatchFeatures, DataError, Dataset, FeatureKind, Normalization, Source};

/// Samples looked at together.
const AT_ONCE: usize = 1_024;

/// A deviation below this part of the largest value is rounding.
const ROUNDING: f64 = 1e-6;

impl Normalization {
    /// The mean and the standard deviation of each channel of `training`: for a table of each column, for images of
    /// each channel. Under it every channel has mean 0 and deviation 1; one that never changes has deviation 1 here, and
    /// so becomes 0.
    ///
    /// Compute it from the training samples alone and use it for all others, see [`Dataset::with_normalization`].
    ///
    /// ```
    /// use fireclay_data::{Dataset, Normalization, Provenance, Targets};
    ///
    /// # fn main() -> Result<(), fireclay_data::DataError> {
    /// let targets = Targets::Values { width: 1, values: vec![0.0; 2] };
    /// let provenance = Provenance::new("two rows", "train", "made by hand");
    /// let rows = Dataset::from_f32(&[2], vec![1.0, 100.0, 3.0, 500.0], targets, provenance)?;
    /// let normalization = Normalization::of(&rows)?;
    /// assert_eq!(normalization, Normalization { mean: vec![2.0, 300.0], std: vec![1.0, 200.0] });
    /// let rows = rows.with_normalization(normalization)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DataError::Normalization`] if there are no samples, or if they are tokens.
    pub fn of(training: &Dataset) -> Result<Self, DataError> {
        let refuse = |reason: &str| Err(DataError::Normalization { reason: reason.into() });
        if training.feature_kind() != FeatureKind::Values {
            return refuse("tokens are names, not numbers, and have no mean");
        }
        if training.is_empty() {
            return refuse("there are no samples to compute it from");
        }
        let plain = training.clone().with_normalization(Normalization::none())?;
        let channels = plain.shape().first().copied().unwrap_or(1);
        let values_of = plain.len() as f64 * (plain.shape().iter().product::<usize>() / channels) as f64;
        let mut sums = vec![0.0; channels];
        let mut largest = vec![0.0f64; channels];
        for_each(&plain, channels, |channel, value| {
            sums[channel] += value;
            largest[channel] = largest[channel].max(value.abs());
        });
        let means: Vec<f64> = sums.iter().map(|sum| sum / values_of).collect();
        // A second pass, because the difference of two large sums would lose what the deviation is made of.
        let mut squares = vec![0.0; channels];
        for_each(&plain, channels, |channel, value| squares[channel] += (value - means[channel]).powi(2));
        let deviation = |(square, largest): (&f64, &f64)| {
            let deviation = (square / values_of).sqrt();
            if deviation > largest * ROUNDING { deviation as f32 } else { 1.0 }
        };
        let std = squares.iter().zip(&largest).map(deviation).collect();
        Ok(Self { mean: means.iter().map(|mean| *mean as f32).collect(), std })
    }
}

/// Calls `visit` with the channel of each value, and the value.
fn for_each(dataset: &Dataset, channels: usize, mut visit: impl FnMut(usize, f64)) {
    let mut batch = Batch::default();
    // A dataset holds at most u32::MAX samples.
    let indices: Vec<u32> = (0..dataset.len() as u32).collect();
    for part in indices.chunks(AT_ONCE) {
        dataset.gather(part, &mut batch);
        let BatchFeatures::Values(values) = &batch.features else { continue };
        let channel_len = values.len() / part.len() / channels;
        for (at, channel) in values.chunks_exact(channel_len).enumerate() {
            channel.iter().for_each(|value| visit(at % channels, f64::from(*value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Provenance, Targets};

    fn dataset(shape: &[usize], values: Vec<f32>) -> Dataset {
        let samples = values.len() / shape.iter().product::<usize>();
        let targets = Targets::Values { width: 1, values: vec![0.0; samples] };
        Dataset::from_f32(shape, values, targets, Provenance::new("made up", "train", "made by hand"))
            .unwrap()
    }

    #[test]
    fn every_column_gets_mean_0_and_deviation_1() {
        let values: Vec<f32> =
            (0..6_000).map(|i| (i % 3) as f32 * 1e4 + ((i * 7_919) % 1_009) as f32).collect();
        let rows = dataset(&[3], values);
        let normalization = Normalization::of(&rows).unwrap();
        let normalised = rows.with_normalization(normalization).unwrap();
        let mut batch = Batch::default();
        normalised.gather(&(0..2_000).collect::<Vec<u32>>(), &mut batch);
        let values = batch.features.values_mut();
        for column in 0..3 {
            let column: Vec<f64> = values.iter().skip(column).step_by(3).map(|v| f64::from(*v)).collect();
            let mean = column.iter().sum::<f64>() / 2_000.0;
            let variance = column.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2_000.0;
            assert!(mean.abs() < 1e-4 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
        }
    }

    #[test]
    fn a_column_that_never_changes_becomes_0() {
        let rows = dataset(&[2], vec![0.1, 1.0, 0.1, 2.0, 0.1, 3.0]);
        let normalization = Normalization::of(&rows).unwrap();
        assert_eq!((normalization.std[0], normalization.value(0.1, 0)), (1.0, 0.0));
    }

    #[test]
    fn images_have_one_entry_for_each_channel() {
        let images = dataset(&[2, 1, 2], vec![1.0, 3.0, 10.0, 10.0, 1.0, 3.0, 10.0, 30.0]);
        let normalization = Normalization::of(&images).unwrap();
        assert_eq!(normalization.mean, [2.0, 15.0]);
        assert_eq!(normalization.std[0], 1.0);
    }

    #[test]
    fn nothing_has_no_mean() {
        let message = Normalization::of(&dataset(&[1], vec![1.0]).take(0)).unwrap_err().to_string();
        assert!(message.contains("no samples"), "{message}");
    }
}

//! How far probabilities lie from shares of right answers.

use super::Predictions;

/// Bins of equal width that confidences are sorted into, as in the paper.
const BINS: usize = 15;

/// Rows by their confidence, the probability of the predicted class: the state of
/// [`ExpectedCalibrationError`](super::ExpectedCalibrationError) and its relative. Bin `m` of 15 holds confidences above
/// `(m - 1) / 15` and up to `m / 15`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CalibrationBins {
    bins: [Bin; BINS],
}

/// Sums over the rows of one bin.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Bin {
    weight: f64,
    confidence: f64,
    right: f64,
}

impl Bin {
    /// By how much the mean confidence and the share of right answers differ, times the weight.
    fn gap(&self) -> f64 {
        (self.right - self.confidence).abs()
    }
}

impl CalibrationBins {
    pub(crate) fn update(&mut self, batch: &Predictions) {
        for (row, weight) in batch.weighted_rows() {
            let class = batch.predicted_class(row);
            let confidence = f64::from(batch.probability(row, class));
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let bin = &mut self.bins[bin];
            bin.weight += weight;
            bin.confidence += weight * confidence;
            bin.right += if class == batch.target_class(row) { weight } else { 0.0 };
        }
    }

    pub(crate) fn merge(&mut self, other: CalibrationBins) {
        for (bin, more) in self.bins.iter_mut().zip(other.bins) {
            bin.weight += more.weight;
            bin.confidence += more.confidence;
            bin.right += more.right;
        }
    }

    /// The mean gap of a row.
    pub(crate) fn expected(&self) -> Option<f64> {
        let total: f64 = self.bins.iter().map(|bin| bin.weight).sum();
        (total > 0.0).then(|| self.bins.iter().map(Bin::gap).sum::<f64>() / total)
    }

    /// The largest gap of a bin.
    pub(crate) fn maximum(&self) -> Option<f64> {
        let filled = self.bins.iter().filter(|bin| bin.weight > 0.0);
        filled.map(|bin| bin.gap() / bin.weight).reduce(f64::max)
    }
}

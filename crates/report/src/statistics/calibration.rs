//! Whether answers are right as often as the network is sure of them (Guo et al. 2017, <https://arxiv.org/abs/1706.04599>).

use crate::data::CalibrationBin;

/// Answers by how sure the network was.
pub struct Calibration {
    pub bins: Vec<CalibrationBin>,
    /// The expected calibration error: the mean distance between confidence and accuracy of a bin, by its share of the samples.
    pub error: f64,
    pub samples: usize,
}

impl Calibration {
    /// From the confidence of each answer and whether it was right; `None` without answers.
    pub fn new(answers: &[(f64, bool)], bins: usize) -> Option<Self> {
        if answers.is_empty() {
            return None;
        }
        let mut found = vec![Sums::default(); bins];
        for (confidence, right) in answers {
            // A bin holds its upper edge, as in the paper.
            let bin = ((confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1;
            found[bin].samples += 1;
            found[bin].right += usize::from(*right);
            found[bin].confidence += confidence;
        }
        let error: f64 = found.iter().map(|sums| (sums.right as f64 - sums.confidence).abs()).sum();
        let edge = |bin: usize| bin as f64 / bins as f64;
        let bins = found.iter().enumerate().map(|(at, sums)| sums.bin(edge(at), edge(at + 1))).collect();
        Some(Self { bins, error: error / answers.len() as f64, samples: answers.len() })
    }
}

/// What is summed over the answers of a bin.
#[derive(Clone, Default)]
struct Sums {
    samples: usize,
    right: usize,
    confidence: f64,
}

impl Sums {
    fn bin(&self, low: f64, high: f64) -> CalibrationBin {
        let samples = self.samples as f64;
        let interval = (self.samples > 0).then(|| wilson(self.right, self.samples).into());
        CalibrationBin {
            low,
            high,
            samples: self.samples,
            confidence: self.confidence / samples,
            accuracy: self.right as f64 / samples,
            interval,
        }
    }
}

/// Wilson's 95 % interval of a share.
pub fn wilson(part: usize, whole: usize) -> (f64, f64) {
    const Z: f64 = 1.959964;
    let n = whole as f64;
    let share = part as f64 / n;
    let middle = share + Z * Z / (2.0 * n);
    let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    (((middle - half) / scale).max(0.0), ((middle + half) / scale).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_the_weighted_mean_of_the_gaps() {
        // Three answers at 0.9, two of them right, and one at 0.6 that is right.
        let answers = [(0.9, true), (0.9, true), (0.9, false), (0.6, true)];
        let calibration = Calibration::new(&answers, 15).unwrap();
        let expected = 0.75 * (0.9 - 2.0 / 3.0) + 0.25 * 0.4;
        assert!((calibration.error - expected).abs() < 1e-12);
        assert_eq!(calibration.bins.iter().map(|bin| bin.samples).sum::<usize>(), 4);
        assert!(Calibration::new(&[], 15).is_none());
    }

    /// By statsmodels: `proportion_confint(8, 10, method="wilson")`.
    #[test]
    fn intervals_of_shares_are_wilsons() {
        let (lower, upper) = wilson(8, 10);
        assert!((lower - 0.4901625).abs() < 1e-6 && (upper - 0.9433178).abs() < 1e-6);
    }
}

//! How far predictions of numbers are off.

use super::Points;
use crate::data::{Intervals, RegressionTarget};

/// Errors of the predictions of one number.
pub struct Residuals {
    /// Truth and prediction of the samples where both are finite.
    pub pairs: Points,
    /// How many samples were left out.
    pub left_out: usize,
}

impl Residuals {
    pub fn new(target: &RegressionTarget) -> Self {
        let all = target.truth.iter().copied().zip(target.predicted.iter().copied());
        // The root of the largest number, so that no square overflows.
        let usable = |value: f64| value.abs() < 1e150;
        let pairs: Points = all.filter(|(truth, predicted)| usable(*truth) && usable(*predicted)).collect();
        let left_out = target.truth.len() - pairs.len();
        Self { pairs, left_out }
    }

    pub fn residuals(&self) -> impl Iterator<Item = f64> {
        self.pairs.iter().map(|(truth, predicted)| predicted - truth)
    }

    fn mean(&self, of: impl Fn(f64) -> f64) -> Option<f64> {
        let sum: f64 = self.residuals().map(of).sum();
        (!self.pairs.is_empty()).then(|| sum / self.pairs.len() as f64)
    }

    pub fn mean_absolute(&self) -> Option<f64> {
        self.mean(f64::abs)
    }

    pub fn root_mean_square(&self) -> Option<f64> {
        self.mean(|residual| residual * residual).map(f64::sqrt)
    }

    /// The mean residual, which is how much too high predictions are.
    pub fn bias(&self) -> Option<f64> {
        self.mean(|residual| residual)
    }

    /// The coefficient of determination; `None` where all true values are equal.
    pub fn r_squared(&self) -> Option<f64> {
        let mean = self.pairs.iter().map(|(truth, _)| truth).sum::<f64>() / self.pairs.len() as f64;
        let total: f64 = self.pairs.iter().map(|(truth, _)| (truth - mean).powi(2)).sum();
        let residual: f64 = self.residuals().map(|residual| residual * residual).sum();
        (total > 0.0).then(|| 1.0 - residual / total)
    }
}

/// How many of the intervals hold the truth, of how many.
pub fn coverage(truth: &[f64], intervals: &Intervals) -> (usize, usize) {
    let all = truth.iter().zip(&intervals.lower).zip(&intervals.upper);
    let known = all.filter(|((truth, lower), upper)| !(truth.is_nan() || lower.is_nan() || upper.is_nan()));
    let inside = known.clone().filter(|((truth, lower), upper)| lower <= truth && truth <= upper).count();
    (inside, known.count())
}

//! Measures of a network that predicts numbers.

use serde::Serialize;
use std::fmt;

/// Measures over a whole set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegressionReport {
    /// Samples.
    pub samples: usize,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean squared error.
    pub mse: f64,
    /// Coefficient of determination, the mean over the outputs: 1 is perfect, 0 no better than the mean of the
    /// targets; `None` where all targets of an output are the same.
    pub r2: Option<f64>,
}

impl RegressionReport {
    /// Measures predictions.
    ///
    /// # Shapes
    /// - predictions, targets: `[samples][outputs]`
    ///
    /// # Panics
    /// If the shapes differ.
    pub fn new(predictions: &[Vec<f32>], targets: &[Vec<f32>]) -> Self {
        assert_eq!(predictions.len(), targets.len(), "one prediction for each target");
        let outputs = targets.first().map_or(0, Vec::len);
        let mut absolute = 0.0;
        let mut squared = vec![0.0; outputs];
        for (prediction, target) in predictions.iter().zip(targets) {
            assert_eq!(prediction.len(), target.len(), "one prediction for each target");
            for (output, (found, expected)) in prediction.iter().zip(target).enumerate() {
                let error = f64::from(*found) - f64::from(*expected);
                absolute += error.abs();
                squared[output] += error * error;
            }
        }
        let values = (targets.len() * outputs).max(1) as f64;
        let r2: Option<Vec<f64>> = (0..outputs)
            .map(|output| {
                let column = targets.iter().map(|row| f64::from(row[output]));
                let mean = column.clone().sum::<f64>() / targets.len() as f64;
                let spread: f64 = column.map(|value| (value - mean) * (value - mean)).sum();
                (spread > 0.0).then(|| 1.0 - squared[output] / spread)
            })
            .collect();
        RegressionReport {
            samples: targets.len(),
            mae: absolute / values,
            mse: squared.iter().sum::<f64>() / values,
            r2: r2.filter(|r2| !r2.is_empty()).map(|r2| r2.iter().sum::<f64>() / outputs as f64),
        }
    }
}

impl fmt::Display for RegressionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MAE  {:.6}\nMSE  {:.6}", self.mae, self.mse)?;
        match self.r2 {
            Some(r2) => write!(f, "\nR²   {r2:.6}"),
            None => Ok(()),
        }
    }
}

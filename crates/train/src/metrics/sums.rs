//! States that are sums, and so merge by addition.

use super::Predictions;

/// A mean with weights, as sums: the state of metrics that average something over rows.
///
/// ```
/// use fireclay_train::WeightedMean;
/// let mut mean = WeightedMean::default();
/// assert_eq!(mean.value(), None);
/// mean.add(1.0, 3.0);
/// mean.add(5.0, 1.0);
/// assert_eq!(mean.value(), Some(2.0));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WeightedMean {
    sum: f64,
    weight: f64,
}

impl WeightedMean {
    /// Adds a value.
    pub fn add(&mut self, value: f64, weight: f64) {
        self.sum += weight * value;
        self.weight += weight;
    }

    /// The mean whose sums of `weight * value` and of weights are known.
    pub fn of_sums(sum: f64, weight: f64) -> Self {
        WeightedMean { sum, weight }
    }

    /// Adds the values of another.
    pub fn merge(&mut self, other: WeightedMean) {
        self.sum += other.sum;
        self.weight += other.weight;
    }

    /// The mean, if there is a value with a weight.
    pub fn value(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.sum / self.weight)
    }
}

/// Sums of squared errors, one for each output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SquaredErrors {
    sums: Vec<f64>,
    weight: f64,
}

impl SquaredErrors {
    pub(crate) fn update(&mut self, batch: &Predictions) {
        self.sums.resize(batch.width().max(self.sums.len()), 0.0);
        for (row, weight) in batch.weighted_rows() {
            self.weight += weight;
            for (sum, error) in self.sums.iter_mut().zip(errors(batch, row)) {
                *sum += weight * (error * error);
            }
        }
    }

    pub(crate) fn merge(&mut self, other: SquaredErrors) {
        self.sums.resize(other.sums.len().max(self.sums.len()), 0.0);
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
        self.weight += other.weight;
    }

    /// The mean over rows and outputs.
    pub(crate) fn mean(&self) -> Option<f64> {
        let values = self.weight * self.sums.len() as f64;
        (values > 0.0).then(|| self.sums.iter().sum::<f64>() / values)
    }

    /// The root of the mean of each output, and the mean of these.
    pub(crate) fn root_mean(&self) -> Option<f64> {
        let outputs = self.sums.len() as f64;
        let roots = self.sums.iter().map(|sum| (sum / self.weight).sqrt()).sum::<f64>();
        (self.weight * outputs > 0.0).then(|| roots / outputs)
    }
}

/// By how much each output of a row is too large; for labels, each probability.
pub(crate) fn errors(batch: &Predictions, row: usize) -> impl Iterator<Item = f64> + '_ {
    let pairs = batch.probability_row(row).iter().zip(batch.target_row(row));
    pairs.map(|(output, target)| f64::from(*output) - f64::from(*target))
}

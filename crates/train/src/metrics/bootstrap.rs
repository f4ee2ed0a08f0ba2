//! How sure a measure is: the bootstrap.

use fireclay_data::Random;

use super::{AnyMetric, PredictionTargets, Predictions};

/// The stream of random numbers that rows are drawn from.
const PURPOSE: u64 = 0x626f_6f74;

/// Between which values a measure lies with a probability of `within`, such as 0.95: it is measured again on as many rows drawn
/// with replacement, `resamples` times, and the ends cut off alike (percentile bootstrap,
/// [Efron 1979](https://doi.org/10.1214/aos/1176344552)). It says how much the choice of these samples matters, not how much
/// another training would. `None` if the metric does not exist for these predictions, or for half of the drawings.
///
/// Weights of rows are not looked at.
///
/// ```
/// use fireclay_train::{Accuracy, PredictionTargets, Predictions, Task, bootstrap_interval};
/// // 80 of 100 are right.
/// let logits = (0..100).map(|row| if row < 80 { 1.0 } else { -1.0 }).collect();
/// let predictions = Predictions::new(Task::Binary, logits, PredictionTargets::Classes(vec![1; 100]));
/// let [low, high] = bootstrap_interval(&predictions, &Accuracy.into(), 300, 0.95, 0).unwrap();
/// // Of a binomial distribution 0.72 to 0.88.
/// assert!((0.69..0.75).contains(&low) && (0.85..0.91).contains(&high));
/// ```
pub fn bootstrap_interval(
    predictions: &Predictions,
    metric: &AnyMetric,
    resamples: usize,
    within: f64,
    seed: u64,
) -> Option<[f64; 2]> {
    let rows = u32::try_from(predictions.rows()).ok().filter(|rows| *rows > 0)?;
    metric.measure(predictions)?;
    let mut values: Vec<f64> = (0..resamples as u64)
        .filter_map(|resample| {
            let mut random = Random::new(PURPOSE, seed, resample);
            let drawn: Vec<usize> = (0..rows).map(|_| random.below(rows) as usize).collect();
            metric.measure(&select(predictions, &drawn))
        })
        .collect();
    if values.is_empty() || 2 * values.len() < resamples {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let last = (values.len() - 1) as f64;
    let tail = (1.0 - within.clamp(0.0, 1.0)) / 2.0;
    Some([tail, 1.0 - tail].map(|share| values[(share * last).round() as usize]))
}

/// The rows at these indices.
fn select(predictions: &Predictions, rows: &[usize]) -> Predictions {
    fn of<T: Copy>(values: &[T], width: usize, rows: &[usize]) -> Vec<T> {
        rows.iter().flat_map(|row| &values[row * width..][..width]).copied().collect()
    }
    let targets = match predictions.targets() {
        PredictionTargets::Classes(classes) => PredictionTargets::Classes(of(classes, 1, rows)),
        PredictionTargets::Values { width, values } => {
            PredictionTargets::Values { width: *width, values: of(values, *width, rows) }
        }
    };
    Predictions::new(predictions.task(), of(predictions.outputs(), predictions.width(), rows), targets)
}

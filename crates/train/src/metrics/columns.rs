//! Numbers and targets output by output.

use super::Predictions;

/// What a network gave for one output of a row that counts, and what it should have been.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub(crate) output: f64,
    pub(crate) target: f64,
    pub(crate) weight: f64,
}

impl Pair {
    /// By how much the output is too large.
    pub(crate) fn error(&self) -> f64 {
        self.output - self.target
    }
}

/// The mean over the outputs of a measure of each; `None` if that of an output does not exist.
pub(crate) fn mean_over_outputs(
    predictions: &Predictions,
    measure: impl Fn(&[Pair]) -> Option<f64>,
) -> Option<f64> {
    let outputs = predictions.width();
    let column = |output: usize| -> Vec<Pair> {
        let rows = predictions.weighted_rows();
        rows.map(|(row, weight)| Pair {
            output: f64::from(predictions.probability_row(row)[output]),
            target: f64::from(predictions.target_row(row)[output]),
            weight,
        })
        .collect()
    };
    let values: Option<Vec<f64>> = (0..outputs).map(|output| measure(&column(output))).collect();
    values.filter(|values| !values.is_empty()).map(|values| values.iter().sum::<f64>() / outputs as f64)
}

/// The sum of squared differences of some number of each row from its mean.
pub(crate) fn spread(rows: &[Pair], number: impl Fn(&Pair) -> f64) -> f64 {
    let total: f64 = rows.iter().map(|row| row.weight).sum();
    let mean = rows.iter().map(|row| row.weight * number(row)).sum::<f64>() / total;
    let squared = |row: &Pair| row.weight * ((number(row) - mean) * (number(row) - mean));
    rows.iter().map(squared).sum()
}

/// The spread of the targets, if they are not all the same, which rounding of their mean would hide.
pub(crate) fn spread_of_targets(rows: &[Pair]) -> Option<f64> {
    let vary = rows.iter().any(|row| row.target != rows[0].target);
    Some(spread(rows, |row| row.target)).filter(|spread| vary && *spread > 0.0)
}

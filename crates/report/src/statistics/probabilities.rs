//! Scores of a network as probabilities.

use crate::data::Scores;

/// The probabilities of the classes of each sample; `None` for samples with a score that is not finite.
pub fn probabilities(scores: &Scores, classes: usize, samples: usize) -> Vec<Option<Vec<f64>>> {
    let (values, logits) = values(scores);
    if samples == 0 {
        return Vec::new();
    }
    let width = values.len() / samples;
    let of_sample = |row: &[f32]| {
        let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
        if !row.iter().all(|value| value.is_finite()) {
            return None;
        }
        if width == 1 && classes == 2 {
            let second = if logits { logistic(row[0]) } else { row[0] };
            return Some(vec![1.0 - second, second]);
        }
        Some(if logits { softmax(&row) } else { row })
    };
    values.chunks(width.max(1)).map(of_sample).collect()
}

/// The probabilities of each label by itself, sample by sample; NaN where the score is.
pub fn label_probabilities(scores: &Scores) -> Vec<f64> {
    let (values, logits) = values(scores);
    let values = values.iter().copied().map(f64::from);
    values.map(|value| if logits { logistic(value) } else { value }).collect()
}

fn values(scores: &Scores) -> (&[f32], bool) {
    match scores {
        Scores::Probabilities(values) => (values, false),
        Scores::Logits(values) => (values, true),
    }
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exponentials: Vec<f64> = logits.iter().map(|logit| (logit - highest).exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / sum).collect()
}

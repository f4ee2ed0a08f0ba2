//! Cross-entropy as its definition says, in `f64`.

use super::CrossEntropy;

fn weights(kind: CrossEntropy<'_>, classes: usize) -> Vec<f64> {
    match kind.class_weights {
        Some(weights) => weights.iter().map(|&weight| f64::from(weight)).collect(),
        None => vec![1.0; classes],
    }
}

pub(crate) fn mean(kind: CrossEntropy<'_>, classes: usize, logits: &[f64], targets: &[u32]) -> f64 {
    let weights = weights(kind, classes);
    let smoothing = f64::from(kind.label_smoothing);
    let (mut sum, mut total) = (0.0, 0.0);
    for (row, &target) in log_softmax(classes, logits).chunks(classes).zip(targets) {
        let weight = weights[target as usize];
        sum -= (1.0 - smoothing) * weight * row[target as usize];
        if smoothing > 0.0 {
            let spread: f64 = row.iter().zip(&weights).map(|(log, weight)| weight * log).sum();
            sum -= smoothing / classes as f64 * spread;
        }
        total += weight;
    }
    sum / total
}

pub(crate) fn gradient(kind: CrossEntropy<'_>, classes: usize, logits: &[f64], targets: &[u32]) -> Vec<f64> {
    let weights = weights(kind, classes);
    let smoothing = f64::from(kind.label_smoothing);
    let total: f64 = targets.iter().map(|&target| weights[target as usize]).sum();
    let mut gradient = Vec::new();
    for (row, &target) in log_softmax(classes, logits).chunks(classes).zip(targets) {
        // How much each logarithm counts; the gradient of -Σ a[k] ln p[k] is p[j] Σ a[k] - a[j].
        let mut counts: Vec<f64> = weights.iter().map(|weight| smoothing / classes as f64 * weight).collect();
        counts[target as usize] += (1.0 - smoothing) * weights[target as usize];
        let all: f64 = counts.iter().sum();
        gradient.extend(row.iter().zip(&counts).map(|(log, count)| (log.exp() * all - count) / total));
    }
    gradient
}

pub(crate) fn correct(classes: usize, logits: &[f32], targets: &[u32]) -> usize {
    let first_greatest = |row: &[f32]| (0..classes).rev().max_by(|&i, &j| row[i].total_cmp(&row[j]));
    let rows = logits.chunks(classes).zip(targets);
    rows.filter(|(row, target)| first_greatest(row) == Some(**target as usize)).count()
}

fn log_softmax(columns: usize, input: &[f64]) -> Vec<f64> {
    let mut output = Vec::new();
    for row in input.chunks(columns.max(1)) {
        let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - greatest).exp()).sum();
        output.extend(row.iter().map(|x| x - greatest - sum.ln()));
    }
    output
}

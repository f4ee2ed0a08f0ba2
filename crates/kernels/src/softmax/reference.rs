//! Softmax as its definition says, in `f64`.

pub(crate) fn softmax(columns: usize, input: &[f64]) -> Vec<f64> {
    log_softmax(columns, input).iter().map(|log| log.exp()).collect()
}

pub(crate) fn log_softmax(columns: usize, input: &[f64]) -> Vec<f64> {
    let mut output = Vec::new();
    for row in input.chunks(columns.max(1)) {
        let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = row.iter().map(|x| (x - greatest).exp()).sum();
        output.extend(row.iter().map(|x| x - greatest - sum.ln()));
    }
    output
}

pub(super) fn softmax_gradient(columns: usize, input: &[f64], gradient: &[f64]) -> Vec<f64> {
    let output = softmax(columns, input);
    let mut input_gradient = Vec::new();
    for (y, dy) in output.chunks(columns.max(1)).zip(gradient.chunks(columns.max(1))) {
        let sum: f64 = y.iter().zip(dy).map(|(y, dy)| y * dy).sum();
        input_gradient.extend(y.iter().zip(dy).map(|(y, dy)| y * (dy - sum)));
    }
    input_gradient
}

pub(super) fn log_softmax_gradient(columns: usize, input: &[f64], gradient: &[f64]) -> Vec<f64> {
    let output = softmax(columns, input);
    let mut input_gradient = Vec::new();
    for (y, dy) in output.chunks(columns.max(1)).zip(gradient.chunks(columns.max(1))) {
        let sum: f64 = dy.iter().sum();
        input_gradient.extend(y.iter().zip(dy).map(|(y, dy)| dy - y * sum));
    }
    input_gradient
}

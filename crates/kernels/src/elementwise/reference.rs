//! The same in plain loops.

pub(super) fn relu_gradient(output: &[f32], output_gradient: &[f32]) -> Vec<f32> {
    output.iter().zip(output_gradient).map(|(x, gradient)| if *x > 0.0 { *gradient } else { 0.0 }).collect()
}

pub(super) fn add(other: &[f32], values: &[f32]) -> Vec<f32> {
    values.iter().zip(other).map(|(value, other)| value + other).collect()
}

pub(super) fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0f64; columns];
    for (at, value) in values.iter().enumerate() {
        sums[at % columns] += f64::from(*value);
    }
    sums.into_iter().map(|sum| sum as f32).collect()
}

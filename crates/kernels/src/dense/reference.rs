//! The definition, in `f64`.

use super::DenseShape;

pub(crate) fn dense(shape: &DenseShape, input: &[f64], weight: &[f64], bias: Option<&[f64]>) -> Vec<f64> {
    let mut output = Vec::new();
    for row in 0..shape.rows {
        for out in 0..shape.out_features {
            let mut sum = bias.map_or(0.0, |bias| bias[out]);
            for k in 0..shape.in_features {
                sum += input[row * shape.in_features + k] * weight[k * shape.out_features + out];
            }
            output.push(if shape.relu { sum.max(0.0) } else { sum });
        }
    }
    output
}

/// Gradients by input, weight and bias.
pub(crate) fn gradients(
    shape: &DenseShape,
    input: &[f64],
    weight: &[f64],
    output: &[f64],
    gradient: &[f64],
) -> [Vec<f64>; 3] {
    let mut by_input = vec![0.0; input.len()];
    let mut by_weight = vec![0.0; weight.len()];
    let mut by_bias = vec![0.0; shape.out_features];
    for row in 0..shape.rows {
        for out in 0..shape.out_features {
            let at = row * shape.out_features + out;
            if shape.relu && output[at] <= 0.0 {
                continue;
            }
            by_bias[out] += gradient[at];
            for k in 0..shape.in_features {
                by_input[row * shape.in_features + k] += gradient[at] * weight[k * shape.out_features + out];
                by_weight[k * shape.out_features + out] += gradient[at] * input[row * shape.in_features + k];
            }
        }
    }
    [by_input, by_weight, by_bias]
}

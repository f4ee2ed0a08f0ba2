//! The definition, in `f64`: two dense layers and each value between them by itself.

use super::FeedForward;
use crate::dense::{DenseShape, reference as dense};

fn layers(shape: &FeedForward) -> [DenseShape; 2] {
    let FeedForward { rows, features, inner, .. } = *shape;
    let layer = |in_features, out_features| DenseShape { rows, in_features, out_features, relu: false };
    [layer(features, inner), layer(inner, features)]
}

/// What becomes of a value between the layers, and its derivative.
fn between(shape: &FeedForward, x: f64) -> [f64; 2] {
    match shape.gelu {
        false => [x.max(0.0), if x > 0.0 { 1.0 } else { 0.0 }],
        true => {
            // A sum of the density's areas is as good as an erf here.
            let density = |t: f64| (-0.5 * t * t).exp() / (2.0 * std::f64::consts::PI).sqrt();
            let steps = 2000;
            let width = x / f64::from(steps);
            let area: f64 = (0..steps)
                .map(|step| {
                    let from = f64::from(step) * width;
                    (density(from) + 4.0 * density(from + width / 2.0) + density(from + width)) * width / 6.0
                })
                .sum();
            [x * (0.5 + area), 0.5 + area + x * density(x)]
        }
    }
}

/// The values before and behind what is between the layers, and the output; `factors` are those of dropout.
pub(super) fn feed_forward(
    shape: &FeedForward,
    input: &[f64],
    [weight1, bias1, weight2, bias2]: [&[f64]; 4],
    factors: &[f64],
) -> [Vec<f64>; 3] {
    let [first, second] = layers(shape);
    let hidden = dense::dense(&first, input, weight1, Some(bias1));
    let inner: Vec<f64> =
        hidden.iter().zip(factors).map(|(x, factor)| between(shape, *x)[0] * factor).collect();
    let output = dense::dense(&second, &inner, weight2, Some(bias2));
    [hidden, inner, output]
}

/// Gradients by input, first weight, first bias, second weight, second bias.
pub(super) fn gradients(
    shape: &FeedForward,
    input: &[f64],
    weights: [&[f64]; 4],
    factors: &[f64],
    gradient: &[f64],
) -> [Vec<f64>; 5] {
    let [first, second] = layers(shape);
    let [hidden, inner, output] = feed_forward(shape, input, weights, factors);
    let [by_inner, weight2, bias2] = dense::gradients(&second, &inner, weights[2], &output, gradient);
    let by_hidden: Vec<f64> = by_inner
        .iter()
        .zip(hidden.iter().zip(factors))
        .map(|(gradient, (x, factor))| gradient * between(shape, *x)[1] * factor)
        .collect();
    let [input, weight1, bias1] = dense::gradients(&first, input, weights[0], &hidden, &by_hidden);
    [input, weight1, bias1, weight2, bias2]
}

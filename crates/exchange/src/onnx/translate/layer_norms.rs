//! Layer normalisation that several operators compute, known by what they give for some rows of numbers.

use std::collections::HashSet;

use super::network::Network;
use super::operation::{Kind, Operation};
use super::probe::{constant, run};

/// Whether operations are `(x - mean) / sqrt(variance + epsilon) * weight + bias` along the last axis.
pub(super) fn recognised(network: &Network<'_>, region: &[&Operation], entry: &str) -> Option<Kind> {
    const PROBES: usize = 6;
    let means = region
        .iter()
        .filter(|operation| {
            matches!(network.node(operation).kind.as_str(), "ReduceMean" | "GlobalAveragePool")
        })
        .count();
    let width = *network.known.shape(entry)?.last()?;
    if means < 2 || !(2..=1 << 20).contains(&width) {
        return None;
    }
    let probes: Vec<Vec<f32>> = (0..PROBES).map(|probe| probe_values(probe, width)).collect();
    let given: Option<Vec<Vec<f32>>> =
        probes.iter().map(|probe| run(network, region, entry, probe.clone(), Some(width))).collect();
    let given = given?;
    let names: HashSet<&String> =
        region.iter().flat_map(|operation| &network.node(operation).inputs).collect();
    let constants: Vec<Vec<f32>> =
        names.iter().filter_map(|name| constant(&network.known, name, Some(width))).collect();
    let epsilons = constants.iter().filter_map(|values| match values[..] {
        [value] if value > 0.0 && value <= 1e-2 => Some(value),
        _ => None,
    });
    for epsilon in epsilons {
        let normed: Vec<Vec<f32>> = probes.iter().map(|probe| normalised(probe, epsilon)).collect();
        let (weight, bias) = fitted(&normed, &given)?;
        let [weight, bias] = [weight, bias].map(|fitted| exact(fitted, &constants));
        let fits = normed.iter().zip(&given).all(|(normed, given)| {
            normed.iter().zip(given).enumerate().all(|(place, (normed, given))| {
                let expected = normed * weight[place] + bias[place];
                (expected - given).abs() <= 2e-4 * weight[place].abs().max(bias[place].abs()).max(1e-3)
            })
        });
        if fits {
            return Some(Kind::LayerNorm { weight, bias, epsilon });
        }
    }
    None
}

/// Numbers without a pattern, of sizes at which what is added to the variance makes a difference and at which it does not.
fn probe_values(probe: usize, width: usize) -> Vec<f32> {
    let scale = [1.0, 3.0, 0.01, 0.5, 0.1, 0.003][probe % 6];
    let mut state = 0x9e37_79b9u32.wrapping_mul(probe as u32 + 1) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1u32 << 24) as f32 - 0.5
    };
    (0..width).map(|_| (next() + 0.1) * scale).collect()
}

fn normalised(values: &[f32], epsilon: f32) -> Vec<f32> {
    let count = values.len() as f64;
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
    let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
    let scale = 1.0 / (variance + f64::from(epsilon)).sqrt();
    values.iter().map(|value| ((f64::from(*value) - mean) * scale) as f32).collect()
}

/// The weight and the bias of each place with the least squares.
fn fitted(normed: &[Vec<f32>], given: &[Vec<f32>]) -> Option<(Vec<f32>, Vec<f32>)> {
    let count = normed.len() as f64;
    let width = normed.first()?.len();
    let line = |place: usize| {
        let (mut x, mut y, mut xx, mut xy) = (0.0, 0.0, 0.0, 0.0);
        for (normed, given) in normed.iter().zip(given) {
            let (a, b) = (f64::from(normed[place]), f64::from(*given.get(place)?));
            (x, y, xx, xy) = (x + a, y + b, xx + a * a, xy + a * b);
        }
        let slope = (count * xy - x * y) / (count * xx - x * x);
        let start = (y - slope * x) / count;
        (slope.is_finite() && start.is_finite()).then_some((slope as f32, start as f32))
    };
    Some((0..width).map(line).collect::<Option<Vec<_>>>()?.into_iter().unzip())
}

/// The constant that is meant by numbers that were found from others; 1 and 0 are none.
fn exact(found: Vec<f32>, constants: &[Vec<f32>]) -> Vec<f32> {
    let width = found.len();
    let near = |values: &[f32]| {
        found.iter().zip(values).all(|(found, value)| (found - value).abs() <= 1e-3 * value.abs().max(0.1))
    };
    let plain = [vec![1.0; width], vec![0.0; width]];
    let known =
        constants.iter().filter(|values| values.len() == width).chain(&plain).find(|values| near(values));
    known.cloned().unwrap_or(found)
}

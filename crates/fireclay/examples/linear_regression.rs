//! Linear regression, `y = b0 + b1 x`, by four ways down the same hill: the whole set in each step, mini-batches, one
//! sample in each step, and mini-batches with momentum. All come to where least squares says the bottom is.
//!
//! ```sh
//! cargo run --release -p fireclay --example linear_regression
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;

use fireclay::data::Provenance;
use fireclay::nn::state;
use fireclay::prelude::*;

const SAMPLES: usize = 200;
const TRUE_LINE: (f32, f32) = (2.0, -3.0);

/// Runs the example; its test does too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let xs: Vec<f32> = (0..SAMPLES).map(|index| (index * 71 % SAMPLES) as f32 / 100.0 - 1.0).collect();
    let ys: Vec<f32> = (xs.iter().enumerate())
        .map(|(index, x)| TRUE_LINE.0 + TRUE_LINE.1 * x + 0.3 * (index as f32 * 12.9898).sin())
        .collect();
    let bottom = least_squares(&xs, &ys);
    let targets = Targets::Values { width: 1, values: ys };
    let data = Dataset::from_f32(&[1], xs, targets, Provenance::new("points", "train", "made up"))?;

    println!("{SAMPLES} points near y = {} + {} x\n", TRUE_LINE.0, TRUE_LINE.1);
    println!("{:<24} {:>6} {:>9} {:>9} {:>11}", "", "steps", "b0", "b1", "mse");
    println!("{:<24} {:>6} {:>9.4} {:>9.4}", "least squares", "", bottom.0, bottom.1);
    let ways = [
        ("gradient descent", Sgd::new(0.2), SAMPLES, 100),
        ("mini-batches of 20", Sgd::new(0.05), 20, 20),
        ("stochastic, one by one", Sgd::new(0.005), 1, 10),
        ("batches and momentum", Sgd::new(0.01).momentum(0.9), 20, 20),
    ];
    for (name, optimizer, batch_size, epochs) in ways {
        let device = DeviceName::default().open()?;
        device.seed(1);
        let mut trainer =
            Trainer::regression(ModelSpec::new([1]).dense(1).build(&device)?).optimizer(optimizer);
        let options = FitOptions { epochs, batch_size, ..FitOptions::default() };
        let history = trainer.fit(&data, &options)?;
        let weights = state(trainer.network());
        let (b1, b0) = (weights[0].values[0], weights[1].values[0]);
        let steps = epochs * SAMPLES.div_ceil(batch_size);
        let mse = trainer.evaluate(&data)?.loss;
        println!("{name:<24} {steps:>6} {b0:>9.4} {b1:>9.4} {mse:>11.5}");
        assert!((b0 - bottom.0).abs() < 0.05 && (b1 - bottom.1).abs() < 0.05, "{name}: {b0} + {b1} x");
        let losses = history.course("loss");
        assert!(losses[losses.len() - 1] < 0.2 * losses[0], "{name}: {losses:?}");
    }
    Ok(())
}

/// The intercept and the slope with the least squared error.
fn least_squares(xs: &[f32], ys: &[f32]) -> (f32, f32) {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
    let (x, y) = (mean(xs), mean(ys));
    let together: f32 = xs.iter().zip(ys).map(|(a, b)| (a - x) * (b - y)).sum();
    let slope = together / xs.iter().map(|a| (a - x) * (a - x)).sum::<f32>();
    (y - slope * x, slope)
}

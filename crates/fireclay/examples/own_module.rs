//! A network of one's own, a `#[derive(Module)]` struct of Burn's, in Fireclay's `fit`: two spirals are told apart, and a
//! map of the plane shows how.
//!
//! ```sh
//! cargo run --release -p fireclay --example own_module
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;

use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::{sigmoid, tanh};
use fireclay::burn;
use fireclay::data::Provenance;
use fireclay::prelude::*;

/// A hidden layer whose values pass through gates that the input itself opens.
#[derive(Module, Debug)]
struct Gated {
    features: Linear,
    gates: Linear,
    output: Linear,
}

impl Gated {
    fn new(hidden: usize, device: &Device) -> Self {
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        Gated { features: layer(2, hidden), gates: layer(2, hidden), output: layer(hidden, 2) }
    }
}

impl Network for Gated {
    /// # Shapes
    /// - input: `[batch, 2]`, points
    /// - output: `[batch, 2]`, a logit for each spiral
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        let points = input.rows() * 3.0;
        let gates = sigmoid(self.gates.forward(points.clone()));
        self.output.forward(tanh(self.features.forward(points)) * gates)
    }
}

/// Runs the example; its test does too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let device = DeviceName::default().open()?;
    device.seed(3);
    let points: Vec<f32> = (0..400).flat_map(|index| spiral(index % 2, index as f32 / 400.0)).collect();
    let labels = (0..400).map(|index| index % 2).collect();
    let data = dataset(points, labels)?;

    let mut trainer = Trainer::classification(Gated::new(64, &device)).optimizer(Adam::new(2e-2));
    let history = trainer.fit(&data, &FitOptions { epochs: 150, batch_size: 50, ..FitOptions::default() })?;
    let accuracy = trainer.evaluate(&data)?.accuracy().unwrap_or(0.0);

    // The plane, row by row, and what the network makes of it.
    let plane: Vec<f32> =
        (0..24 * 48).flat_map(|at| [(at % 48) as f32 / 24.0 - 1.0, 1.0 - (at / 48) as f32 / 12.0]).collect();
    let map = trainer.predict(&dataset(plane, vec![0; 24 * 48])?)?;
    for row in map.chunks(48) {
        println!(
            "{}",
            row.iter().map(|logits| if logits[0] > logits[1] { '.' } else { '#' }).collect::<String>()
        );
    }
    let losses = history.course("loss");
    println!(
        "\nloss {:.3} to {:.3}; {:.1} % of the points are told apart",
        losses[0],
        losses[149],
        100.0 * accuracy
    );
    assert!(accuracy > 0.95, "accuracy {accuracy}");
    Ok(())
}

/// A point of one of two arms that wind around the middle one and a half times.
fn spiral(arm: u32, along: f32) -> [f32; 2] {
    let angle = 9.0 * along + std::f32::consts::PI * arm as f32;
    let radius = 0.1 + 0.85 * along;
    [radius * angle.cos(), radius * angle.sin()]
}

fn dataset(points: Vec<f32>, labels: Vec<u32>) -> fireclay::Result<Dataset> {
    let targets = Targets::Classes { labels, names: vec!["one".into(), "other".into()] };
    Ok(Dataset::from_f32(&[2], points, targets, Provenance::new("spirals", "train", "made up"))?)
}

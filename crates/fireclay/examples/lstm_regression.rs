//! An LSTM with two layers of 200 reads a hundred steps of ten waves at once and says how each goes on.
//!
//! ```sh
//! cargo run --release -p fireclay --example lstm_regression
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;

use fireclay::data::Provenance;
use fireclay::prelude::*;

const STEPS: usize = 100;
const WAVES: usize = 10;
const SEQUENCES: usize = 300;

/// Runs the example; its test does too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let device = DeviceName::default().open()?;
    device.seed(0);
    let data = waves()?;
    let spec =
        ModelSpec::new([STEPS, WAVES]).layer(LstmSpec { num_layers: 2, ..LstmSpec::new(200) }).dense(WAVES);
    println!("{}\n", spec.summary()?);

    let mut trainer = Trainer::regression(spec.build(&device)?).optimizer(Adam::new(1e-3));
    let history = trainer.fit(&data, &FitOptions { epochs: 4, batch_size: 100, ..FitOptions::default() })?;
    for record in &history.epochs {
        let loss = record.get("loss").unwrap_or(f64::NAN);
        let bar = "#".repeat((loss * 80.0) as usize);
        println!("epoch {}  mse {loss:.4}  {:>5.0} sequences/s  {bar}", record.epoch, record.samples_per_s);
    }
    let losses = history.course("loss");
    assert!(losses.is_sorted_by(|a, b| a > b), "the loss falls in every epoch: {losses:?}");
    assert!(losses[3] < 0.8 * losses[0], "{losses:?}");
    Ok(())
}

/// Sequences of ten sine waves, each with its own speed and start; the target is the next value of each.
fn waves() -> fireclay::Result<Dataset> {
    let value = |sequence: usize, wave: usize, step: usize| {
        let speed = 0.1 + 0.04 * wave as f32;
        let start = (sequence * 7919 % 1000) as f32 / 1000.0 * std::f32::consts::TAU + wave as f32;
        (start + speed * step as f32).sin()
    };
    let mut values = Vec::with_capacity(SEQUENCES * STEPS * WAVES);
    let mut next = Vec::with_capacity(SEQUENCES * WAVES);
    for sequence in 0..SEQUENCES {
        values.extend((0..STEPS * WAVES).map(|at| value(sequence, at % WAVES, at / WAVES)));
        next.extend((0..WAVES).map(|wave| value(sequence, wave, STEPS)));
    }
    let targets = Targets::Values { width: WAVES, values: next };
    let provenance = Provenance::new("waves", "train", "made up");
    Ok(Dataset::from_f32(&[STEPS, WAVES], values, targets, provenance)?)
}

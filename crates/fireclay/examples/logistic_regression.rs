//! Logistic regression on a table: does a student pass, given hours of study, hours of sleep and lessons missed?
//!
//! ```sh
//! cargo run --release -p fireclay --example logistic_regression
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

use std::error::Error;
use std::fmt::Write;

use fireclay::data::{Normalization, Table, TableOptions, TableTarget};
use fireclay::nn::state;
use fireclay::prelude::*;
use fireclay::train::Report;

/// Runs the example; its test does too.
pub fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("students.csv");
    std::fs::write(&path, students(800))?;

    // The last column is the one to predict; 0 and 1 are taken as numbers, for one logit.
    let table =
        Table::load(&path, &TableOptions { target_kind: TableTarget::Values, ..TableOptions::default() })?;
    let (train, test) = table.dataset.split(0.25, 0)?;
    // Hours and lessons are brought to one range, by what is known of the training part alone.
    let range = Normalization::of(&train)?;
    let (train, test) = (train.with_normalization(range.clone())?, test.with_normalization(range)?);

    let device = DeviceName::default().open()?;
    device.seed(0);
    let network = ModelSpec::new([3]).dense(1).build(&device)?;
    let mut trainer = Trainer::binary(network).optimizer(Adam::new(0.05));
    trainer.fit(&train, &FitOptions { epochs: 20, batch_size: 50, ..FitOptions::default() })?;

    let evaluation = trainer.evaluate(&test)?;
    println!("{} students learnt from, {} asked about\n\n{evaluation}\n", train.len(), test.len());
    let weights = state(trainer.network());
    for (name, weight) in table.feature_names.iter().zip(&weights[0].values) {
        println!("one deviation more of {name:<6}  multiplies the odds of passing by {:.2}", weight.exp());
    }

    let Report::Classification(report) = &evaluation.report else {
        return Err("a classifier was measured".into());
    };
    let passing = &report.classes[1].scores;
    assert!(report.accuracy > 0.85, "accuracy {}", report.accuracy);
    assert!(passing.precision > 0.8 && passing.recall > 0.8 && passing.f1 > 0.8, "{passing:?}");
    let [study, sleep, missed] = weights[0].values[..] else { return Err("three features".into()) };
    assert!(study > sleep && sleep > 0.0 && missed < 0.0);
    Ok(())
}

/// Students made up: study helps most, sleep a little, and luck decides the narrow cases.
fn students(count: usize) -> String {
    let mut csv = String::from("study,sleep,missed,passed\n");
    let mut state = 7u64;
    let mut random = move || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    for _ in 0..count {
        let (study, sleep, missed) = (20.0 * random(), 4.0 + 5.0 * random(), (10.0 * random()).floor());
        let chances = 0.5 * (study - 10.0) + 0.6 * (sleep - 6.5) - 0.4 * (missed - 4.5);
        let passed = u8::from(chances + 2.0 * (random() - 0.5) > 0.0);
        let _ = writeln!(csv, "{study:.1},{sleep:.1},{missed},{passed}");
    }
    csv
}

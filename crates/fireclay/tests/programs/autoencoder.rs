//! Images as targets: an autoencoder squeezes pictures through a few numbers.

use fireclay::data::{Normalization, Provenance};
use fireclay::prelude::*;
use fireclay::train::Mse;

#[test]
fn autoencoder() -> fireclay::Result<()> {
    let (digits, _) = DrawnDigits::new(0).train_and_test(600, 0);
    let pixels: Vec<u8> =
        (0..digits.len()).filter_map(|index| digits.raw_u8(index)).flatten().copied().collect();
    let targets = Targets::Features { samples: digits.len() };
    let images =
        Dataset::from_u8(&[1, 28, 28], pixels, targets, Normalization::none(), Provenance::default())?;

    // A dense layer for each pixel at the end, as the targets are rows of pixels.
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(64).relu().dense(16).dense(64).relu().dense(784);
    let mut trainer = Trainer::regression(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(3e-3))
        .metrics([Mse]);
    let history = trainer.fit(&images, &FitOptions { epochs: 8, batch_size: 32, ..FitOptions::default() })?;
    assert!(history.course("loss")[7] < 0.6 * history.course("loss")[0], "{:?}", history.course("loss"));
    // As against the mean picture, which is what a network gives that lets nothing through.
    let samples = digits.len() as f64;
    let variance: f64 = (0..784)
        .map(|at| {
            let pixel = || (0..digits.len()).filter_map(|i| Some(f64::from(digits.raw_u8(i)?[at]) / 255.0));
            let mean = pixel().sum::<f64>() / samples;
            pixel().map(|value| (value - mean).powi(2)).sum::<f64>() / samples / 784.0
        })
        .sum();
    let error = trainer.evaluate(&images)?.metric("mse");
    assert!(error < Some(0.6 * variance), "{error:?}, {variance}");
    Ok(())
}

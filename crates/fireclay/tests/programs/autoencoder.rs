//! Images as targets: an autoencoder squeezes pictures through a few numbers.

use fireclay::data::{Normalization, Provenance};
use fireclay::prelude::*;
use fireclay::train::{Mse, R2};

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
        .metrics((Mse, R2));
    let history = trainer.fit(&images, &FitOptions { epochs: 8, batch_size: 32, ..FitOptions::default() })?;
    assert!(history.course("loss")[7] < 0.6 * history.course("loss")[0], "{:?}", history.course("loss"));
    assert!(trainer.evaluate(&images)?.metric("r2") > Some(0.3));
    Ok(())
}

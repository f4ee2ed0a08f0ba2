//! An optimiser of Burn's that Fireclay does not have, kept in checkpoints like any other.

use burn::optim::AdaGradConfig;
use fireclay::prelude::*;
use fireclay::train::BurnOptimizer;

#[test]
fn optimizer_from_burn() -> fireclay::Result<()> {
    let (train, test) = DrawnDigits::new(0).train_and_test(1_000, 200);
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10);
    let mut trainer = Trainer::classification(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(BurnOptimizer::new("adagrad", AdaGradConfig::new().build(), 0.02));
    trainer.fit(&train, &FitOptions { epochs: 5, ..FitOptions::default() })?;
    assert!(trainer.evaluate(&test)?.accuracy() > Some(0.7));
    Ok(())
}

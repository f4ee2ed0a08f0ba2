//! Five-fold cross-validation: every sample validates once.

use fireclay::prelude::*;

#[test]
fn cross_validation() -> fireclay::Result<()> {
    let device = DeviceName::default().open()?;
    let (data, _) = DrawnDigits::new(0).train_and_test(1_000, 0);
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(32).relu().dense(10);
    let mut accuracies = Vec::new();
    for (train, validation) in data.k_folds(5, 0)? {
        assert_eq!((train.len(), validation.len()), (800, 200));
        let mut trainer = Trainer::classification(spec.build_seeded(0, &device)?).optimizer(Adam::new(5e-3));
        trainer.fit(&train, &FitOptions { epochs: 4, batch_size: 32, ..FitOptions::default() })?;
        accuracies.extend(trainer.evaluate(&validation)?.accuracy());
    }
    let mean = accuracies.iter().sum::<f64>() / 5.0;
    let deviation = (accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    assert!(mean > 0.75 && deviation < 0.1, "{mean} ± {deviation}");
    Ok(())
}

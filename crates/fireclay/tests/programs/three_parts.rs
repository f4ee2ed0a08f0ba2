//! Training, validation and test samples given apart; the run stops when a measure of the validation samples says so.

use fireclay::prelude::*;
use fireclay::train::{F1, Stopped};

#[test]
fn three_parts() -> fireclay::Result<()> {
    let (train, rest) = DrawnDigits::new(0).train_and_test(400, 400);
    let (test, validation) = rest.split(0.5, 0)?;
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(64).relu().dense(10);
    let mut trainer = Trainer::classification(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Adam::new(1e-2))
        .metrics([F1])
        .validation(&validation)
        .callback(EarlyStopping::on("val_f1").patience(2));
    let history = trainer.fit(&train, &FitOptions { epochs: 60, ..FitOptions::default() })?;

    assert!(matches!(history.stopped, Stopped::Early(_)), "{:?}", history.stopped);
    let course = history.course("val_f1");
    let best = course.iter().copied().fold(0.0, f64::max);
    assert_eq!(course[course.len() - 3], best);
    // The network is the best one again.
    assert_eq!(trainer.evaluate(&validation)?.metric("f1"), Some(best));
    assert!(trainer.evaluate(&test)?.accuracy() > Some(0.6));
    Ok(())
}

//! One model, loaded once, asked by eight threads at a time.

use fireclay::prelude::*;
use fireclay::train::Predictor;

#[test]
fn prediction_in_threads() -> fireclay::Result<()> {
    let device = DeviceName::default().open()?;
    let (train, test) = DrawnDigits::new(0).train_and_test(500, 80);
    let spec = ModelSpec::new([1, 28, 28]).conv2d(4, 3).relu().max_pool2d(2).flatten().dense(10);
    let mut trainer = Trainer::classification(spec.build_seeded(0, &device)?).optimizer(Adam::new(3e-3));
    trainer.fit(&train, &FitOptions { epochs: 4, ..FitOptions::default() })?;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("digits.fireclay");
    trainer.save(&path)?;
    let expected = trainer.predict(&test)?;

    let predictor = Predictor::load(&path, &device)?;
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (predictor, test, expected) = (&predictor, &test, &expected);
            scope.spawn(move || {
                for index in (thread..test.len()).step_by(8) {
                    let answer = predictor.predict(test.raw_u8(index).unwrap()).unwrap();
                    for (found, expected) in answer.outputs().iter().zip(&expected[index]) {
                        assert!((found - expected).abs() < 1e-4, "{found}, {expected}");
                    }
                    assert!(
                        answer.class().is_some_and(|class| test.class_names().contains(&class.to_string()))
                    );
                }
            });
        }
    });
    Ok(())
}

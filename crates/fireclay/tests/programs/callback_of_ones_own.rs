//! A callback that logs the learning rate and the norm of the gradients.

use std::sync::{Arc, Mutex};

use fireclay::prelude::*;
use fireclay::train::schedule::Cosine;
use fireclay::train::{Event, callback_fn};

#[test]
fn callback_of_ones_own() -> fireclay::Result<()> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let logger = callback_fn("logger", move |event, _| {
        if let Event::StepEnded { step, learning_rate, gradient_norm: Some(norm), .. } = event {
            lines.lock().expect("no holder panics").push((*step, *learning_rate, *norm));
        }
        Ok(())
    });
    let (train, _) = DrawnDigits::new(0).train_and_test(320, 0);
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(10);
    let mut trainer = Trainer::classification(spec.build_seeded(0, &DeviceName::default().open()?)?)
        .optimizer(Sgd::new(0.1))
        .callback(logger.with_gradient_norm());
    let options =
        FitOptions { epochs: 2, batch_size: 64, schedule: Cosine::to(0.0).into(), ..FitOptions::default() };
    trainer.fit(&train, &options)?;

    let log = log.lock().expect("no holder panics");
    assert_eq!(log.len(), 10);
    assert!(log.is_sorted_by(|one, next| one.1 > next.1) && log[0].1 == 0.1, "{log:?}");
    assert!(log.iter().all(|(_, _, norm)| *norm > 0.0));
    Ok(())
}

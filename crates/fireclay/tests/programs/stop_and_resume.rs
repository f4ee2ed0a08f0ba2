//! A run that is stopped in the middle of an epoch and goes on from its checkpoint, to the same bytes.

use fireclay::prelude::*;
use fireclay::store::load_checkpoint;
use fireclay::train::{Event, Stopped, callback_fn};

#[test]
fn stop_and_resume() -> fireclay::Result<()> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let (train, _) = DrawnDigits::new(0).train_and_test(300, 0);
    let device = DeviceName::default().open()?;
    let trainer = |seed| {
        let spec = ModelSpec::new([1, 28, 28]).flatten().dense(16).relu().dense(10);
        Ok::<_, fireclay::Error>(Trainer::classification(spec.build_seeded(seed, &device)?))
    };
    let options = FitOptions { epochs: 3, batch_size: 50, validation_split: 0.2, ..FitOptions::default() };
    let mut whole = trainer(1)?;
    whole.fit(&train, &options)?;
    whole.save(path("whole.fireclay"))?;

    let stop = callback_fn("stop", |event, context| {
        if let Event::StepEnded { epoch: 2, step: 3, .. } = event {
            context.interrupt();
        }
        Ok(())
    });
    let mut broken = trainer(1)?.callback(stop).callback(CheckpointWriter::new(path("run.checkpoint")));
    assert_eq!(broken.fit(&train, &options)?.stopped, Stopped::Interrupted);

    // Other weights: everything comes from the checkpoint.
    let mut resumed = trainer(2)?;
    resumed.resume(&train, load_checkpoint(path("run.checkpoint"))?)?;
    resumed.save(path("resumed.fireclay"))?;
    let bytes = |name| std::fs::read(path(name)).expect("it was saved");
    assert_eq!(bytes("whole.fireclay"), bytes("resumed.fireclay"));
    Ok(())
}

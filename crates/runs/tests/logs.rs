//! Logs of a run that is broken off: each step once, and what is said of a log that was changed meanwhile.

use std::sync::{Arc, Mutex};

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Device, Model, ModelSpec};
use fireclay_runs::{MetricsLog, RunFolder, TensorBoardLog};
use fireclay_train::{Checkpoint, Event, FitOptions, TrainError, Trainer, callback_fn};

fn data() -> Dataset {
    let values = (0..80).map(|index| index as f32 / 40.0 - 1.0).collect();
    let labels = (0..80).map(|index| u32::from(index >= 40)).collect();
    let targets = Targets::Classes { labels, names: vec!["low".into(), "high".into()] };
    Dataset::from_f32(&[1], values, targets, Provenance::default()).unwrap()
}

fn trainer(run: &RunFolder) -> Trainer<Model> {
    let network = ModelSpec::new([1]).dense(4).relu().dense(2).build_seeded(1, &Device::flex()).unwrap();
    Trainer::classification(network)
        .callback(MetricsLog::new(run).every(2))
        .callback(TensorBoardLog::new(run).every(2))
}

/// Trains until step 3 of epoch 2, as a process that is killed, with a checkpoint after the step before. 10 steps an epoch.
fn killed(run: &RunFolder) -> Checkpoint {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let mut place = (0, 0);
    let kill = callback_fn("kill", move |event, context| {
        match event {
            Event::StepEnded { epoch, step, .. } => {
                place = (*epoch, *step);
                match place {
                    (2, 2) => context.request_checkpoint(),
                    (2, 3) => return Err(TrainError::NoCheckpoint),
                    _ => {}
                }
            }
            Event::Resumable { .. } if place == (2, 2) => {
                *keep.lock().unwrap() = Some(context.checkpoint()?);
            }
            _ => {}
        }
        Ok(())
    });
    let options = FitOptions { epochs: 3, batch_size: 8, ..FitOptions::default() };
    trainer(run).callback(kill).fit(&data(), &options).unwrap_err();
    kept.lock().unwrap().take().expect("a checkpoint")
}

fn steps(run: &RunFolder) -> Vec<usize> {
    let csv = std::fs::read_to_string(run.metrics_csv()).unwrap();
    csv.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn each_logged_step_is_there_once_after_a_run_went_on() {
    let scratch = tempfile::tempdir().unwrap();
    let run = RunFolder::create(scratch.path(), "small").unwrap();
    let checkpoint = killed(&run);
    trainer(&run).resume(&data(), checkpoint).unwrap();
    let even: Vec<usize> = (2..=30).step_by(2).collect();
    assert_eq!(steps(&run), even);
    let json = std::fs::read_to_string(run.metrics_jsonl()).unwrap();
    let of_epochs = json.lines().filter(|line| line.contains("\"accuracy\"")).count();
    assert_eq!((json.lines().count(), of_epochs), (even.len(), 3));
}

#[test]
fn a_log_that_was_cut_meanwhile_is_refused_with_both_lengths() {
    let scratch = tempfile::tempdir().unwrap();
    let run = RunFolder::create(scratch.path(), "small").unwrap();
    let checkpoint = killed(&run);
    std::fs::write(run.metrics_csv(), "step\n").unwrap();
    let error = trainer(&run).resume(&data(), checkpoint).unwrap_err();
    let cause = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
    for word in ["metrics.csv has 5 bytes", "checkpoint knows of", "begin a new run"] {
        assert!(cause.contains(word), "no {word:?} in {cause:?}");
    }
}

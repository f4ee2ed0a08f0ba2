//! Which checkpoints a run writes, and that each of them can be gone on from.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Device, Model, ModelSpec, NamedTensor, state};
use fireclay_store::load_checkpoint;
use fireclay_train::{Adam, CheckpointWriter, Event, FitOptions, Progress, TrainError, Trainer, callback_fn};

fn points(samples: usize) -> Dataset {
    let values: Vec<f32> = (0..samples * 2).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect();
    let labels = values.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap()
}

fn trainer(data: &Dataset) -> Trainer<Model> {
    let spec = ModelSpec::new([2]).dense(8).relu().dense(2);
    let network = spec.build_seeded(5, &Device::flex()).unwrap();
    Trainer::classification(network).optimizer(Adam::new(0.02)).validation(data)
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 8, seed: 3, ..FitOptions::default() }
}

fn trained(data: &Dataset, options: &FitOptions) -> Vec<NamedTensor> {
    let mut trainer = trainer(data);
    trainer.fit(data, options).unwrap();
    state(trainer.network())
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn place(path: &Path) -> (usize, usize) {
    let progress = load_checkpoint::<Progress>(path).unwrap().progress;
    (progress.state.epoch, progress.state.step)
}

/// Fails at a step, as a process that is killed, and says at which places the file stood.
fn killed_at(data: &Dataset, writer: CheckpointWriter, at: (usize, usize)) {
    let kill = callback_fn("kill", move |event, _| match event {
        Event::StepEnded { epoch, step, .. } if (*epoch, *step) == at => Err(TrainError::NoCheckpoint),
        _ => Ok(()),
    });
    trainer(data).callback(writer).callback(kill).fit(data, &options(6)).unwrap_err();
}

#[test]
fn a_run_that_is_killed_goes_on_from_its_last_checkpoint() {
    let data = points(64);
    let whole = trained(&data, &options(6));
    let folder = tempfile::tempdir().unwrap();
    let last = folder.path().join("last.checkpoint");
    let writer = || CheckpointWriter::new(&last);
    // 8 steps an epoch.
    for (writer, at, stands) in [
        (writer().at_start(), (1, 3), (1, 0)),
        (writer(), (3, 5), (3, 0)),
        (writer().every_steps(3), (3, 5), (3, 2)),
        (writer().every_steps(8), (3, 5), (3, 0)),
        (writer().only_when_interrupted().every_steps(10), (3, 5), (3, 4)),
        (writer().every(Duration::ZERO), (3, 5), (3, 4)),
        (writer().every(Duration::from_secs(3600)), (3, 5), (3, 0)),
    ] {
        killed_at(&data, writer, at);
        assert_eq!(place(&last), stands);
        let mut second = trainer(&data);
        second.resume(&data, load_checkpoint(&last).unwrap()).unwrap();
        assert_eq!(state(second.network()), whole);
        std::fs::remove_file(&last).unwrap();
    }
}

#[test]
fn the_last_some_and_the_best_are_kept() {
    let data = points(64);
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let writer =
        || CheckpointWriter::new(at("last.checkpoint")).keep_last(2).best("val_loss", at("best.checkpoint"));
    killed_at(&data, writer(), (5, 3));
    let kept = ["best.checkpoint", "last-epoch-3.checkpoint", "last-epoch-4.checkpoint", "last.checkpoint"];
    assert_eq!(names(folder.path()), kept.map(String::from).into());
    assert_eq!(place(&at("last-epoch-3.checkpoint")), (4, 0));

    // The best is that of the whole run, also where the run was broken off.
    let mut second = trainer(&data).callback(writer());
    let history = second.resume(&data, load_checkpoint(at("last.checkpoint")).unwrap()).unwrap();
    let losses = history.course("val_loss");
    let best = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap() + 1;
    assert_eq!(place(&at("best.checkpoint")), (best + 1, 0));
    assert_eq!(place(&at("last.checkpoint")), (7, 0));
    assert!(names(folder.path()).contains("last-epoch-6.checkpoint"));
    assert_eq!(names(folder.path()).len(), 4);

    // A best before the break is not forgotten: nothing after it counts as the first.
    let mut third = trainer(&data).callback(CheckpointWriter::new(at("x")).best("accuracy", at("most")));
    third.fit(&data, &options(6)).unwrap();
    let message = trainer(&data)
        .callback(CheckpointWriter::new(at("x")).best("val_f2", at("most")))
        .fit(&data, &options(1))
        .unwrap_err()
        .to_string();
    assert!(message.contains("val_f2") && message.contains("val_loss"), "{message}");
}

//! Private trainings from end to end.

use fireclay_backend::Precision;
use fireclay_data::Dataset;
use fireclay_datasets::DrawnDigits;
use fireclay_nn::{Model, ModelSpec, NamedTensor, loss_fn, state};
use fireclay_store::{ModelCard, load_checkpoint, load_model};
use fireclay_train::schedule::Plateau;
use fireclay_train::{
    CheckpointWriter, Device, Event, FitOptions, History, LearningRateFinder, NoiseSource, PrivacyOptions,
    Sgd, Stopped, Trainer, callback_fn, privacy_spent,
};

const SAMPLES: usize = 600;

fn digits() -> Dataset {
    DrawnDigits::new(5).train_and_test(SAMPLES, 10).0
}

fn trainer() -> Trainer<Model> {
    let spec = ModelSpec::new([1, 28, 28]).flatten().dense(24).tanh().dense(10);
    Trainer::classification(spec.build_seeded(1, &Device::flex()).unwrap()).optimizer(Sgd::new(0.5))
}

fn options(noise: NoiseSource) -> FitOptions {
    let privacy = PrivacyOptions { epsilon: 8.0, delta: 1e-4, noise };
    FitOptions { epochs: 3, batch_size: 60, seed: 9, privacy: Some(privacy), ..FitOptions::default() }
}

fn fitted(noise: NoiseSource) -> (Vec<NamedTensor>, History) {
    let mut trainer = trainer();
    let history = trainer.fit(&digits(), &options(noise)).unwrap();
    (state(trainer.network()), history)
}

fn card(trainer: &Trainer<Model>) -> ModelCard {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.fireclay");
    trainer.save(&path).unwrap();
    load_model(&path, &Device::flex()).unwrap().1
}

#[test]
fn a_budget_is_spent_epoch_by_epoch_and_not_beyond() {
    let mut trainer = trainer();
    let history = trainer.fit(&digits(), &options(NoiseSource::System)).unwrap();
    let spent = history.course("epsilon");
    assert_eq!(spent.len(), 3);
    assert!(spent.is_sorted() && spent[2] <= 8.0 && spent[2] > 7.9, "{spent:?}");
    assert!(history.course("loss")[2] < history.course("loss")[0]);

    let privacy = card(&trainer).training.unwrap().privacy.unwrap();
    assert_eq!((privacy.steps, privacy.sampling_rate, privacy.clip_norm), (30, 0.1, 1.0));
    assert_eq!((privacy.delta, privacy.noise.as_str()), (1e-4, "system"));
    assert_eq!(privacy.epsilon, spent[2]);
    assert_eq!(privacy.epsilon, privacy_spent(0.1, privacy.noise_multiplier, 30, 1e-4));
}

#[test]
fn a_seed_repeats_a_private_run_and_the_system_does_not() {
    let without_times = |(weights, history): (Vec<NamedTensor>, History)| {
        (weights, history.epochs.into_iter().map(|epoch| epoch.values).collect::<Vec<_>>())
    };
    let run = |noise| without_times(fitted(noise));
    assert_eq!(run(NoiseSource::Seed), run(NoiseSource::Seed));
    assert_ne!(run(NoiseSource::System).0, run(NoiseSource::System).0);
}

#[test]
fn a_private_run_that_was_broken_off_goes_on_and_counts_what_it_spent() {
    let whole = fitted(NoiseSource::Seed).0;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.checkpoint");
    let stop = callback_fn("stop", |event, context| {
        if let Event::StepEnded { epoch: 2, step: 4, .. } = event {
            context.interrupt();
        }
        Ok(())
    });
    let mut first = trainer().callback(CheckpointWriter::new(&path)).callback(stop);
    let history = first.fit(&digits(), &options(NoiseSource::Seed)).unwrap();
    assert_eq!(history.stopped, Stopped::Interrupted);
    let privacy = card(&first).training.unwrap().privacy.unwrap();
    assert_eq!(privacy.steps, 14);
    assert!(privacy.epsilon < 6.5, "{privacy:?}");
    let mut second = trainer();
    second.resume(&digits(), load_checkpoint(&path).unwrap()).unwrap();
    assert_eq!(state(second.network()), whole);
    assert_eq!(card(&second).training.unwrap().privacy.unwrap().steps, 30);
}

/// A step in which no sample was drawn is one all the same: with noise alone.
#[test]
fn steps_without_samples_are_steps() {
    let mut trainer = trainer();
    let before = state(trainer.network());
    let privacy = PrivacyOptions { epsilon: 1.0, delta: 1e-4, noise: NoiseSource::Seed };
    let options = FitOptions { epochs: 1, batch_size: 1, privacy: Some(privacy), ..FitOptions::default() };
    let data = DrawnDigits::new(5).train_and_test(40, 10).0;
    let history = trainer.fit(&data, &options).unwrap();
    assert_eq!(history.epochs.len(), 1);
    assert_eq!(card(&trainer).training.unwrap().privacy.unwrap().steps, 40);
    assert_ne!(state(trainer.network()), before);
}

/// A file of a private model does not say of a sample that it was there.
#[test]
fn digests_of_samples_are_left_out() {
    let data = digits().with_sample_digests();
    let mut trainer = trainer();
    let plain = FitOptions { privacy: None, ..options(NoiseSource::System) };
    trainer.fit(&data, &plain).unwrap();
    assert!(card(&trainer).seen.is_some());
    trainer.fit(&data, &options(NoiseSource::System)).unwrap();
    assert!(card(&trainer).seen.is_none());
}

#[test]
fn what_would_give_more_away_is_refused() {
    let private = || options(NoiseSource::System);
    let refused = |trainer: Trainer<Model>, options: FitOptions| {
        let mut trainer = trainer;
        trainer.fit(&digits(), &options).unwrap_err().to_string()
    };
    let network = |spec: ModelSpec| Trainer::classification(spec.build(&Device::flex()).unwrap());
    let batch_norm = network(ModelSpec::new([1, 28, 28]).flatten().dense(8).batch_norm().dense(10));
    let message = refused(batch_norm, private());
    assert!(message.contains("batch norm mixes the samples") && message.contains("layer_norm"), "{message}");
    let whitening = network(ModelSpec::new([1, 28, 28]).whitening(2).flatten().dense(10));
    assert!(refused(whitening, private()).contains("set by the training data"));

    let plateau = Plateau::new(0.5, 1).into();
    for (options, expected) in [
        (FitOptions { accumulate: 2, ..private() }, "accumulate is 2"),
        (FitOptions { clip_value: Some(1.0), ..private() }, "clip_value is 1"),
        (FitOptions { precision: Precision::Bf16, ..private() }, "precision is bf16"),
        (FitOptions { schedule: plateau, ..private() }, "schedule is plateau=0.5,1"),
    ] {
        let message = refused(trainer(), options);
        assert!(message.contains(expected), "{message}");
    }
    for (epsilon, delta, expected) in [
        (0.0, 1e-5, "epsilon is 0"),
        (f64::NAN, 1e-5, "epsilon is NaN"),
        (1e308, 1e-5, "at most 1000"),
        (1.0, 0.0, "delta is 0"),
        (1.0, 1.5, "delta is 1.5"),
        (1.0, 0.002, "delta is 0.002; expected less than one in as many as there are training samples"),
        (1e-9, 1e-12, "epsilon is 0.000000001 with delta"),
    ] {
        let privacy = PrivacyOptions { epsilon, delta, noise: NoiseSource::System };
        let message = refused(trainer(), FitOptions { privacy: Some(privacy), ..private() });
        assert!(message.contains(expected), "{message}");
    }

    let whole = loss_fn("whole", |output, _| output.sum());
    let message = refused(trainer().loss(whole), private());
    assert!(message.contains("'whole' gives one number for a batch"), "{message}");

    let finder = LearningRateFinder::default();
    let message = trainer().find_learning_rate(&digits(), &private(), &finder).unwrap_err().to_string();
    assert!(message.contains("without being counted"), "{message}");
}

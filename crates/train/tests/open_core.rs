//! What users bring goes through the one loop as what is built in does: checked, named, resumed.

use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use fireclay_data::{Batch, BatchTargets, DataError, Dataset, Provenance, Source, TargetKind, Targets};
use fireclay_nn::{
    BinaryCrossEntropyLoss, CrossEntropyLoss, Loss, MaeLoss, Model, ModelSpec, MseLoss, Target, loss_fn,
    state,
};
use fireclay_train::{
    Accuracy, Adam, Callback, CallbackContext, Checkpoint, Direction, EarlyStopping, Event, FitOptions, Mae,
    Predictor, Sgd, Stopped, TrainError, Trainer, callback_fn, metric_fn, schedule_fn,
};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect()
}

fn with_values(targets: Vec<f32>) -> Dataset {
    let features = numbers(2 * targets.len());
    let targets = Targets::Values { width: 1, values: targets };
    Dataset::from_f32(&[2], features, targets, Provenance::new("numbers", "train", "made up")).unwrap()
}

fn classes(samples: usize) -> Dataset {
    let features = numbers(2 * samples);
    let labels = features.chunks(2).map(|point| u32::from(point[0] > point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["a".into(), "b".into()] };
    Dataset::from_f32(&[2], features, targets, Provenance::new("points", "train", "made up")).unwrap()
}

fn model(outputs: usize) -> Model {
    let spec = ModelSpec::new([2]).dense(8).relu().dense(outputs);
    spec.build_seeded(1, &Device::default()).unwrap()
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 16, ..FitOptions::default() }
}

fn message<T>(result: Result<T, TrainError>) -> String {
    result.err().expect("an error").to_string()
}

#[test]
fn targets_that_a_loss_does_not_take_are_refused_with_their_sample() {
    let mut targets = vec![1.0; 40];
    targets[7] = 5.0;
    let data = with_values(targets);
    let text = message(Trainer::binary(model(1)).fit(&data, &options(1)));
    assert!(text.contains("sample 7") && text.contains('5') && text.contains("from 0 to 1"), "{text}");
    // For numbers 5 is as good as any other.
    Trainer::regression(model(1)).fit(&data, &options(1)).unwrap();
}

#[derive(Clone)]
struct Odd {
    class: u32,
    values: usize,
    tokens: bool,
}

impl Source for Odd {
    fn len(&self) -> usize {
        20
    }

    fn sample_shape(&self) -> &[usize] {
        &[2]
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Classes { count: 2 }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        let labels = indices.iter().map(|index| if *index == 11 { self.class } else { 0 }).collect();
        batch.fill(indices, &[2], vec![0.5; self.values * indices.len()], BatchTargets::Classes(labels));
        if self.tokens {
            *batch.features.tokens_mut() = vec![0; 2 * indices.len()];
        }
        Ok(())
    }
}

#[test]
fn a_source_that_contradicts_itself_is_an_error_and_no_panic() {
    let fit = |source: Odd| message(Trainer::classification(model(2)).fit(&source, &options(1)));
    let text = fit(Odd { class: 2, values: 2, tokens: false });
    assert!(text.contains("sample 11 is of class 2") && text.contains("2 classes"), "{text}");
    let text = fit(Odd { class: 0, values: 3, tokens: false });
    assert!(text.contains("has 3 values; expected 2"), "{text}");
    let text = fit(Odd { class: 0, values: 2, tokens: true });
    assert!(text.contains("tokens as 'input'"), "{text}");
}

/// Claims more samples than can be counted.
#[derive(Clone)]
struct Endless;

impl Source for Endless {
    fn len(&self) -> usize {
        1 << 40
    }

    fn sample_shape(&self) -> &[usize] {
        &[2]
    }

    fn target_kind(&self) -> TargetKind {
        TargetKind::Classes { count: 2 }
    }

    fn gather(&self, indices: &[u32], batch: &mut Batch) -> Result<(), DataError> {
        batch.fill(
            indices,
            &[2],
            vec![0.5; 2 * indices.len()],
            BatchTargets::Classes(vec![0; indices.len()]),
        );
        Ok(())
    }
}

#[test]
fn more_samples_than_can_be_counted_are_refused() {
    let text = message(Trainer::classification(model(2)).fit(&Endless, &options(1)));
    assert!(text.contains("1099511627776 samples"), "{text}");
    let text = message(Trainer::classification(model(2)).evaluate(&Endless));
    assert!(text.contains("1099511627776 samples"), "{text}");
}

#[test]
fn a_softmax_before_cross_entropy_is_warned_of() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let fit = |spec: ModelSpec, heard: &Arc<Mutex<Vec<String>>>| {
        let log = heard.clone();
        let listener = callback_fn("warnings", move |event, _| {
            if let Event::Warning(text) = event {
                log.lock().unwrap().push(text.to_string());
            }
            Ok(())
        });
        let network = spec.build_seeded(1, &Device::default()).unwrap();
        Trainer::classification(network).callback(listener).fit(&classes(32), &options(1)).unwrap();
    };
    fit(ModelSpec::new([2]).dense(2), &heard);
    assert!(heard.lock().unwrap().is_empty());
    fit(ModelSpec::new([2]).dense(2).softmax(), &heard);
    assert!(heard.lock().unwrap()[0].contains("leave the softmax at its end out"));
}

#[test]
fn early_stopping_knows_the_direction_from_the_metric() {
    // Better when smaller, though nothing in its name says so.
    let distance = |name: &'static str, direction| {
        metric_fn(name, direction, |predictions: &fireclay_train::Predictions| {
            f64::from(predictions.outputs()[0].abs())
        })
    };
    for direction in [Direction::Minimize, Direction::Maximize] {
        let data = with_values(vec![0.0; 64]);
        let mut trainer = Trainer::regression(model(1))
            .optimizer(Sgd::new(0.05))
            .metric(distance("surprise", direction))
            .callback(EarlyStopping::on("val_surprise").patience(50));
        let history = trainer.fit(&data, &FitOptions { validation_split: 0.25, ..options(6) }).unwrap();
        let course = history.course("val_surprise");
        let best = match direction {
            Direction::Minimize => course.iter().copied().fold(f64::INFINITY, f64::min),
            Direction::Maximize => course.iter().copied().fold(0.0, f64::max),
        };
        let (_, validation) = data.split(0.25, 0).unwrap();
        assert_eq!(trainer.evaluate(&validation).unwrap().metric("surprise"), Some(best), "{course:?}");
    }
}

/// Remembers how many epochs it saw, under a name.
struct Counter {
    name: &'static str,
    seen: Arc<Mutex<usize>>,
}

impl Callback for Counter {
    fn name(&self) -> String {
        self.name.into()
    }

    fn on_event(&mut self, event: &Event, _: &mut CallbackContext) -> Result<(), TrainError> {
        if let Event::EpochEnded(_) = event {
            *self.seen.lock().unwrap() += 1;
        }
        Ok(())
    }

    fn state(&self) -> serde_json::Value {
        (*self.seen.lock().unwrap()).into()
    }

    fn restore(&mut self, state: serde_json::Value) -> Result<(), serde_json::Error> {
        *self.seen.lock().unwrap() = serde_json::from_value(state)?;
        Ok(())
    }
}

/// Runs until a step, and takes the checkpoint there.
fn interrupted(
    trainer: Trainer<Model>,
    data: &Dataset,
    options: &FitOptions,
    at: (usize, usize),
) -> Checkpoint {
    let taken = Arc::new(Mutex::new(None));
    let keep = taken.clone();
    let stop = callback_fn("stop", move |event, context| {
        match event {
            Event::StepEnded { epoch, step, .. } if (*epoch, *step) == at => context.interrupt(),
            Event::Resumable { interrupted: true } => *keep.lock().unwrap() = Some(context.checkpoint()?),
            _ => {}
        }
        Ok(())
    });
    let history = trainer.callback(stop).fit(data, options).unwrap();
    assert_eq!(history.stopped, Stopped::Interrupted);
    taken.lock().unwrap().take().expect("a checkpoint")
}

#[test]
fn callbacks_find_their_states_by_name() {
    let counter = |name: &'static str| {
        let seen = Arc::new(Mutex::new(0));
        (Counter { name, seen: seen.clone() }, seen)
    };
    let data = classes(64);
    let trainer = Trainer::classification(model(2)).callback(counter("one").0).callback(counter("two").0);
    let checkpoint = interrupted(trainer, &data, &options(4), (3, 2));

    // In another order, with a new one before them and one left out.
    let ((new, new_seen), (two, two_seen)) = (counter("new"), counter("two"));
    let mut resumed = Trainer::classification(model(2)).callback(new).callback(two);
    resumed.resume(&data, checkpoint).unwrap();
    assert_eq!((*new_seen.lock().unwrap(), *two_seen.lock().unwrap()), (2, 4));
}

#[test]
fn parts_of_ones_own_resume_under_their_names_to_the_same_weights() {
    let cubic = || {
        loss_fn("cubic", |output: Tensor<2>, target: &Target| {
            (output - target.values()).abs().powi_scalar(3).mean_dim(1).squeeze_dim::<1>(1)
        })
    };
    let halving = || schedule_fn("halving", |at| 0.5f64.powf(at.epochs_done));
    let largest = || {
        metric_fn("largest", Direction::Maximize, |p: &fireclay_train::Predictions| {
            f64::from(p.outputs().iter().copied().fold(f32::MIN, f32::max))
        })
    };
    let data = with_values(numbers(64));
    let options = FitOptions { validation_split: 0.25, ..options(4) };
    let trainer = || {
        Trainer::new(model(1), cubic()).optimizer(Adam::new(1e-2)).schedule(halving()).metrics([largest()])
    };
    let mut whole = trainer();
    let expected = whole.fit(&data, &options).unwrap();
    let checkpoint = || interrupted(trainer(), &data, &options, (2, 2));

    let mut resumed = trainer();
    let found = resumed.resume(&data, checkpoint()).unwrap();
    assert_eq!(found.course("val_largest"), expected.course("val_largest"));
    assert_eq!(state(resumed.network()), state(whole.network()));

    // Without one of them the message says which.
    let text = message(Trainer::regression(model(1)).schedule(halving()).resume(&data, checkpoint()));
    assert!(text.contains("the loss is 'cubic'") && text.contains("`Trainer::loss`"), "{text}");
    let without_schedule = Trainer::new(model(1), cubic()).metrics([largest()]);
    let text = message({ without_schedule }.resume(&data, checkpoint()));
    assert!(text.contains("the schedule is 'halving'"), "{text}");
    let without_metric = Trainer::new(model(1), cubic()).schedule(halving());
    let text = message({ without_metric }.resume(&data, checkpoint()));
    assert!(text.contains("'largest'"), "{text}");
}

#[test]
fn weights_that_are_remembered_between_two_epochs_are_those_of_the_first() {
    let data = classes(64);
    let mut short = Trainer::classification(model(2));
    short.fit(&data, &options(2)).unwrap();
    let remember = callback_fn("remember", {
        let mut epochs = 0;
        move |event, context: &mut CallbackContext| {
            if let Event::Resumable { .. } = event {
                epochs += 1;
                if epochs == 2 {
                    context.remember_weights();
                    context.restore_weights_at_end();
                    // What is taken now has them already.
                    let checkpoint = context.checkpoint()?;
                    assert!(checkpoint.progress.state.has_best && checkpoint.progress.state.restores_best);
                }
            }
            Ok(())
        }
    });
    let mut long = Trainer::classification(model(2)).callback(remember);
    long.fit(&data, &options(4)).unwrap();
    assert_eq!(state(long.network()), state(short.network()));
}

#[test]
fn a_loaded_model_goes_on_with_the_optimizer_and_the_loss_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.fireclay");
    let data = with_values(numbers(64));
    let mut trainer = Trainer::new(model(1), MaeLoss).optimizer(Sgd::new(0.1).momentum(0.5));
    trainer.fit(&data, &options(1)).unwrap();
    trainer.save(&path).unwrap();
    let mut loaded = Trainer::load(&path, &Device::default()).unwrap();
    loaded.fit(&data, &options(1)).unwrap();
    let mut again = Trainer::new(trainer.into_network(), MaeLoss).optimizer(Sgd::new(0.1).momentum(0.5));
    again.fit(&data, &options(1)).unwrap();
    assert_eq!(state(loaded.network()), state(again.network()));
    let card = loaded.card().training.unwrap();
    assert_eq!(card.optimizer["momentum"], 0.5);

    // A loss of one's own cannot be in a file; what needs it says so.
    let own = loss_fn("own", |output: Tensor<2>, target: &Target| MaeLoss.each(output, target));
    let mut trainer = Trainer::new(model(1), own);
    trainer.fit(&data, &options(1)).unwrap();
    trainer.save(&path).unwrap();
    let text = message(Trainer::load(&path, &Device::default()).unwrap().evaluate(&data));
    assert!(text.contains("'own', which is not built in") && text.contains("`Trainer::loss`"), "{text}");
}

#[test]
fn validation_samples_are_given_in_one_way() {
    let data = classes(64);
    let mut trainer = Trainer::classification(model(2)).validation(&classes(10));
    let history = trainer.fit(&data, &options(1)).unwrap();
    assert_eq!(history.course("val_accuracy").len(), 1);
    let text = message(trainer.fit(&data, &FitOptions { validation_split: 0.5, ..options(1) }));
    assert!(text.contains("`Trainer::validation`") && text.contains("0.5"), "{text}");
}

#[test]
fn samples_count_as_much_as_their_weights_say() {
    let data = classes(60);
    // The second half might as well not be there.
    let weights: Vec<f32> = (0..60).map(|index| if index < 30 { 1.0 } else { 0.0 }).collect();
    let weighted = data.clone().with_sample_weights(weights).unwrap();
    let trainer = Trainer::classification(model(2)).metrics((Accuracy,));
    let (found, expected) = (trainer.evaluate(&weighted).unwrap(), trainer.evaluate(&data.take(30)).unwrap());
    assert!((found.loss - expected.loss).abs() < 1e-6, "{}, {}", found.loss, expected.loss);
    assert_eq!(
        (found.accuracy(), found.metric("accuracy")),
        (expected.accuracy(), expected.metric("accuracy"))
    );

    let train = |data: &Dataset| {
        let mut trainer = Trainer::new(model(2), CrossEntropyLoss::new()).optimizer(Sgd::new(0.1));
        trainer.fit(data, &FitOptions { epochs: 3, batch_size: 60, ..FitOptions::default() }).unwrap();
        state(trainer.network())
    };
    for (one, other) in train(&weighted).iter().zip(train(&data.take(30))) {
        let close = one.values.iter().zip(&other.values).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close, "{}", one.name);
    }
    let text = data.with_sample_weights(vec![-1.0; 60]).unwrap_err().to_string();
    assert!(text.contains("sample 0 has weight -1"), "{text}");
}

#[test]
fn targets_come_back_in_their_own_units() {
    let targets: Vec<f32> = numbers(200).iter().map(|x| 1000.0 + 300.0 * x).collect();
    let data = with_values(targets.clone());
    let scaled = data.clone().with_standardized_targets().unwrap();
    let mut trainer = Trainer::regression(model(1)).optimizer(Adam::new(1e-2)).metrics([Mae]);
    trainer.fit(&scaled, &options(3)).unwrap();
    let (measured, predictor) = (trainer.evaluate(&scaled).unwrap(), trainer.predictor());
    let errors = numbers(400);
    let own: f64 = errors
        .chunks(2)
        .zip(&targets)
        .map(|(row, target)| f64::from((predictor.predict(row).unwrap().value() - target).abs()))
        .sum::<f64>()
        / 200.0;
    assert!(own > 20.0, "in hundreds, not around 1");
    assert!((measured.metric("mae").unwrap() - own).abs() < 0.01 * own, "{measured}, {own}");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.fireclay");
    trainer.save(&path).unwrap();
    let loaded = Predictor::load(&path, &Device::default()).unwrap();
    assert_eq!(loaded.predict(&errors[..2]).unwrap(), predictor.predict(&errors[..2]).unwrap());
    let text = message(loaded.predict(&errors[..3]));
    assert!(text.contains("[2]") && text.contains("3 numbers"), "{text}");
    let text = message(loaded.predict("a text"));
    assert!(text.contains("found a text"), "{text}");
}

#[test]
fn trainings_in_parallel_threads_repeat() {
    let train = |seed: u64| {
        let spec = ModelSpec::new([2]).dense(16).relu().dropout(0.3).dense(2);
        let mut trainer = Trainer::classification(spec.build_seeded(seed, &Device::default()).unwrap());
        trainer.fit(&classes(100), &FitOptions { seed, ..options(3) }).unwrap();
        state(trainer.network())
    };
    let alone: Vec<_> = (0..4).map(train).collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|seed| scope.spawn(move || train(seed))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn losses_go_with_their_targets_only() {
    let text = message(Trainer::new(model(1), BinaryCrossEntropyLoss::new()).fit(&classes(20), &options(1)));
    assert!(text.contains("'binary_cross_entropy' needs values as targets; the data has classes"), "{text}");
    let text = message(Trainer::new(model(2), MseLoss).fit(&classes(20), &options(1)));
    assert!(text.contains("'mse'"), "{text}");
}

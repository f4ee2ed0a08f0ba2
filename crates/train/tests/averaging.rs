//! Averages of gradients over batches and of weights over a run, and what callbacks may read and change.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Device, Model, ModelSpec, NamedTensor, state};
use fireclay_train::{
    Accuracy, Adam, Callback, CallbackContext, Checkpoint, Event, FitOptions, Sgd, TrainError, Trainer,
    WeightAveraging, callback_fn,
};

fn coordinates(samples: usize) -> Vec<f32> {
    (0..samples * 2).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// Points in the plane, with a class by which side of a line they are on.
fn points(samples: usize) -> Dataset {
    let values = coordinates(samples);
    let labels = values.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap()
}

fn model(with_batch_norm: bool) -> Model {
    let spec = ModelSpec::new([2]).dense(8);
    let spec = if with_batch_norm { spec.batch_norm() } else { spec };
    spec.relu().dense(2).build_seeded(5, &Device::flex()).unwrap()
}

fn options(epochs: usize) -> FitOptions {
    FitOptions { epochs, batch_size: 8, seed: 3, ..FitOptions::default() }
}

type ByName = BTreeMap<String, Vec<f32>>;

fn by_name(tensors: Vec<NamedTensor>) -> ByName {
    tensors.into_iter().map(|tensor| (tensor.name, tensor.values)).collect()
}

#[track_caller]
fn assert_close(found: &ByName, expected: &ByName, tolerance: f32) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, values) in expected {
        for (found, expected) in found[name].iter().zip(values) {
            assert!((found - expected).abs() <= tolerance, "{name}: {found} instead of {expected}");
        }
    }
}

/// A callback that keeps the weights at some events.
fn keep_weights(at: fn(&Event) -> bool) -> (impl Callback, Arc<Mutex<Vec<ByName>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    let callback = callback_fn("keep", move |event, context| {
        if at(event) {
            keep.lock().unwrap().push(by_name(context.weights()));
        }
        Ok(())
    });
    (callback, kept)
}

/// A callback that asks for a checkpoint after a step, and keeps it; the run goes on.
fn keep_checkpoint(at: (usize, usize)) -> (impl Callback, Arc<Mutex<Option<Checkpoint>>>) {
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let mut place = None;
    let callback = callback_fn("checkpoint", move |event, context| {
        match event {
            Event::StepEnded { epoch, step, .. } => {
                place = Some((*epoch, *step));
                if place == Some(at) {
                    context.request_checkpoint();
                }
            }
            Event::Resumable { interrupted } if place == Some(at) => {
                assert!(!interrupted);
                keep.lock().unwrap().replace(context.checkpoint()?);
            }
            _ => {}
        }
        Ok(())
    });
    (callback, kept)
}

fn trained(data: &Dataset, options: &FitOptions, with_batch_norm: bool) -> ByName {
    let mut trainer = Trainer::classification(model(with_batch_norm)).optimizer(Adam::new(0.02));
    trainer.fit(data, options).unwrap();
    by_name(state(trainer.network()))
}

#[test]
fn some_batches_in_a_step_are_one_large_batch() {
    // 90 samples: the last step has a batch of 8 and one of 2.
    let data = points(90);
    let mut large = Trainer::classification(model(false)).optimizer(Sgd::new(0.1));
    let of_large = large.fit(&data, &FitOptions { batch_size: 24, ..options(3) }).unwrap();
    let steps = Arc::new(Mutex::new(Vec::new()));
    let log = steps.clone();
    let count = callback_fn("count", move |event, _| {
        if let Event::StepEnded { step, steps, samples, step_loss, .. } = event {
            log.lock().unwrap().push((*step, *steps, *samples, step_loss.is_some()));
        }
        Ok(())
    });
    let mut small = Trainer::classification(model(false)).optimizer(Sgd::new(0.1)).callback(count);
    let of_small = small.fit(&data, &FitOptions { accumulate: 3, ..options(3) }).unwrap();
    assert_close(&by_name(state(small.network())), &by_name(state(large.network())), 1e-5);
    let heard = [(1, 4, 24, true), (2, 4, 48, true), (3, 4, 72, true), (4, 4, 90, true)];
    assert_eq!(steps.lock().unwrap()[..4], heard);
    let losses = |history: &fireclay_train::History| history.course("loss");
    for (small, large) in losses(&of_small).into_iter().zip(losses(&of_large)) {
        assert!((small - large).abs() < 1e-5);
    }
    let message = trainer_error(FitOptions { accumulate: 0, ..options(1) });
    assert!(message.contains("accumulate") && message.contains("1 or more"), "{message}");
}

fn trainer_error(options: FitOptions) -> String {
    Trainer::classification(model(false)).fit(&points(8), &options).unwrap_err().to_string()
}

#[test]
fn the_exponential_average_is_measured_and_kept() {
    let data = points(64);
    let averaging = Some(WeightAveraging::Exponential { decay: 0.9 });
    let options = FitOptions { averaging, ..options(4) };
    let (keep, kept) = keep_weights(|event| matches!(event, Event::StepEnded { .. }));
    let mut trainer = Trainer::classification(model(false))
        .optimizer(Adam::new(0.02))
        .metrics((Accuracy,))
        .validation(&data)
        .callback(keep);
    let history = trainer.fit(&data, &options).unwrap();

    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 4 * 8);
    let mut average = kept[0].clone();
    for (steps, weights) in kept.iter().enumerate().skip(1) {
        let decay = f32::min(0.9, (1.0 + steps as f32) / (10.0 + steps as f32));
        for (name, values) in &mut average {
            for (average, value) in values.iter_mut().zip(&weights[name]) {
                *average = decay * *average + (1.0 - decay) * value;
            }
        }
    }
    let found = by_name(state(trainer.network()));
    assert_close(&found, &average, 1e-5);
    assert_ne!(found, kept[kept.len() - 1], "the last weights are others");
    let evaluation = trainer.evaluate(&data).unwrap();
    assert_eq!(history.course("val_loss").last(), Some(&evaluation.loss));
}

#[test]
fn the_mean_of_the_last_epochs_is_kept_with_statistics_of_its_own() {
    let data = points(64);
    let averaging = Some(WeightAveraging::Stochastic { from_epoch: 3 });
    let options = FitOptions { averaging, ..options(5) };
    let (keep, kept) = keep_weights(|event| matches!(event, Event::EpochEnded(_)));
    let mut trainer = Trainer::classification(model(true)).optimizer(Adam::new(0.02)).callback(keep);
    trainer.fit(&data, &options).unwrap();

    let kept = kept.lock().unwrap();
    let mut mean = kept[2].clone();
    for (name, values) in &mut mean {
        for (index, value) in values.iter_mut().enumerate() {
            *value = kept[2..].iter().map(|weights| weights[name][index]).sum::<f32>() / 3.0;
        }
    }
    let is_statistic = |name: &String| name.contains("running");
    let mut found = by_name(state(trainer.network()));
    let (mut of_batches, mut of_mean) = (found.clone(), mean.clone());
    found.retain(|name, _| !is_statistic(name));
    mean.retain(|name, _| !is_statistic(name));
    assert_close(&found, &mean, 1e-6);
    of_batches.retain(|name, _| is_statistic(name));
    of_mean.retain(|name, _| is_statistic(name));
    assert_ne!(of_batches, of_mean, "they were measured anew");

    // They are those of what the averaged dense layer gives: batches of an epoch are all samples.
    let name = of_batches.keys().find(|name| name.ends_with("running_mean")).unwrap();
    let (weight, bias) = (&found["dense_1.weight"], &found["dense_1.bias"]);
    let values = coordinates(64);
    for (unit, found) in of_batches[name].iter().enumerate() {
        let outputs =
            values.chunks(2).map(|x| weight[2 * unit] * x[0] + weight[2 * unit + 1] * x[1] + bias[unit]);
        let expected = outputs.sum::<f32>() / 64.0;
        // Eight batches leave 43 % of the mean statistics that they began with, which are close already.
        assert!((found - expected).abs() < 0.1, "{found} instead of {expected}");
    }
    let late = FitOptions { averaging: Some(WeightAveraging::Stochastic { from_epoch: 9 }), ..options };
    assert!(trainer_error(late).contains("from_epoch"));
}

#[test]
fn runs_with_averages_go_on_bit_for_bit_from_a_checkpoint_that_was_asked_for() {
    let data = points(70);
    for (averaging, at) in [
        (WeightAveraging::Exponential { decay: 0.95 }, (2, 2)),
        (WeightAveraging::Exponential { decay: 0.95 }, (1, 1)),
        (WeightAveraging::Stochastic { from_epoch: 2 }, (4, 2)),
        (WeightAveraging::Stochastic { from_epoch: 2 }, (1, 3)),
    ] {
        let options = FitOptions { averaging: Some(averaging), accumulate: 2, ..options(4) };
        let whole = trained(&data, &options, true);
        let (keep, kept) = keep_checkpoint(at);
        let mut first = Trainer::classification(model(true)).optimizer(Adam::new(0.02)).callback(keep);
        first.fit(&data, &options).unwrap();
        assert_eq!(by_name(state(first.network())), whole, "a checkpoint changes nothing");
        let checkpoint = kept.lock().unwrap().take().expect("a checkpoint");
        let mut second = Trainer::classification(model(true)).optimizer(Adam::new(0.02));
        second.resume(&data, checkpoint).unwrap();
        assert_eq!(by_name(state(second.network())), whole, "{averaging:?} at {at:?}");
    }
}

#[test]
fn a_checkpoint_can_be_had_before_the_first_step() {
    let data = points(40);
    let kept = Arc::new(Mutex::new(None));
    let keep = kept.clone();
    let at_start = callback_fn("start", move |event, context| {
        match event {
            Event::FitStarted { .. } => context.request_checkpoint(),
            Event::Resumable { .. } if keep.lock().unwrap().is_none() => {
                *keep.lock().unwrap() = Some(context.checkpoint()?);
            }
            _ => {}
        }
        Ok(())
    });
    let mut first = Trainer::classification(model(true)).optimizer(Adam::new(0.02)).callback(at_start);
    first.fit(&data, &options(2)).unwrap();
    let checkpoint: Checkpoint = kept.lock().unwrap().take().expect("a checkpoint");
    assert_eq!((checkpoint.progress.state.epoch, checkpoint.progress.state.step), (1, 0));
    let mut second = Trainer::classification(model(true));
    second.resume(&data, checkpoint).unwrap();
    assert_eq!(by_name(state(second.network())), by_name(state(first.network())));
}

#[test]
fn callbacks_reach_gradients_weights_and_learning_rate() {
    /// Looks at gradients each second step.
    struct Gradients(Arc<Mutex<Vec<usize>>>);
    impl Callback for Gradients {
        fn on_event(&mut self, event: &Event, context: &mut CallbackContext) -> Result<(), TrainError> {
            if let Event::StepEnded { step, .. } = event {
                let names = context.gradients().iter().map(|gradient| gradient.name.as_str());
                let all = ["dense_1.weight", "dense_1.bias", "dense_2.weight", "dense_2.bias"];
                assert_eq!(names.collect::<Vec<_>>(), if step % 2 == 0 { all.to_vec() } else { vec![] });
                self.0.lock().unwrap().push(context.gradients().len());
            }
            Ok(())
        }
        fn needs_gradients(&self, step: usize) -> bool {
            step.is_multiple_of(2)
        }
    }
    let data = points(40);
    let seen = Arc::new(Mutex::new(Vec::new()));
    // From the third step on the learning rate is 0, and after the fourth weights are 1.
    let rates = Arc::new(Mutex::new(Vec::new()));
    let log = rates.clone();
    let still = callback_fn("still", move |event, context| {
        if let Event::StepEnded { step, learning_rate, .. } = event {
            log.lock().unwrap().push(*learning_rate);
            match step {
                2 => context.set_learning_rate_scale(0.0),
                4 => {
                    assert_eq!(context.learning_rate_scale(), 0.0);
                    let mut weights = context.weights();
                    weights.iter_mut().for_each(|tensor| tensor.values.fill(1.0));
                    context.set_weights(weights);
                }
                _ => {}
            }
        }
        Ok(())
    });
    let mut trainer = Trainer::classification(model(false))
        .optimizer(Sgd::new(0.1))
        .callback(Gradients(seen.clone()))
        .callback(still);
    trainer.fit(&data, &options(1)).unwrap();
    assert_eq!(*seen.lock().unwrap(), [0, 4, 0, 4, 0]);
    assert_eq!(*rates.lock().unwrap(), [0.1, 0.1, 0.0, 0.0, 0.0]);
    assert!(state(trainer.network()).iter().all(|tensor| tensor.values.iter().all(|value| *value == 1.0)));

    let wrong = callback_fn("wrong", |event, context| {
        if let Event::StepEnded { .. } = event {
            context.set_learning_rate_scale(f64::NAN);
        }
        Ok(())
    });
    let error = Trainer::classification(model(false)).callback(wrong).fit(&data, &options(1)).unwrap_err();
    assert!(error.to_string().contains("learning_rate_scale"), "{error}");
}

#[test]
fn the_learning_rates_scale_is_in_the_checkpoint() {
    let data = points(40);
    let halve = || {
        callback_fn("halve", |event, context| {
            if let Event::StepEnded { epoch: 1, step: 2, .. } = event {
                context.set_learning_rate_scale(0.5);
            }
            Ok(())
        })
    };
    let (keep, kept) = keep_checkpoint((1, 4));
    let mut first = Trainer::classification(model(false)).callback(halve()).callback(keep);
    first.fit(&data, &options(2)).unwrap();
    let checkpoint = kept.lock().unwrap().take().expect("a checkpoint");
    assert_eq!(checkpoint.progress.state.learning_rate_scale, 0.5);
    let mut second = Trainer::classification(model(false)).callback(halve());
    second.resume(&data, checkpoint).unwrap();
    assert_eq!(by_name(state(second.network())), by_name(state(first.network())));
}

//! The learning rate range test: where a problem's own mathematics says the answer, it is found; it trains as `fit` does, leaves
//! the trainer as it was, and ends in time.

use std::sync::{Arc, Mutex};

use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{Device, Model, ModelSpec, state};
use fireclay_train::{
    Adam, Event, FitOptions, LearningRateCurve, LearningRateFinder, NoSuggestion, Sgd, SuggestionRule,
    SweepEnd, Trainer, callback_fn, schedule_fn,
};

/// The same sample with the same target, over and over: with a dense layer and SGD the prediction is multiplied by
/// `1 - 4 * learning_rate` at each step, by the weight's and the bias's half of it.
fn one_point() -> Dataset {
    let targets = Targets::Values { width: 1, values: vec![0.0; 8] };
    Dataset::from_f32(&[1], vec![1.0; 8], targets, Provenance::default()).unwrap()
}

/// Points in the plane; the class says on which side of a line they lie.
fn halves(samples: usize) -> Dataset {
    let values: Vec<f32> = (0..samples * 2).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect();
    let labels = values.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    Dataset::from_f32(&[2], values, targets, Provenance::default()).unwrap()
}

/// With dropout and batch norm, so that random numbers and running statistics are part of what may not change.
fn network() -> Model {
    let spec = ModelSpec::new([2]).dense(16).batch_norm().relu().dropout(0.2).dense(2);
    spec.build_seeded(5, &Device::flex()).unwrap()
}

fn linear() -> Model {
    ModelSpec::new([1]).dense(1).build_seeded(1, &Device::flex()).unwrap()
}

fn options() -> FitOptions {
    FitOptions { epochs: 2, batch_size: 16, seed: 3, ..FitOptions::default() }
}

fn weights(network: &Model) -> Vec<(String, Vec<u32>)> {
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
    state(network).into_iter().map(|tensor| (tensor.name.clone(), bits(&tensor.values))).collect()
}

#[test]
fn the_steepest_place_of_a_quadratic_is_found() {
    for (smoothing, seed) in [(0.0, 1), (0.9, 1), (0.5, 2)] {
        let trainer = Trainer::regression(linear()).optimizer(Sgd::new(0.3));
        let data = one_point();
        let finder =
            LearningRateFinder { min_learning_rate: 1e-5, smoothing, ..LearningRateFinder::default() };
        let options = FitOptions { batch_size: 8, seed, ..FitOptions::default() };
        let curve = trainer.find_learning_rate(&data, &options, &finder).unwrap();
        assert_eq!(curve.ended, SweepEnd::Diverged);

        // The same in plain arithmetic.
        let mut prediction = f64::from(trainer.predict(&data).unwrap()[0][0]);
        let (mut mean, mut smoothed) = (0.0, Vec::new());
        for (at, point) in curve.points.iter().enumerate() {
            let loss = prediction * prediction;
            mean = smoothing * mean + (1.0 - smoothing) * loss;
            smoothed.push(mean / (1.0 - f64::powi(smoothing, at as i32 + 1)));
            // Near 1/4, where one step goes to the bottom, what is left is rounding.
            if point.learning_rate < 0.2 {
                assert!((point.loss - loss).abs() <= 1e-3 * loss, "{point:?}, expected {loss}");
                assert!((point.smoothed_loss - smoothed[at]).abs() <= 1e-3 * smoothed[at], "{point:?}");
            }
            prediction *= 1.0 - 4.0 * finder.learning_rate(at);
        }
        let slope = |at: &usize| smoothed[at + 1] - smoothed[at - 1];
        let places = 10..curve.points.len() - 6;
        let steepest = places.min_by(|left, right| slope(left).total_cmp(&slope(right))).unwrap();
        let found = curve.suggest(SuggestionRule::SteepestDescent).unwrap();
        assert_eq!(found.learning_rate, curve.points[steepest].learning_rate);
        // From 1/2 on each step makes it worse.
        assert!((1e-3..0.5).contains(&found.learning_rate), "{found:?}");
        let tenth = curve.suggestion().unwrap();
        assert_eq!(tenth.rule, SuggestionRule::TenthOfMinimum);
        assert_eq!(tenth.learning_rate, curve.lowest().unwrap().learning_rate / 10.0);
        assert!(curve.lowest().unwrap().learning_rate > found.learning_rate && !curve.still_falls());
    }
}

#[test]
fn it_trains_as_fit_does_with_the_same_rates() {
    let data = halves(200);
    let finder = LearningRateFinder {
        min_learning_rate: 1e-4,
        max_learning_rate: 0.1,
        steps: 30,
        ..Default::default()
    };
    let clipped = FitOptions { clip_norm: Some(0.5), accumulate: 2, ..options() };
    let curve = Trainer::classification(network()).find_learning_rate(&data, &clipped, &finder).unwrap();
    assert_eq!((curve.points.len(), curve.ended), (30, SweepEnd::Completed));

    // 200 samples are 7 steps of two batches, so that the sweep goes on for four epochs and two steps.
    let heard = Arc::new(Mutex::new(Vec::new()));
    let log = heard.clone();
    let listen = callback_fn("listen", move |event, _| {
        if let Event::StepEnded { step_loss: Some(loss), .. } = event {
            log.lock().unwrap().push(*loss);
        }
        Ok(())
    });
    let rates = move |at: &fireclay_train::SchedulePosition| {
        finder.learning_rate((at.epochs_done * 7.0).round() as usize) / 1e-3
    };
    Trainer::classification(network())
        .schedule(schedule_fn("rates", rates))
        .callback(listen)
        .fit(&data, &FitOptions { epochs: 5, ..clipped })
        .unwrap();
    let losses: Vec<f64> = curve.points.iter().map(|point| point.loss).collect();
    assert_eq!(losses, heard.lock().unwrap()[..30]);
}

#[test]
fn the_trainer_is_as_it_was_and_the_seed_decides() {
    let data = halves(200);
    let heard = Arc::new(Mutex::new(0));
    let count = heard.clone();
    let trainer = |data: &Dataset| {
        let count = count.clone();
        Trainer::classification(network()).optimizer(Adam::new(2e-3)).validation(data).callback(callback_fn(
            "count",
            move |_, _| {
                *count.lock().unwrap() += 1;
                Ok(())
            },
        ))
    };
    let mut searched = trainer(&data);
    let before = weights(searched.network());
    let finder = LearningRateFinder::default();
    let curve = searched.find_learning_rate(&data, &options(), &finder).unwrap();
    assert_eq!(weights(searched.network()), before);
    assert_eq!(*heard.lock().unwrap(), 0, "the trainer's own callbacks hear nothing");
    assert_eq!(searched.find_learning_rate(&data, &options(), &finder).unwrap(), curve);
    let other = FitOptions { seed: 4, ..options() };
    assert_ne!(searched.find_learning_rate(&data, &other, &finder).unwrap(), curve);

    let mut plain = trainer(&data);
    let with = searched.fit(&data, &options()).unwrap();
    let without = plain.fit(&data, &options()).unwrap();
    assert_eq!(with.course("val_loss"), without.course("val_loss"));
    assert_eq!(weights(searched.network()), weights(plain.network()));

    let read: LearningRateCurve = serde_json::from_str(&serde_json::to_string(&curve).unwrap()).unwrap();
    assert_eq!(read, curve);
}

#[test]
fn samples_that_are_held_out_have_no_part_in_it() {
    let data = halves(200);
    let held_out = FitOptions { validation_split: 0.25, ..options() };
    let (train, _) = data.split(0.25, held_out.seed).unwrap();
    let finder = LearningRateFinder { steps: 20, ..LearningRateFinder::default() };
    let trainer = Trainer::classification(network());
    let curve = trainer.find_learning_rate(&data, &held_out, &finder).unwrap();
    assert_eq!(curve, trainer.find_learning_rate(&train, &options(), &finder).unwrap());
}

#[test]
fn a_loss_that_is_no_longer_finite_ends_the_sweep_without_an_error() {
    let finder = LearningRateFinder {
        min_learning_rate: 1.0,
        max_learning_rate: 1e30,
        divergence_factor: f64::INFINITY,
        ..LearningRateFinder::default()
    };
    let trainer = Trainer::regression(linear()).optimizer(Sgd::new(1.0));
    let curve = trainer.find_learning_rate(&one_point(), &options(), &finder).unwrap();
    assert_eq!(curve.ended, SweepEnd::NotFinite);
    assert!(curve.points.len() < 50 && curve.points.iter().all(|point| point.loss.is_finite()));
    let NoSuggestion::NeverFell { .. } = curve.suggestion().unwrap_err() else { panic!("{curve:?}") };
    let at_once = LearningRateFinder { min_learning_rate: 1e25, ..finder };
    let curve = trainer.find_learning_rate(&one_point(), &options(), &at_once).unwrap();
    let message = curve.suggestion().unwrap_err().to_string();
    assert!(message.contains("a suggestion needs 5"), "{message}");
}

#[test]
fn a_loss_that_never_falls_has_no_suggestion() {
    let finder = LearningRateFinder {
        min_learning_rate: 1e-12,
        max_learning_rate: 1e-9,
        ..LearningRateFinder::default()
    };
    // With noise from batch to batch and without.
    for curve in [
        Trainer::classification(network()).find_learning_rate(&halves(200), &options(), &finder),
        Trainer::regression(linear()).find_learning_rate(&one_point(), &options(), &finder),
    ] {
        let curve = curve.unwrap();
        assert_eq!((curve.points.len(), curve.ended), (100, SweepEnd::Completed));
        for rule in [SuggestionRule::SteepestDescent, SuggestionRule::TenthOfMinimum] {
            let message = curve.suggest(rule).unwrap_err().to_string();
            assert!(message.contains("never fell") && message.contains("larger learning rate"), "{message}");
        }
    }
}

#[test]
fn a_callback_can_end_it() {
    let stop = callback_fn("stop", |event, context| {
        if let Event::StepEnded { epoch: 2, step: 1, .. } = event {
            context.interrupt();
        }
        Ok(())
    });
    let trainer = Trainer::classification(network());
    let finder = LearningRateFinder::default();
    let curve =
        trainer.find_learning_rate_with(&halves(64), &options(), &finder, vec![Box::new(stop)]).unwrap();
    assert_eq!((curve.points.len(), curve.ended), (5, SweepEnd::Interrupted));
}

#[test]
fn settings_out_of_range_are_refused_by_name() {
    let usual = LearningRateFinder::default();
    for (finder, words) in [
        (
            LearningRateFinder { min_learning_rate: 0.0, ..usual },
            "min_learning_rate is 0; expected more than 0",
        ),
        (LearningRateFinder { min_learning_rate: -1.0, ..usual }, "min_learning_rate is -1"),
        (LearningRateFinder { min_learning_rate: f64::NAN, ..usual }, "min_learning_rate is NaN"),
        (
            LearningRateFinder { max_learning_rate: 1e-7, ..usual },
            "max_learning_rate is 0.0000001; expected more",
        ),
        (LearningRateFinder { max_learning_rate: f64::INFINITY, ..usual }, "max_learning_rate is inf"),
        (LearningRateFinder { steps: 0, ..usual }, "steps is 0; expected 10 or more"),
        (LearningRateFinder { smoothing: 1.0, ..usual }, "smoothing is 1"),
        (
            LearningRateFinder { divergence_factor: 1.0, ..usual },
            "divergence_factor is 1; expected more than 1",
        ),
    ] {
        let trainer = Trainer::classification(network());
        let error = trainer.find_learning_rate(&halves(32), &options(), &finder).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
    let trainer = Trainer::classification(network());
    let none = FitOptions { batch_size: 0, ..options() };
    let error = trainer.find_learning_rate(&halves(32), &none, &usual).unwrap_err();
    assert!(error.to_string().contains("batch_size is 0"), "{error}");
}

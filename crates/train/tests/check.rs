//! What a check of a training finds before the training.

use std::time::Duration;

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Tensor, activation::relu};
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{AnyTensor, Device, Model, ModelSpec, NamedTensor, Network, load_state, loss_fn, state};
use fireclay_train::{
    Adam, FitOptions, OneBatchVerdict, Sgd, TrainError, Trainer, TrainingCheck, WeightAveraging,
};

/// Long enough that no machine ends a part before its steps.
const LIMIT: Duration = Duration::from_secs(100);

fn inputs(samples: usize) -> Vec<f32> {
    (0..samples * 2).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
}

fn data(samples: usize, targets: impl Fn(&[f32]) -> Vec<f32>, scale: f32) -> Dataset {
    let inputs = inputs(samples);
    let values: Vec<f32> = inputs.chunks(2).flat_map(targets).collect();
    let targets = Targets::Values { width: values.len() / samples, values };
    let inputs = inputs.iter().map(|value| value * scale).collect();
    Dataset::from_f32(&[2], inputs, targets, Provenance::default()).unwrap()
}

/// Points in the plane; the class is that of the half that they lie in.
fn points(samples: usize, scale: f32) -> Dataset {
    let inputs = inputs(samples);
    let labels = inputs.chunks(2).map(|point| u32::from(point[0] > 0.3 * point[1])).collect();
    let targets = Targets::Classes { labels, names: vec!["left".into(), "right".into()] };
    let inputs = inputs.iter().map(|value| value * scale).collect();
    Dataset::from_f32(&[2], inputs, targets, Provenance::default()).unwrap()
}

fn spec() -> ModelSpec {
    ModelSpec::new([2]).dense(32).relu()
}

fn built(spec: ModelSpec) -> Model {
    spec.build_seeded(5, &Device::flex()).unwrap()
}

fn changed(spec: ModelSpec, change: impl Fn(&mut NamedTensor)) -> Model {
    let network = built(spec);
    let mut weights = state(&network);
    weights.iter_mut().for_each(change);
    load_state(network, weights).unwrap()
}

fn options() -> FitOptions {
    FitOptions { epochs: 3, batch_size: 32, seed: 3, ..FitOptions::default() }
}

fn classifier(network: Model) -> Trainer<Model> {
    Trainer::classification(network).optimizer(Adam::new(0.03))
}

fn check(trainer: &Trainer<Model>, data: &Dataset) -> TrainingCheck {
    trainer.check(data, &options(), LIMIT).unwrap()
}

#[track_caller]
fn assert_sound(found: &TrainingCheck) {
    assert_eq!((found.problems(), found.warnings()), (Vec::new(), Vec::new()), "{found:?}");
}

#[track_caller]
fn assert_said(lines: &[String], words: &[&str]) {
    assert!(lines.iter().any(|line| words.iter().all(|word| line.contains(word))), "{words:?}: {lines:#?}");
}

#[test]
fn a_sound_training_passes_and_leaves_everything_as_it_is() {
    let network = || built(ModelSpec::new([2]).dense(32).batch_norm().relu().dropout(0.5).dense(2));
    let mut trainer = classifier(network());
    let before = state(trainer.network());
    let train = points(320, 1.0);
    let options = FitOptions { validation_split: 0.2, ..options() };
    let found = trainer.check(&train, &options, LIMIT).unwrap();
    assert_sound(&found);
    assert_eq!((found.outputs, found.gradients.tensors), ([32, 2], 6));
    assert_eq!(found.one_batch.verdict, OneBatchVerdict::Learnt, "dropout does not stand in the way");
    assert!((found.loss.guessing.unwrap() - 2f64.ln()).abs() < 1e-6, "{found:?}");
    assert!(found.loss.constant.unwrap() <= found.loss.guessing.unwrap() + 1e-6);
    assert_eq!((found.time.steps_per_epoch, found.first_steps.samples), (8, 32));
    let floats = 2 * 32 + 32 + 4 * 32 + 2 * 32 + 2;
    assert_eq!(found.weights_bytes, 4 * floats);
    assert!(found.first_steps.checkpoint_bytes.unwrap() > 3 * 4 * floats - 1_000, "weights and two moments");
    assert_eq!(state(trainer.network()), before);

    // And what is trained afterwards is the same bit for bit.
    let mut other = classifier(load_state(network(), before).unwrap());
    trainer.fit(&train, &options).unwrap();
    other.fit(&train, &options).unwrap();
    assert_eq!(state(trainer.network()), state(other.network()));
}

#[test]
fn every_task_is_checked() {
    let squared = |point: &[f32]| vec![point[0] * point[0] - point[1]];
    let regression = Trainer::regression(built(spec().dense(1))).optimizer(Adam::new(0.03));
    let found = check(&regression, &data(320, squared, 1.0));
    assert_sound(&found);
    assert_eq!((found.loss.guessing, found.one_batch.verdict), (None, OneBatchVerdict::Learnt));
    assert!(found.loss.constant.is_some());

    let halves = |point: &[f32]| vec![f32::from(point[0] > 0.0), f32::from(point[1] > 0.2)];
    let binary = Trainer::binary(built(spec().dense(1))).optimizer(Adam::new(0.03));
    assert_sound(&check(&binary, &data(320, |point| halves(point)[..1].to_vec(), 1.0)));
    let labels = halves_as_labels(halves);
    let multi_label = Trainer::multi_label(built(spec().dense(2))).optimizer(Adam::new(0.03));
    let found = check(&multi_label, &labels);
    assert_sound(&found);
    assert!((found.loss.guessing.unwrap() - 2f64.ln()).abs() < 1e-6, "{found:?}");

    let own = loss_fn("own", |output, target| {
        (output - target.values()).powi_scalar(2).mean_dim(1).squeeze_dim::<1>(1)
    });
    let found = check(&regression.loss(own), &data(320, squared, 1.0));
    assert_sound(&found);
    assert_eq!((found.loss.guessing, found.loss.constant), (None, None));
}

fn halves_as_labels(halves: impl Fn(&[f32]) -> Vec<f32>) -> Dataset {
    let inputs = inputs(320);
    let values = inputs.chunks(2).flat_map(halves).collect();
    let targets = Targets::Labels { values, names: vec!["right".into(), "up".into()] };
    Dataset::from_f32(&[2], inputs, targets, Provenance::default()).unwrap()
}

#[test]
fn smoothed_labels_batches_in_one_step_and_averages_go_along() {
    let loss = fireclay_nn::CrossEntropyLoss::new().label_smoothing(0.2);
    let trainer = classifier(built(spec().dense(2))).loss(loss);
    let averaging = Some(WeightAveraging::Exponential { decay: 0.9 });
    let options = FitOptions { accumulate: 3, averaging, warm_up: 1.0, clip_norm: Some(1.0), ..options() };
    let found = trainer.check(&points(320, 1.0), &options, LIMIT).unwrap();
    assert_sound(&found);
    assert_eq!((found.time.steps_per_epoch, found.first_steps.samples), (4, 96));
    assert_eq!(found.one_batch.verdict, OneBatchVerdict::Learnt, "although the loss cannot come to 0");
}

#[test]
fn a_network_that_cannot_learn_is_found() {
    let still = Trainer::classification(built(spec().dense(2))).optimizer(Sgd::new(1e-9));
    let found = check(&still, &points(320, 1.0));
    assert_eq!(found.one_batch.verdict, OneBatchVerdict::Stuck);
    assert_said(&found.warnings(), &["cannot be learnt by heart", "another learning rate"]);
    assert!(found.problems().is_empty());

    let dead = changed(spec().dense(2), |tensor| {
        if tensor.name == "dense_1.bias" {
            tensor.values.fill(-50.0);
        }
    });
    let found = check(&classifier(dead), &points(320, 1.0));
    assert_eq!(found.gradients.zero, ["dense_1.bias", "dense_1.weight", "dense_2.weight"]);
    assert_said(&found.warnings(), &["the gradient of 3 of 4", "'dense_1.bias'", "dead"]);
    assert_said(&found.warnings(), &["cannot be learnt by heart"]);
}

#[test]
fn a_last_layer_of_zeros_is_no_dead_one() {
    let zero = changed(spec().dense(2), |tensor| {
        if tensor.name.starts_with("dense_2") {
            tensor.values.fill(0.0);
        }
    });
    assert_sound(&check(&classifier(zero), &points(320, 1.0)));
}

#[test]
fn a_loss_far_from_that_of_guessing_is_found() {
    let loud = changed(spec().dense(2), |tensor| {
        if tensor.name == "dense_2.weight" {
            tensor.values.iter_mut().for_each(|value| *value *= 50.0);
        }
    });
    let found = check(&classifier(loud), &points(320, 1.0));
    assert!(found.loss.is_far(), "{found:?}");
    assert_said(&found.warnings(), &["before training", "times that of guessing, 0.6931", "try"]);

    let far = |point: &[f32]| vec![1_000.0 + point[0]];
    let regression = Trainer::regression(built(spec().dense(1)));
    let found = check(&regression, &data(320, far, 1.0));
    assert_said(&found.warnings(), &["the best constant answer", "targets that are standardised"]);
}

#[test]
fn a_learning_rate_that_is_too_high_is_found() {
    let trainer = Trainer::classification(built(spec().dense(2))).optimizer(Sgd::new(1e30));
    let found = check(&trainer, &points(320, 1.0));
    assert_said(&found.problems(), &["the loss became", "lower learning rate"]);
    assert_eq!(found.one_batch.verdict, OneBatchVerdict::Diverged);
}

#[test]
fn values_that_are_not_finite_are_named_by_their_layer() {
    let loud = changed(spec().dense(2), |tensor| tensor.values.iter_mut().for_each(|value| *value *= 10.0));
    let found = check(&classifier(loud), &points(320, 3e38));
    assert_said(&found.problems(), &["what 'dense_1' gives", "not finite before the first step"]);
}

/// A network with a layer that it does not use.
#[derive(Module, Debug)]
struct Forgetful {
    hidden: Linear,
    unused: Linear,
    output: Linear,
}

impl Network for Forgetful {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input.rows())))
    }
}

#[test]
fn a_parameter_without_a_gradient_is_named() {
    let device = Device::flex();
    let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(&device);
    let network = Forgetful { hidden: layer(2, 32), unused: layer(2, 2), output: layer(32, 2) };
    let trainer = Trainer::classification(network).optimizer(Adam::new(0.03));
    let found = trainer.check(&points(320, 1.0), &options(), LIMIT).unwrap();
    assert_eq!(found.gradients.missing, ["unused.weight", "unused.bias"]);
    assert_said(&found.warnings(), &["2 of 6 trainable tensors get no gradient", "'unused.weight'"]);
    assert!(found.problems().is_empty());
}

#[test]
fn what_fit_refuses_is_refused() {
    let trainer = classifier(built(spec().dense(3)));
    let wrong = trainer.check(&points(320, 1.0), &options(), LIMIT).unwrap_err();
    assert!(matches!(wrong, TrainError::Outputs { found: 3, .. }), "{wrong}");
    let frozen = spec().dense(2).freeze(["dense_1", "dense_2"]).unwrap();
    let wrong = classifier(built(frozen)).check(&points(320, 1.0), &options(), LIMIT).unwrap_err();
    assert!(matches!(wrong, TrainError::NothingToTrain), "{wrong}");
    let none = FitOptions { epochs: 0, ..options() };
    assert!(classifier(built(spec().dense(2))).check(&points(320, 1.0), &none, LIMIT).is_err());
}

#[test]
fn without_time_it_says_so_and_ends() {
    let trainer = classifier(built(spec().dense(2)));
    let found = trainer.check(&points(320, 1.0), &options(), Duration::ZERO).unwrap();
    assert_eq!((found.first_steps.steps, found.one_batch.verdict), (1, OneBatchVerdict::TooFewSteps));
    assert_eq!((found.one_batch.samples, found.first_steps.samples), (2, 2));
    assert!(found.problems().is_empty());
}

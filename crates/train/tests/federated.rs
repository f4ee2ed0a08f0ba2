//! Rounds of a federation whose clients train with a `Trainer`.

use std::sync::{Arc, Mutex};

use fireclay_data::{Augmentation, Dataset, Flip, Provenance, Targets};
use fireclay_datasets::DrawnDigits;
use fireclay_federate::{
    ClientId, Federation, FederationOptions, LocalOptions, LocalTraining, Parameters, Simulation, Split, Task,
};
use fireclay_nn::{BatchNormSpec, Device, Model, ModelSpec, state};
use fireclay_train::{
    CheckpointWriter, FitOptions, LocalTrainer, Sgd, TrainError, Trainer, parameters, with_parameters,
};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// Pictures of three classes.
fn pictures(samples: usize) -> Dataset {
    let values = numbers(samples * 2 * 6 * 6);
    let labels = (0..samples).map(|sample| (sample * 5 % 3) as u32).collect();
    let targets = Targets::Classes { labels, names: vec!["a".into(), "b".into(), "c".into()] };
    Dataset::from_f32(&[2, 6, 6], values, targets, Provenance::default()).unwrap()
}

/// Digits, mirrored at random while training.
fn digits() -> Dataset {
    let augmentation = Augmentation { flip: Some(Flip::Random), ..Augmentation::default() };
    DrawnDigits::new(0).train_and_test(30, 10).0.with_augmentation(&augmentation).unwrap()
}

/// With dropout and running statistics.
fn network_of(shape: [usize; 3], classes: usize) -> Model {
    let spec = ModelSpec::new(shape).conv2d(4, 3).layer(BatchNormSpec::default()).relu();
    spec.flatten().dropout(0.3).dense(classes).build_seeded(5, &Device::flex()).unwrap()
}

fn network() -> Model {
    network_of([2, 6, 6], 3)
}

fn plain_network() -> Model {
    let spec = ModelSpec::new([2, 6, 6]).conv2d(4, 3).relu().flatten().dense(3);
    spec.build_seeded(5, &Device::flex()).unwrap()
}

fn trainer(network: Model, rate: f64) -> Trainer<Model> {
    Trainer::classification(network).optimizer(Sgd::new(rate))
}

fn client(network: &Model, samples: &Dataset) -> Box<dyn LocalTraining> {
    Box::new(LocalTrainer::new(network.clone(), trainer, samples, FitOptions::default()))
}

fn bits(parameters: &Parameters) -> Vec<u32> {
    parameters.values().map(f32::to_bits).collect()
}

#[test]
fn one_client_gives_what_fit_gives_bit_for_bit() {
    let data = digits();
    let local = LocalOptions { epochs: 2, batch_size: 8, learning_rate: 0.05, ..LocalOptions::default() };
    let options = FederationOptions { rounds: 3, local, ..FederationOptions::default() };
    let network = network_of([1, 28, 28], 10);
    let mut federation = Federation::new(options, parameters(&network).unwrap()).unwrap();
    let seed = Arc::new(Mutex::new(0));
    let (mut inner, seen) = (client(&network, &data), seed.clone());
    let training = move |task: &Task, global: &Parameters| {
        *seen.lock().unwrap() = task.seed;
        inner.train(task, global)
    };
    let clients = [(ClientId::numbered(0), Box::new(training) as Box<dyn LocalTraining>)];
    federation.simulate(Simulation::new(clients).unwrap()).unwrap();

    let mut alone = trainer(network.clone(), 0.05);
    let seed = *seed.lock().unwrap();
    alone.fit(&data, &FitOptions { epochs: 6, batch_size: 8, seed, ..FitOptions::default() }).unwrap();
    assert_eq!(bits(federation.parameters()), bits(&parameters(alone.network()).unwrap()));
    // It is no accident of a network that stays as it is.
    assert_ne!(bits(federation.parameters()), bits(&parameters(&network).unwrap()));
    let losses: Vec<f64> = federation.history().iter().map(|record| record.metrics["loss"]).collect();
    assert!(losses[2] < losses[0], "{losses:?}");
}

#[test]
fn a_step_of_all_clients_on_all_their_samples_is_one_of_gradient_descent() {
    let data = pictures(60);
    let labels: Vec<usize> = (0..60).map(|sample| sample * 5 % 3).collect();
    let local = LocalOptions { batch_size: 0, learning_rate: 0.1, ..LocalOptions::default() };
    let options = FederationOptions { rounds: 1, local, ..FederationOptions::default() };
    let network = plain_network();
    for split in [Split::Iid, Split::Shards(2), Split::Dirichlet(0.3)] {
        let mut federation = Federation::new(options.clone(), parameters(&network).unwrap()).unwrap();
        let parts = split.split(&labels, 7, 1).unwrap();
        let clients = parts.iter().enumerate().map(|(number, part)| {
            (ClientId::numbered(number), client(&network, &data.subset(part).unwrap()))
        });
        federation.simulate(Simulation::new(clients).unwrap()).unwrap();

        let mut whole = trainer(network.clone(), 0.1);
        let options = FitOptions { epochs: 1, batch_size: 60, ..FitOptions::default() };
        whole.fit(&data, &options).unwrap();
        let expected = parameters(whole.network()).unwrap();
        for (found, expected) in federation.parameters().tensors().iter().zip(expected.tensors()) {
            let scale = expected.values.iter().fold(0f32, |most, value| most.max(value.abs()));
            for (found, expected) in found.values.iter().zip(&expected.values) {
                assert!(
                    (found - expected).abs() <= 1e-6 * scale.max(1.0),
                    "{split:?}: {found} and {expected}"
                );
            }
        }
    }
}

#[test]
fn the_proximal_term_pulls_to_the_start() {
    let data = pictures(24);
    let fitted = |proximal_mu: f64, epochs: usize| {
        let mut trainer = trainer(plain_network(), 0.1);
        let options = FitOptions { epochs, batch_size: 24, proximal_mu, ..FitOptions::default() };
        trainer.fit(&data, &options).unwrap();
        parameters(trainer.network()).unwrap()
    };
    let start = parameters(&plain_network()).unwrap();
    // The first step begins at the start, where the term has no gradient; the second has that of the step before.
    assert_eq!(bits(&fitted(0.7, 1)), bits(&fitted(0.0, 1)));
    let after_one = with_parameters(&plain_network(), &fitted(0.0, 1)).unwrap();
    let mut plain = trainer(after_one.clone(), 0.1);
    plain.fit(&data, &FitOptions { epochs: 1, batch_size: 24, ..FitOptions::default() }).unwrap();
    let plain = parameters(plain.network()).unwrap();
    let one = parameters(&after_one).unwrap();
    let pulled = fitted(0.7, 2);
    for (((pulled, plain), one), start) in
        pulled.values().zip(plain.values()).zip(one.values()).zip(start.values())
    {
        let expected = plain - 0.1 * 0.7 * (one - start);
        assert!((pulled - expected).abs() < 1e-6, "{pulled} and {expected}");
    }
    assert!(start.distance(&fitted(5.0, 20)) < 0.6 * start.distance(&fitted(0.0, 20)));
}

#[test]
fn epochs_go_on_where_others_ended() {
    let data = pictures(30);
    let options = FitOptions { batch_size: 7, seed: 3, ..FitOptions::default() };
    let mut whole = trainer(network(), 0.05);
    whole.fit(&data, &FitOptions { epochs: 3, ..options.clone() }).unwrap();
    let mut parts = trainer(network(), 0.05);
    parts.fit(&data, &FitOptions { epochs: 1, ..options.clone() }).unwrap();
    parts.fit(&data, &FitOptions { epochs: 2, first_epoch: 1, ..options.clone() }).unwrap();
    assert_eq!(state(whole.network()), state(parts.network()));
    let mut again = trainer(network(), 0.05);
    again.fit(&data, &FitOptions { epochs: 1, ..options.clone() }).unwrap();
    again.fit(&data, &FitOptions { epochs: 2, ..options }).unwrap();
    assert_ne!(state(whole.network()), state(again.network()), "the order began again");
}

#[test]
fn what_makes_no_term_is_refused_and_so_is_a_run_whose_start_is_not_known() {
    let data = pictures(12);
    for proximal_mu in [-1.0, f64::NAN, f64::INFINITY] {
        let options = FitOptions { proximal_mu, ..FitOptions::default() };
        let error = trainer(network(), 0.1).fit(&data, &options).unwrap_err().to_string();
        assert!(error.contains("proximal_mu") && error.contains("expected 0 or more"), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let options = FitOptions { proximal_mu: 0.1, epochs: 2, ..FitOptions::default() };
    trainer(network(), 0.1).callback(CheckpointWriter::new(&path)).fit(&data, &options).unwrap();
    let checkpoint = fireclay_store::load_checkpoint(&path).unwrap();
    let error = trainer(network(), 0.1).resume(&data, checkpoint).unwrap_err();
    assert!(matches!(error, TrainError::Checkpoint { field: "proximal_mu", .. }), "{error}");
}

#[test]
fn parameters_of_another_network_are_refused_by_name() {
    let other = ModelSpec::new([2, 6, 6]).flatten().dense(3).build_seeded(0, &Device::flex()).unwrap();
    let mut client = client(&network(), &pictures(9));
    let task = Task {
        round: 0,
        attempt: 0,
        client: ClientId::numbered(0),
        epochs: 1,
        first_epoch: 0,
        batch_size: 4,
        learning_rate: 0.1,
        proximal_mu: 0.0,
        seed: 0,
    };
    let error = client.train(&task, &parameters(&other).unwrap()).unwrap_err().to_string();
    assert!(error.contains("conv2d_1.weight"), "{error}");
}

//! Graphs learn: gradients reach all parameters, a loss falls, and weights come back from a file.

use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Tensor;
use fireclay_exchange::onnx::{OnnxGraph, OnnxNetwork};
use fireclay_nn::{AnyTensor, Device, Network, parameters_without_gradient, state};
use fireclay_store::{load_weights, save_weights};

use crate::support::{Fixture, fixture, fixtures};

/// The mean square of what is missing to a target that the first output is far from.
fn loss(network: &OnnxNetwork, batch: AnyTensor) -> Tensor<1> {
    let output = network.forward(batch);
    let [rows, columns] = output.dims();
    let wanted: Vec<f32> = (0..rows * columns).map(|place| ((place * 5) % 7) as f32 / 3.0 - 1.0).collect();
    let wanted: Tensor<1> = Tensor::from_floats(wanted.as_slice(), &output.device());
    (output - wanted.reshape([rows, columns])).square().mean()
}

fn trained(fixture: &Fixture, steps: usize) -> (OnnxNetwork, Vec<f32>) {
    let device = Device::default();
    let graph = OnnxGraph::read(&fixture.path).unwrap();
    let mut network = graph.build(&device).train();
    let mut optimizer = AdamConfig::new().init();
    let mut losses = Vec::new();
    for step in 0..steps {
        let value = loss(&network, fixture.batch(&device).autodiff());
        losses.push(value.clone().into_scalar::<f32>());
        let gradients = value.backward();
        if step == 0 {
            let mut without = parameters_without_gradient(&network, &gradients);
            // Of two branches one runs.
            without
                .retain(|name| !(fixture.name == "chooses_long" && ["35", "short.bias"].contains(&&**name)));
            without
                .retain(|name| !(fixture.name == "chooses_short" && ["33", "long.bias"].contains(&&**name)));
            assert!(without.is_empty(), "{}: no gradient for {without:?}", fixture.name);
        }
        let gradients = GradientsParams::from_grads(gradients, &network);
        network = optimizer.step(0.01, network, gradients);
    }
    (network.valid(), losses)
}

#[test]
fn every_graph_learns() {
    for fixture in fixtures() {
        let (_, losses) = trained(&fixture, 30);
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < 0.7 * first, "{}: {first} became {last}", fixture.name);
    }
}

#[test]
fn weights_and_statistics_come_back_from_a_file() {
    let device = Device::default();
    let folder = tempfile::tempdir().unwrap();
    for name in ["block_dynamo", "lstm_script", "functional_keras"] {
        let fixture = fixture(name);
        let (network, _) = trained(&fixture, 5);
        let path = folder.path().join(name);
        save_weights(&path, &network).unwrap();
        let graph = OnnxGraph::read(&fixture.path).unwrap();
        let untrained = graph.build(&device);
        assert_ne!(state(&untrained), state(&network), "{name}");
        let back = load_weights(&path, graph.build(&device)).unwrap();
        assert_eq!(state(&back), state(&network), "{name}");
        let outputs = [&network, &back].map(|network| network.forward(fixture.batch(&device)).into_data());
        assert_eq!(outputs[0], outputs[1], "{name}");
    }
}

#[test]
fn running_statistics_follow_the_batches_in_training_only() {
    let device = Device::default();
    let fixture = fixture("bn_stats");
    let graph = OnnxGraph::read(&fixture.path).unwrap();
    let network = graph.build(&device);
    let before = state(&network);
    network.forward(fixture.batch(&device));
    assert_eq!(state(&network), before);
    let training = network.train();
    training.forward(fixture.batch(&device).autodiff());
    let after = state(&training.valid());
    let moved: Vec<&str> = (before.iter().zip(&after))
        .filter(|(before, after)| before.values != after.values)
        .map(|(before, _)| before.name.as_str())
        .collect();
    assert_eq!(moved, ["norm.running_mean", "norm.running_var"]);

    let frozen = graph.freeze(["norm"]).unwrap().build(&device).train();
    frozen.forward(fixture.batch(&device).autodiff());
    assert_eq!(state(&frozen.valid()), before);
}

#[test]
fn frozen_parameters_stay_and_names_that_are_none_are_refused() {
    let device = Device::default();
    let fixture = fixture("mlp_dynamo");
    let graph = OnnxGraph::read(&fixture.path).unwrap().freeze(["hidden"]).unwrap();
    let message = graph.clone().freeze(["hiden"]).unwrap_err().to_string();
    assert!(message.contains("hiden") && message.contains("hidden.weight"), "{message}");
    let network = graph.build(&device).train();
    let gradients = loss(&network, fixture.batch(&device).autodiff()).backward();
    let named = fireclay_nn::gradients(&network, &gradients);
    let names: Vec<&str> = named.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["output.weight", "output.bias"]);
}

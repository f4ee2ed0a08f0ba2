//! What is written here runs as a graph, and gives the same numbers.

use std::path::Path;

use fireclay_nn::{AnyTensor, Device, InputSpec, Network};
use prost::Message;

use super::judge::texts;
use super::networks::{TOKENS, networks};
use super::weights::{Numbers, model};
use super::{OnnxOptions, export};
use crate::onnx::proto::ModelProto;
use crate::onnx::{OnnxGraph, OnnxGraphOptions};

#[test]
fn every_network_runs_as_a_graph() {
    let device = Device::flex();
    let folder = tempfile::tempdir().unwrap();
    // One of the networks ends with a softmax.
    let options = OnnxGraphOptions::default().keep_final_activation(true);
    let mut problems = Vec::new();
    for (seed, (name, spec)) in networks().into_iter().enumerate() {
        let model = model(spec, seed as u64);
        let path = folder.path().join(format!("{name}.onnx"));
        export(&model, &OnnxOptions::default()).unwrap().write(&path).unwrap();
        let (network, _) = model.clone().build(&device).unwrap();
        let graph = match OnnxGraph::read_with(&path, &options) {
            Ok(graph) => graph.build(&device),
            Err(error) => {
                problems.push(format!("{name}: {error}"));
                continue;
            }
        };
        let mut numbers = Numbers(3);
        let input = match &model.card.spec.input {
            InputSpec::Tokens(most) => {
                let steps = TOKENS.min(*most);
                let tokens = texts(&mut numbers, 5, steps, 1).into_iter().map(|token| token as i32).collect();
                AnyTensor::from_tokens(tokens, &[5, steps], &device)
            }
            values => {
                let shape: Vec<usize> = [5].into_iter().chain(values.shape().iter().copied()).collect();
                let values = (0..shape.iter().product()).map(|_| numbers.next()).collect();
                AnyTensor::from_values(values, &shape, &device)
            }
        };
        let expected = network.forward(input.clone());
        let found = match graph.run(input.clone()) {
            Ok(_) => graph.forward(input),
            Err(error) => {
                problems.push(format!("{name}: {error}"));
                continue;
            }
        };
        if found.dims() != expected.dims() {
            problems.push(format!("{name}: {:?} instead of {:?}", found.dims(), expected.dims()));
            continue;
        }
        let largest = expected.clone().abs().max().into_scalar::<f32>();
        let apart = (found - expected).abs().max().into_scalar::<f32>();
        if apart.is_nan() || apart > 2e-5 * largest {
            problems.push(format!("{name}: {apart} apart of {largest}"));
        }
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn preprocessing_in_the_graph_takes_bytes() {
    let spec = fireclay_nn::ModelSpec::new([1, 4, 4]).flatten().dense(2);
    let model = model(spec, 1);
    let written = export(&model, &OnnxOptions::default().include_preprocessing(true)).unwrap();
    assert!(ModelProto::decode(written.bytes.as_slice()).is_ok());
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("bytes.onnx");
    written.write(path).unwrap();
    let graph = OnnxGraph::read(path).unwrap().build(&Device::flex());
    let bytes =
        AnyTensor::from_values((0..16).map(|value| value as f32).collect(), &[1, 1, 4, 4], &Device::flex());
    assert_eq!(graph.forward(bytes).dims(), [1, 2]);
}

//! Graphs with something changed in them: settings, sizes, constants, which value goes where. None makes the reader or a forward
//! pass panic, or a gradient; with `FIRECLAY_EXCHANGE_MUTATIONS=50000` more of them are tried than in CI.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use burn::module::Module;
use fireclay_nn::{AnyTensor, Device};
use prost::Message;

use super::random::Random;
use crate::ExchangeError;
use crate::onnx::import::Graph;
use crate::onnx::network::{OnnxGraph, OnnxGraphOptions, OnnxNetwork};
use crate::onnx::proto::{DimensionValue, GraphProto, ModelProto, TensorProto, TypeValue};
use crate::onnx::{OnnxSize, OnnxType};

/// Changes one thing.
fn mutate(graph: &mut GraphProto, random: &mut Random) {
    let mut branches: Vec<&mut GraphProto> = graph
        .node
        .iter_mut()
        .flat_map(|node| &mut node.attribute)
        .filter_map(|attribute| attribute.g.as_mut())
        .collect();
    if random.below(3) == 0 && !branches.is_empty() {
        let place = random.below(branches.len());
        return mutate(branches.swap_remove(place), random);
    }
    match random.below(10) {
        0..=2 => change_attribute(graph, random),
        3 | 4 => rewire(graph, random),
        5 | 6 => change_constant(graph, random),
        7 => change_input(graph, random),
        8 => {
            // Another operator, of those that there are.
            let kinds: Vec<String> = graph.node.iter().map(|node| node.op_type.clone()).collect();
            let place = random.below(kinds.len());
            if let (Some(kind), Some(node)) = (random.pick(&kinds), graph.node.get_mut(place)) {
                kind.clone_into(&mut node.op_type);
            }
        }
        _ => {
            let place = random.below(graph.node.len());
            if let Some(node) = graph.node.get_mut(place) {
                match random.below(3) {
                    0 => drop(node.input.pop()),
                    1 => node.output.push(format!("more {}", random.next())),
                    _ => drop(node.attribute.pop()),
                }
            }
        }
    }
}

fn change_attribute(graph: &mut GraphProto, random: &mut Random) {
    let with: Vec<usize> =
        (0..graph.node.len()).filter(|node| !graph.node[*node].attribute.is_empty()).collect();
    let Some(node) = random.pick(&with) else { return };
    let attributes = &mut graph.node[*node].attribute;
    let place = random.below(attributes.len());
    let attribute = &mut attributes[place];
    match random.below(6) {
        0 => attribute.f = Some([0.0, -1.0, 0.999, 1e30, f32::NAN, f32::INFINITY][random.below(6)]),
        1 => drop(attribute.ints.pop()),
        2 => attribute.ints.push(random.number(1)),
        _ if !attribute.ints.is_empty() => {
            let place = random.below(attribute.ints.len());
            attribute.ints[place] = random.number(attribute.ints[place]);
        }
        _ => attribute.i = Some(random.number(attribute.i.unwrap_or_default())),
    }
}

fn rewire(graph: &mut GraphProto, random: &mut Random) {
    let place = random.below(graph.node.len());
    let mut names: Vec<String> = graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
    names.extend(graph.input.iter().map(|input| input.name.clone()));
    names.extend(graph.node[..place].iter().flat_map(|node| node.output.iter().cloned()));
    let Some(node) = graph.node.get_mut(place).filter(|node| !node.input.is_empty()) else { return };
    let input = random.below(node.input.len());
    if let Some(name) = random.pick(&names) {
        name.clone_into(&mut node.input[input]);
    }
}

fn change_constant(graph: &mut GraphProto, random: &mut Random) {
    let of_nodes =
        graph.node.iter_mut().flat_map(|node| node.attribute.iter_mut().filter_map(|a| a.t.as_mut()));
    let mut tensors: Vec<&mut TensorProto> = graph.initializer.iter_mut().chain(of_nodes).collect();
    let place = random.below(tensors.len());
    let Some(tensor) = tensors.get_mut(place) else { return };
    let Some(raw) = tensor.raw_data.as_mut() else { return };
    match random.below(3) {
        // Another order of the same sizes, or one of them away.
        0 if tensor.dims.len() > 1 => tensor.dims.reverse(),
        1 if tensor.data_type == 1 && tensor.dims.iter().all(|size| *size > 0) && !tensor.dims.is_empty() => {
            let place = random.below(tensor.dims.len());
            let size = tensor.dims[place] as usize;
            raw.truncate(raw.len() / size);
            tensor.dims[place] = 1;
        }
        _ if tensor.data_type == 7 && raw.len() >= 8 => {
            let place = random.below(raw.len() / 8) * 8;
            let old = i64::from_le_bytes(raw[place..place + 8].try_into().expect("eight bytes"));
            raw[place..place + 8].copy_from_slice(&random.number(old).to_le_bytes());
        }
        _ => {
            let place = random.below(raw.len());
            if let Some(byte) = raw.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
}

fn change_input(graph: &mut GraphProto, random: &mut Random) {
    let place = random.below(graph.input.len());
    let Some(kind) = graph.input.get_mut(place).and_then(|input| input.r#type.as_mut()) else { return };
    let Some(TypeValue::Tensor(tensor)) = kind.value.as_mut() else { return };
    match (random.below(4), tensor.shape.as_mut()) {
        (0, _) => tensor.elem_type = [1, 7, 9, 10, 2][random.below(5)],
        (1, Some(shape)) => drop(shape.dim.pop()),
        (_, Some(shape)) if !shape.dim.is_empty() => {
            let place = random.below(shape.dim.len());
            shape.dim[place].value = Some(DimensionValue::Size(random.number(4).clamp(-1, 64)));
        }
        _ => {}
    }
}

/// A batch of what the network says that it takes.
fn batch(network: &OnnxNetwork, open: usize, random: &mut Random, device: &Device) -> AnyTensor {
    let samples = 1 + random.below(3);
    let mut one = |input: &crate::onnx::OnnxValue| {
        let sizes = input.shape[1..].iter().map(|size| match size {
            OnnxSize::Fixed(size) => *size,
            OnnxSize::Any(_) => open,
        });
        let mut dims: Vec<usize> = std::iter::once(samples).chain(sizes).collect();
        if dims.len() == 1 {
            dims.push(1);
        }
        let count = dims.iter().product();
        match input.element_type {
            OnnxType::Int64 if dims.len() == 2 => {
                let tokens = (0..count).map(|_| random.below(9) as i32).collect();
                AnyTensor::from_tokens(tokens, &dims, device)
            }
            _ => {
                let numbers = (0..count).map(|_| random.below(200) as f32 / 100.0 - 1.0).collect();
                AnyTensor::from_values(numbers, &dims, device)
            }
        }
    };
    match network.inputs() {
        [input] => one(input),
        inputs => AnyTensor::Named(inputs.iter().map(|input| (input.name.clone(), one(input))).collect()),
    }
}

/// What became of a graph.
#[derive(Default, Debug)]
struct Counts {
    refused: usize,
    ran: usize,
    stopped: usize,
}

fn try_one(model: ModelProto, random: &mut Random, counts: &mut Counts) {
    let path = Path::new("mutated.onnx");
    let read = Graph::of(model)
        .map_err(|problem| problem.at(path))
        .and_then(|graph| OnnxGraph::of(path, graph, &OnnxGraphOptions::default()));
    let Ok(graph) = read else {
        counts.refused += 1;
        return;
    };
    let device = Device::default();
    let network = graph.build(&device);
    let trains = random.below(3) == 0;
    for open in [8, 9, 1] {
        let input = batch(&network, open, random, &device);
        let output = match trains {
            true => network.clone().train().run(input.autodiff()),
            false => network.run(input),
        };
        match output {
            Ok(output) => {
                counts.ran += 1;
                let rows = crate::onnx::network::output::rows(output);
                if trains && rows.is_require_grad() {
                    let _ = rows.square().sum().backward();
                }
            }
            Err(ExchangeError::Batch { .. }) => counts.stopped += 1,
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn graphs_with_something_changed_never_panic() {
    let count =
        std::env::var("FIRECLAY_EXCHANGE_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(400);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/onnx/graphs");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "onnx"));
    files.sort();
    let models: Vec<ModelProto> = files
        .iter()
        .map(|path| ModelProto::decode(std::fs::read(path).unwrap().as_slice()).unwrap())
        .collect();
    assert!(models.len() > 20, "{} models", models.len());
    let mut counts = Counts::default();
    let mut panics = Vec::new();
    for seed in 0..count {
        let mut random = Random(seed);
        let mut model = models[seed as usize % models.len()].clone();
        if let Some(graph) = model.graph.as_mut() {
            (0..1 + random.below(3)).for_each(|_| mutate(graph, &mut random));
        }
        let tried = catch_unwind(AssertUnwindSafe(|| try_one(model, &mut random, &mut counts)));
        let name = files[seed as usize % models.len()].file_name();
        if tried.is_err() {
            panics.push(format!("seed {seed} of {name:?}"));
        }
    }
    assert!(panics.is_empty(), "{} panics: {panics:?}", panics.len());
    assert!(counts.ran > 0 && counts.refused > 0, "{counts:?}");
}

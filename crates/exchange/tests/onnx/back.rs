//! What is written comes back: with its metadata as it was, and without it where the graph alone says what it is.

use std::path::Path;

use fireclay_exchange::onnx::{self, OnnxOptions, export};
use fireclay_exchange::{ExchangeError, Imported};
use fireclay_nn::{AnyTensor, Device, InputSpec, ModelSpec, Network};
use fireclay_store::{ModelFile, Preprocessing};

use crate::hostile::{field, read_varint, varint};

#[path = "../../src/onnx/export/tests/networks.rs"]
mod networks;
#[path = "../../src/onnx/export/tests/weights.rs"]
mod weights;

use networks::{language_models, networks};
use weights::{Numbers, model};

/// Networks that are known from their graphs alone.
const KNOWN_FROM_GRAPH: [&str; 12] = [
    "conv1d_every_step",
    "images",
    "lm_attention",
    "lm_decoder",
    "lm_gru",
    "mirrored",
    "mirrored_and_shifted",
    "residual",
    "rows",
    "smallest_shifted",
    "softmax_at_the_end",
    "uneven_padding",
];

fn import(folder: &Path, bytes: &[u8]) -> Result<Imported, ExchangeError> {
    let path = folder.join("model.onnx");
    std::fs::write(&path, bytes).unwrap();
    onnx::import(&path)
}

fn comes_back(folder: &Path, name: &str, file: &ModelFile, options: &OnnxOptions) {
    let back = import(folder, &export(file, options).unwrap().bytes);
    let back = back.unwrap_or_else(|error| panic!("{name}: {error}")).model;
    let mut expected = file.card.clone();
    expected.training = None;
    assert_eq!(back.card, expected, "{name}");
    // Of a bag the file has the product of both tensors.
    if name != "bag" {
        for tensor in &file.tensors {
            assert!(back.tensors.contains(tensor), "{name}: {}", tensor.name);
        }
    }
}

#[test]
fn every_network_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for (name, spec) in networks() {
        let file = model(spec, 11);
        comes_back(folder.path(), name, &file, &OnnxOptions::default());
        comes_back(folder.path(), name, &file, &OnnxOptions::default().probabilities(true));
    }
    for (name, spec) in language_models() {
        comes_back(folder.path(), name, &model(spec, 12), &OnnxOptions::default().stepwise(true));
    }
}

#[test]
fn the_card_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = model(ModelSpec::new([3, 4, 4]).flatten().dense(2), 13);
    file.card.classes = vec!["cat".into(), "dog".into()];
    file.card.preprocessing = Some(Preprocessing { mean: vec![0.5], std: vec![0.25] });
    file.card.threshold = Some(0.4);
    for included in [false, true] {
        comes_back(folder.path(), "card", &file, &OnnxOptions::default().include_preprocessing(included));
    }
}

fn outputs(file: &ModelFile) -> Vec<f32> {
    let device = Device::flex();
    let (network, _) = file.clone().build(&device).unwrap();
    let mut numbers = Numbers(17);
    let sample = file.card.spec.input.shape().to_vec();
    let shape: Vec<usize> = [2].into_iter().chain(sample).collect();
    let count: usize = shape.iter().product();
    let input = match file.card.spec.input {
        InputSpec::Tokens(_) => {
            let tokens = (0..count).map(|_| numbers.below(networks::VOCABULARY) as i32).collect();
            AnyTensor::from_tokens(tokens, &shape, &device)
        }
        _ => AnyTensor::from_values((0..count).map(|_| numbers.next()).collect(), &shape, &device),
    };
    network.forward(input).into_data().iter::<f32>().collect()
}

#[test]
fn graphs_alone_say_what_they_are_where_they_are_chains() {
    let folder = tempfile::tempdir().unwrap();
    let mut known = Vec::new();
    for (name, spec) in networks() {
        let file = model(spec.test_time_augmentation(Default::default()), 14);
        let bytes = with_metadata(&export(&file, &OnnxOptions::default()).unwrap().bytes, None);
        let mut file = file;
        match import(folder.path(), &bytes) {
            Ok(back) => {
                // Where the file leaves the number of tokens open it is another one.
                if let (InputSpec::Tokens(ours), InputSpec::Tokens(_)) =
                    (&mut file.card.spec.input, &back.model.card.spec.input)
                {
                    let steps = back.model.card.spec.input.shape()[0];
                    if back.notes.iter().any(|note| note.contains("steps is open")) && *ours > steps {
                        *ours = steps;
                    }
                }
                let mut back = back.model;
                back.card.spec.input = file.card.spec.input.clone();
                let (expected, found) = (outputs(&file), outputs(&back));
                let mut expected = expected;
                if name == "softmax_at_the_end" {
                    // The softmax is left out: shares of the same logits.
                    expected = expected.iter().map(|share| share.ln()).collect();
                }
                assert_eq!(found.len(), expected.len(), "{name}");
                let scale = expected.iter().fold(0f32, |scale, value| scale.max(value.abs()));
                let width = file.card.spec.output_features().unwrap();
                for (found, expected) in found.chunks(width).zip(expected.chunks(width)) {
                    let shift = if name == "softmax_at_the_end" { expected[0] - found[0] } else { 0.0 };
                    for (found, expected) in found.iter().zip(expected) {
                        let far = (found + shift - expected).abs();
                        assert!(far < 1e-5 * scale, "{name}: {found}, expected {expected}");
                    }
                }
                known.push(name);
            }
            Err(ExchangeError::Unsupported { items, .. }) => assert!(!items.is_empty(), "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    known.sort_unstable();
    let mut expected = KNOWN_FROM_GRAPH;
    expected.sort_unstable();
    assert_eq!(known, expected);
}

#[test]
fn metadata_that_does_not_fit_the_graph_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = |imported: Imported| -> Vec<&'static str> {
        imported.model.card.spec.layers.iter().map(|layer| layer.kind.type_name()).collect()
    };
    let bytes = export(&model(ModelSpec::new([4]).dense(3), 15), &OnnxOptions::default()).unwrap().bytes;
    let says = ModelSpec::new([4]).dense(3).relu().to_json().unwrap();
    let back = import(folder.path(), &with_metadata(&bytes, Some(&says))).unwrap();
    assert_eq!(kinds(back), ["dense"]);
    for says in ["", "{}", "[1e999]"] {
        let back = import(folder.path(), &with_metadata(&bytes, Some(says))).unwrap();
        assert_eq!(kinds(back), ["dense"]);
    }
}

/// A file with another description in its metadata, or with no metadata.
fn with_metadata(bytes: &[u8], spec: Option<&str>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut place = 0;
    while place < bytes.len() {
        let start = place;
        let key = read_varint(bytes, &mut place);
        let value = read_varint(bytes, &mut place);
        if key & 7 == 2 {
            place += value as usize;
        }
        // Field 14 is the metadata.
        if key >> 3 != 14 {
            out.extend(&bytes[start..place]);
        }
    }
    if let Some(spec) = spec {
        out.extend(varint(14 << 3 | 2));
        let entry = [field(1, b"spec"), field(2, spec.as_bytes())].concat();
        out.extend(varint(entry.len() as u64));
        out.extend(entry);
    }
    out
}

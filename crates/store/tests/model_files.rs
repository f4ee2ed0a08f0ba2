//! Model files: the same model comes back, the same bytes come out, and nothing that lies is believed.

use burn::tensor::{Device, Tensor};
use fireclay_nn::{
    AnyTensor, Conv2dSpec, Int8Range, Int8Spec, LstmSpec, Model, ModelSpec, NamedTensor, Network, load_state,
    round_to_int8, state,
};
use fireclay_store::{
    CheckpointFile, DatasetCard, Distribution, ModelCard, Preprocessing, ReferenceDistributions, StoreError,
    load_card, load_checkpoint, load_model, save_checkpoint, save_model,
};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

fn spec() -> ModelSpec {
    ModelSpec::new([1, 6, 5])
        .layer(Conv2dSpec::new(3, 3).bias(false))
        .batch_norm()
        .relu()
        .residual([Conv2dSpec::new(3, 1).into()])
        .flatten()
        .dense(4)
}

fn card() -> ModelCard {
    ModelCard {
        classes: ["ant", "bee", "cat", "dog"].map(String::from).to_vec(),
        preprocessing: Some(Preprocessing { mean: vec![0.1307], std: vec![0.3081] }),
        dataset: Some(DatasetCard {
            name: "animals".into(),
            split: "train".into(),
            source: "made for a test".into(),
            samples: 12,
            sha256: None,
            own: true,
        }),
        ..ModelCard::new(spec())
    }
}

/// A saved model, its folder, its path and its bytes.
fn saved() -> (Model, tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("animals.fireclay");
    let model = spec().build(&Device::flex()).unwrap();
    let bytes = save_model(&path, &model, &card()).unwrap();
    let written = std::fs::read(&path).unwrap();
    assert_eq!(bytes as usize, written.len());
    (model, folder, path, written)
}

/// Splits a file into the length of its header, the header and the tensors.
fn parts(bytes: &[u8]) -> (serde_json::Value, Vec<u8>) {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&bytes[8..8 + length]).unwrap(), bytes[8 + length..].to_vec())
}

fn join(header: &str, tensors: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), tensors].concat()
}

/// Changes a file's header and gives the error that loading it gives.
fn refused(change: impl FnOnce(&mut serde_json::Value)) -> String {
    let (_, _folder, path, bytes) = saved();
    let (mut header, tensors) = parts(&bytes);
    change(&mut header);
    std::fs::write(&path, join(&header.to_string(), &tensors)).unwrap();
    load_model(&path, &Device::flex()).unwrap_err().to_string()
}

/// Changes the card in the header.
fn refused_card(change: impl FnOnce(&mut serde_json::Value)) -> String {
    refused(|header| {
        let text = header["__metadata__"]["fireclay"].as_str().unwrap();
        let mut card: serde_json::Value = serde_json::from_str(text).unwrap();
        change(&mut card);
        header["__metadata__"]["fireclay"] = card.to_string().into();
    })
}

#[track_caller]
fn expect(message: &str, words: &[&str]) {
    for word in words.iter().chain(&["animals.fireclay"]) {
        assert!(message.contains(word), "no '{word}' in: {message}");
    }
}

#[test]
fn a_model_comes_back_with_the_same_logits_and_card_and_gives_the_same_bytes() {
    let (model, folder, path, bytes) = saved();
    let device = Device::flex();
    let (loaded, found) = load_model(&path, &device).unwrap();
    let expected = ModelCard { weights_sha256: found.weights_sha256.clone(), ..card() };
    assert_eq!(found, expected);
    assert_eq!(load_card(&path).unwrap(), expected);
    let digest = Sha256::digest(parts(&bytes).1);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found.weights_sha256, Some(digest), "of all bytes behind the header");
    let input = Tensor::<4>::random([2, 1, 6, 5], burn::tensor::Distribution::Default, &device);
    let logits = |model: &Model| model.forward(input.clone().into()).into_data();
    assert_eq!(logits(&loaded), logits(&model));
    let again = folder.path().join("again.fireclay");
    save_model(&again, &loaded, &found).unwrap();
    assert_eq!(std::fs::read(again).unwrap(), bytes);
}

#[test]
fn a_tensor_that_is_there_twice_is_refused() {
    let (_, _folder, path, bytes) = saved();
    let (header, tensors) = parts(&bytes);
    let again = header["dense_1.bias"].to_string();
    let mut twice = header.to_string();
    twice.pop();
    twice.push_str(&format!(",\"dense_1.bias\":{again}}}"));
    std::fs::write(&path, join(&twice, &tensors)).unwrap();
    let error = load_model(&path, &Device::flex()).unwrap_err().to_string();
    expect(&error, &["animals.fireclay", "'dense_1.bias' is there twice"]);
}

#[test]
fn a_weight_that_was_changed_is_noticed() {
    let (_, _folder, path, mut bytes) = saved();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let error = load_model(&path, &Device::flex()).unwrap_err();
    assert!(matches!(error, StoreError::Checksum { .. }), "{error}");
    expect(&error.to_string(), &["animals.fireclay", "SHA-256", "take it from its source again"]);
    assert!(load_card(&path).is_ok(), "what is said of a model needs no weights");
}

#[test]
fn tensors_have_pytorch_names_and_layouts() {
    let (_, _folder, _path, bytes) = saved();
    let (header, _) = parts(&bytes);
    assert_eq!(header["dense_1.weight"]["shape"], serde_json::json!([4, 36]));
    assert_eq!(header["conv2d_1.weight"]["shape"], serde_json::json!([3, 1, 3, 3]));
    assert_eq!(header["residual_1.conv2d_1.bias"]["shape"], serde_json::json!([3]));
    assert_eq!(header["batch_norm_1.running_var"]["dtype"], "F32");
    assert_eq!(header.as_object().unwrap().len(), 1 + 9);
}

#[test]
fn a_network_that_reads_tokens_comes_back_with_pytorch_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reader.fireclay");
    let device = Device::flex();
    let lstm = LstmSpec::new(3).num_layers(2).bidirectional(true);
    let spec = ModelSpec::tokens(5).embedding(7, 4).layer(lstm).dense(2);
    let model = spec.build(&device).unwrap();
    save_model(&path, &model, &ModelCard::new(spec.clone())).unwrap();
    let (header, _) = parts(&std::fs::read(&path).unwrap());
    let card = header["__metadata__"]["fireclay"].as_str().unwrap();
    assert!(card.contains(r#""input":{"tokens":5}"#), "{card}");
    assert_eq!(header["embedding_1.weight"]["shape"], serde_json::json!([7, 4]));
    assert_eq!(header["lstm_1.weight_ih_l0"]["shape"], serde_json::json!([12, 4]));
    assert_eq!(header["lstm_1.weight_hh_l0_reverse"]["shape"], serde_json::json!([12, 3]));
    assert_eq!(header["lstm_1.weight_ih_l1_reverse"]["shape"], serde_json::json!([12, 6]));
    assert_eq!(header["lstm_1.bias_ih_l1"]["shape"], serde_json::json!([12]));
    assert_eq!(header["lstm_1.bias_hh_l1"]["shape"], serde_json::json!([12]));
    assert_eq!(header.as_object().unwrap().len(), 1 + 1 + 16 + 2);
    let (loaded, found) = load_model(&path, &device).unwrap();
    assert_eq!(found.spec, spec);
    let tokens = || AnyTensor::from_tokens(vec![0, 1, 2, 3, 6, 6, 5, 4, 3, 0], &[2, 5], &device);
    assert_eq!(loaded.forward(tokens()).into_data(), model.forward(tokens()).into_data());
}

/// A file of this format's first version, written once and never again: it must load for ever.
#[test]
fn a_file_of_the_first_version_loads() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1.fireclay");
    let (model, card) = load_model(&path, &Device::flex()).unwrap();
    assert_eq!((card.format, card.classes), (1, vec!["no".to_string(), "yes".to_string()]));
    let logits = model.forward(Tensor::<2>::from_floats([[1.0, 10.0, 100.0]], &Device::flex()).into());
    assert_eq!(logits.into_data().iter::<f32>().collect::<Vec<_>>(), [321.25, 3.5]);
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let (_, _folder, path, bytes) = saved();
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let body = (0..100).map(|part| header + (bytes.len() - header) * part / 100);
    for cut in (0..header).step_by(7).chain(body) {
        std::fs::write(&path, &bytes[..cut]).unwrap();
        let error = load_model(&path, &Device::flex()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "cut at {cut}: {error}");
        expect(&error.to_string(), &["not a whole safetensors file"]);
    }
}

#[test]
fn a_header_that_lies_about_its_length_is_refused() {
    let (_, _folder, path, bytes) = saved();
    for length in [0, bytes.len() as u64, u64::MAX, u64::MAX / 2, 1 << 40] {
        let mut lie = bytes.clone();
        lie[..8].copy_from_slice(&length.to_le_bytes());
        std::fs::write(&path, &lie).unwrap();
        expect(
            &load_model(&path, &Device::flex()).unwrap_err().to_string(),
            &["not a whole safetensors file"],
        );
    }
    let deep = format!("{}{}", "{\"a\":".repeat(10_000), "1".to_string() + &"}".repeat(10_000));
    std::fs::write(&path, join(&deep, &[])).unwrap();
    expect(&load_model(&path, &Device::flex()).unwrap_err().to_string(), &["not a whole safetensors file"]);
    std::fs::write(&path, [bytes.as_slice(), b"PK\x03\x04"].concat()).unwrap();
    expect(&load_model(&path, &Device::flex()).unwrap_err().to_string(), &["not a whole safetensors file"]);
}

#[test]
fn tensors_that_lie_about_their_place_or_size_are_refused() {
    let bad = ["not a whole safetensors file"];
    expect(&refused(|header| header["dense_1.bias"]["data_offsets"] = serde_json::json!([0, 16])), &bad);
    expect(&refused(|header| header["dense_1.bias"]["data_offsets"] = serde_json::json!([16, 0])), &bad);
    expect(&refused(|header| header["dense_1.bias"]["shape"] = serde_json::json!([5])), &bad);
    expect(&refused(|header| header["dense_1.bias"]["dtype"] = "F99".into()), &bad);
    let most = u64::MAX;
    expect(&refused(|header| header["dense_1.bias"]["shape"] = serde_json::json!([most, most])), &bad);
    // A tensor of a terabyte in a file of a kilobyte.
    expect(
        &refused(|header| {
            header["dense_1.bias"]["shape"] = serde_json::json!([1u64 << 38]);
            header["dense_1.bias"]["data_offsets"] = serde_json::json!([0, 1u64 << 40]);
        }),
        &bad,
    );
    expect(
        &refused(|header| {
            header["dense_1.bias"]["dtype"] = "I32".into();
        }),
        &["tensor 'dense_1.bias'", "I32", "expected F32, F16, BF16, or I8"],
    );
}

#[test]
#[cfg(unix)]
fn a_device_or_a_folder_is_not_a_model() {
    let device = Device::flex();
    let message = load_model("/dev/zero", &device).unwrap_err().to_string();
    assert_eq!(message, "/dev/zero is not a file");
    let message = load_model(std::env::temp_dir(), &device).unwrap_err().to_string();
    assert!(message.ends_with("is not a file"), "{message}");
}

#[test]
fn weights_of_another_architecture_are_listed() {
    let message = refused_card(|card| {
        card["spec"]["layers"][5]["out_features"] = 7.into();
        card["classes"] = serde_json::json!([]);
    });
    expect(
        &message,
        &["dense_1.weight: expected [7, 36], found [4, 36]", "dense_1.bias: expected [7], found [4]"],
    );
    let message = refused(|header| {
        let tensor = header.as_object_mut().unwrap().remove("dense_1.bias").unwrap();
        header["dense1.bias"] = tensor;
    });
    expect(
        &message,
        &["missing     dense_1.bias [4] (did you mean 'dense1.bias'?)", "unexpected  dense1.bias [4]"],
    );
    // Names are never paths: this one is merely unknown.
    let message = refused(|header| {
        let tensor = header.as_object_mut().unwrap().remove("dense_1.bias").unwrap();
        header["../../etc/passwd"] = tensor;
    });
    expect(&message, &["missing     dense_1.bias", "unexpected  ../../etc/passwd"]);
}

#[test]
fn a_card_that_does_not_fit_is_refused() {
    expect(
        &refused_card(|card| card["classes"] = serde_json::json!(["a"])),
        &["classes has 1 entries; expected 4"],
    );
    expect(
        &refused_card(|card| card["preprocessing"]["mean"] = serde_json::json!([0.1, 0.2])),
        &["preprocessing.mean has 2 entries; expected 1 or 1"],
    );
    expect(
        &refused_card(|card| card["preprocessing"]["std"] = serde_json::json!([0.0])),
        &["preprocessing.std holds 0; expected more than 0"],
    );
    expect(
        &refused_card(|card| {
            card["training"] = serde_json::json!({
                "loss": {"type": "cross_entropy", "class_weights": [1.0]},
                "optimizer": {}, "epochs": 1, "batch_size": 1, "seed": 0
            });
        }),
        &["class_weights of 1 classes; expected 4"],
    );
    expect(&refused_card(|card| card["url"] = "http://x".into()), &["unknown field `url`"]);
    expect(
        &refused_card(|card| card["spec"]["layers"][0]["type"] = "os_system".into()),
        &["layer 1 'os_system'"],
    );
    expect(
        &refused_card(|card| {
            card["format"] = 99.into();
            card["fireclay_version"] = "9.0.0".into();
            card["new_field"] = true.into();
        }),
        &["format 99", "written by Fireclay 9.0.0", "use a newer one"],
    );
    expect(
        &refused(|header| header["__metadata__"] = serde_json::json!({"format": "pt"})),
        &["no Fireclay model", "9 tensors of another program"],
    );
    expect(
        &refused(|header| header["__metadata__"]["fireclay"] = "{".into()),
        &["description", "cannot be read"],
    );
}

#[test]
fn nan_and_infinity_are_neither_loaded_nor_saved() {
    let (model, _folder, path, bytes) = saved();
    for value in [f32::NAN, f32::INFINITY] {
        let mut poisoned = bytes.clone();
        let end = poisoned.len();
        poisoned[end - 4..].copy_from_slice(&value.to_le_bytes());
        std::fs::write(&path, &poisoned).unwrap();
        expect(
            &load_model(&path, &Device::flex()).unwrap_err().to_string(),
            &["holds", "finite values were expected"],
        );
    }
    let mut weights = state(&model);
    weights[0].values[3] = f32::NAN;
    let name = weights[0].name.clone();
    let broken = load_state(model, weights).unwrap();
    std::fs::write(&path, b"the old file").unwrap();
    let message = save_model(&path, &broken, &card()).unwrap_err().to_string();
    expect(&message, &[&format!("tensor '{name}' holds NaN at position 3")]);
    assert_eq!(std::fs::read(&path).unwrap(), b"the old file");
}

#[test]
fn checkpoints_keep_weights_optimiser_and_progress() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let model = spec().build(&Device::flex()).unwrap();
    let checkpoint = CheckpointFile {
        progress: vec![0.1f64, 1.0 / 3.0],
        tensors: state(&model),
        optimizer: vec![1, 2, 3],
    };
    save_checkpoint(&path, &checkpoint).unwrap();
    let found: CheckpointFile<Vec<f64>> = load_checkpoint(&path).unwrap();
    assert_eq!(found.progress, checkpoint.progress, "to the last bit");
    assert_eq!(found.optimizer, checkpoint.optimizer);
    let sorted = |mut tensors: Vec<NamedTensor>| {
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        tensors
    };
    assert_eq!(sorted(found.tensors), sorted(checkpoint.tensors));
    let message = load_model(&path, &Device::flex()).unwrap_err().to_string();
    assert!(message.contains("no Fireclay model") && message.contains("--resume"), "{message}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever stands in the file, loading ends with a model or an error, never with a panic.
    #[test]
    fn any_byte_changed_is_an_error_or_a_model(position in 0usize..4096, value: u8) {
        let (_, _folder, path, mut bytes) = saved();
        let position = position % bytes.len();
        bytes[position] = value;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok((model, _)) = load_model(&path, &Device::flex()) {
            prop_assert!(state(&model).iter().all(|tensor| tensor.check_finite().is_ok()));
        }
    }

    #[test]
    fn any_byte_changed_among_whole_numbers_is_an_error_or_a_model(position in 0usize..4096, value: u8) {
        let (_, _folder, path, mut bytes) = saved_int8();
        let position = position % bytes.len();
        bytes[position] = value;
        std::fs::write(&path, &bytes).unwrap();
        if let Ok((model, card)) = load_model(&path, &Device::flex()) {
            prop_assert!(state(&model).iter().all(|tensor| tensor.check_finite().is_ok()));
            let shape: Vec<usize> = [2].iter().chain(card.spec.input.shape()).copied().collect();
            let input = vec![0.5; shape.iter().product()];
            let rows = model.forward(AnyTensor::from_values(input, &shape, &Device::flex()));
            prop_assert_eq!(rows.dims()[0], 2);
        }
    }

    #[test]
    fn random_weights_come_back_to_the_last_bit(values in prop::collection::vec(-1e30f32..1e30, 8)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("animals.fireclay");
        let model = ModelSpec::new([3]).dense(2).build(&Device::flex()).unwrap();
        let weights = vec![
            NamedTensor { name: "dense_1.weight".into(), shape: vec![2, 3], values: values[..6].to_vec() },
            NamedTensor { name: "dense_1.bias".into(), shape: vec![2], values: values[6..].to_vec() },
        ];
        let model = load_state(model, weights.clone()).unwrap();
        save_model(&path, &model, &ModelCard::new(model.spec().clone())).unwrap();
        let (loaded, _) = load_model(&path, &Device::flex()).unwrap();
        prop_assert_eq!(state(&loaded), weights);
    }
}

#[test]
fn distributions_that_contradict_themselves_are_refused() {
    let whole = || ReferenceDistributions {
        samples: 12,
        inputs: vec![Distribution::of("brightness", &[0.1, 0.2, 0.3, 0.4]).unwrap()],
        classes: vec![0.25; 4],
        predictions: Distribution::of("confidence", &[0.5, 0.9]),
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("animals.fireclay");
    let model = spec().build(&Device::flex()).unwrap();
    let save = |reference| save_model(&path, &model, &ModelCard { reference: Some(reference), ..card() });
    save(whole()).unwrap();
    assert_eq!(load_card(&path).unwrap().reference, Some(whole()));
    let mut cases = [whole(), whole(), whole(), whole()];
    cases[0].classes.pop();
    cases[1].inputs[0].edges.reverse();
    cases[2].inputs[0].shares.push(0.5);
    cases[3].predictions.as_mut().unwrap().shares[0] = 2.0;
    for case in cases {
        let message = save(case).unwrap_err().to_string();
        assert!(message.contains("animals.fireclay") && message.contains("edges must ascend"), "{message}");
    }
}

/// A model whose weights are whole numbers.
fn saved_int8() -> (Model, tempfile::TempDir, PathBuf, Vec<u8>) {
    let range = Int8Range { scale: 0.1, zero_point: 3 };
    let outputs = spec().int8_candidates().unwrap().outputs;
    let ranges = outputs.into_iter().map(|name| (name, range)).collect();
    let int8 = Int8Spec { input: Some(range), ranges, left_in_f32: Vec::new() };
    let spec = ModelSpec { int8: Some(int8), ..spec() };
    let model = spec.build_seeded(1, &Device::flex()).unwrap();
    let rounded = state(&model).into_iter().map(|mut tensor| {
        round_to_int8(&mut tensor);
        tensor
    });
    let model = load_state(model.clone(), rounded.collect()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.fireclay");
    save_model(&path, &model, &ModelCard { spec, ..card() }).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (model, folder, path, bytes)
}

#[test]
fn whole_numbers_take_a_byte_each_and_come_back_as_the_same_weights() {
    let (model, folder, path, bytes) = saved_int8();
    let (header, tensors) = parts(&bytes);
    assert_eq!(header["dense_1.weight"]["dtype"], "I8");
    assert_eq!(header["dense_1.weight.int8_scale"]["shape"], serde_json::json!([4]));
    assert_eq!(header["dense_1.bias"]["dtype"], "F32");
    let weights: usize = state(&model).iter().filter(|t| t.shape.len() > 1).map(|t| t.values.len()).sum();
    let others: usize = state(&model).iter().filter(|t| t.shape.len() < 2).map(|t| t.values.len()).sum();
    assert_eq!(tensors.len(), weights + 4 * (others + 3 + 3 + 4), "a scale for each row of three weights");
    let (loaded, card) = load_model(&path, &Device::flex()).unwrap();
    assert_eq!(state(&loaded), state(&model));
    assert!(card.spec.int8.is_some());
    let again = folder.path().join("again.fireclay");
    save_model(&again, &loaded, &card).unwrap();
    assert!(std::fs::read(&again).unwrap() == bytes, "the same model gives the same bytes");
}

#[test]
fn weights_of_bf16_take_two_bytes_each_and_come_back_as_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("half.fireclay");
    let rounded = state(&spec().build_seeded(1, &Device::flex()).unwrap()).into_iter().map(|mut tensor| {
        // All but the last of the convolution's.
        let count = tensor.values.len() - usize::from(tensor.name == "conv2d_1.weight");
        for value in &mut tensor.values[..count] {
            *value = f32::from_bits(value.to_bits() & 0xFFFF_0000);
        }
        tensor
    });
    let model = load_state(spec().build(&Device::flex()).unwrap(), rounded.collect()).unwrap();
    save_model(&path, &model, &card()).unwrap();
    let (header, _) = parts(&std::fs::read(&path).unwrap());
    assert_eq!(header["dense_1.weight"]["dtype"], "BF16");
    assert_eq!(header["conv2d_1.weight"]["dtype"], "F32");
    assert_eq!(header["dense_1.bias"]["dtype"], "F32");
    assert_eq!(state(&load_model(&path, &Device::flex()).unwrap().0), state(&model));
}

#[test]
fn weights_that_are_no_whole_numbers_are_stored_in_f32() {
    let (model, folder, _, _) = saved_int8();
    let path = folder.path().join("mixed.fireclay");
    let changed = state(&model).into_iter().map(|mut tensor| {
        if tensor.name == "dense_1.weight" {
            tensor.values[0] = 0.123_456_7;
        }
        tensor
    });
    let model = load_state(model.clone(), changed.collect()).unwrap();
    save_model(&path, &model, &ModelCard { spec: model.spec().clone(), ..card() }).unwrap();
    let (header, _) = parts(&std::fs::read(&path).unwrap());
    assert_eq!(header["dense_1.weight"]["dtype"], "F32");
    assert_eq!(header["conv2d_1.weight"]["dtype"], "I8");
    assert_eq!(state(&load_model(&path, &Device::flex()).unwrap().0), state(&model));
}

/// A change of a file's header and tensors.
type Change<'a> = dyn Fn(&mut serde_json::Value, &mut Vec<u8>) + 'a;

/// What is said of a model file with a change that no checksum tells of.
fn message_of_a_lie(path: &Path, bytes: &[u8], change: &Change) -> String {
    let (mut header, mut tensors) = parts(bytes);
    let text = header["__metadata__"]["fireclay"].as_str().unwrap();
    let mut card: serde_json::Value = serde_json::from_str(text).unwrap();
    card.as_object_mut().unwrap().remove("weights_sha256");
    header["__metadata__"]["fireclay"] = card.to_string().into();
    change(&mut header, &mut tensors);
    std::fs::write(path, join(&header.to_string(), &tensors)).unwrap();
    load_model(path, &Device::flex()).map(|_| ()).unwrap_err().to_string()
}

/// Where a tensor begins.
fn begin(header: &serde_json::Value, name: &str) -> usize {
    header[name]["data_offsets"][0].as_u64().unwrap() as usize
}

#[test]
fn whole_numbers_that_lie_are_refused() {
    let changed = |change: &Change| {
        let (_, _folder, path, bytes) = saved_int8();
        message_of_a_lie(&path, &bytes, change)
    };
    let message = changed(&|header, _| {
        let scales = header.as_object_mut().unwrap().remove("dense_1.weight.int8_scale").unwrap();
        header["elsewhere"] = scales;
    });
    assert!(message.contains("elsewhere"), "a tensor that nothing needs: {message}");
    let message =
        changed(&|header, _| header["dense_1.weight.int8_scale"]["shape"] = serde_json::json!([2, 2]));
    assert!(message.contains("expected F32 [4], found F32 [2, 2]"), "{message}");
    let message = changed(&|header, _| header["dense_1.weight.int8_scale"]["dtype"] = "I32".into());
    assert!(message.contains("found I32 [4]"), "{message}");
    let message = changed(&|header, tensors| {
        let at = begin(header, "dense_1.weight");
        tensors[at] = 0x80;
    });
    assert!(message.contains("-128 in row 0"), "{message}");
    for scale in [f32::NAN, f32::INFINITY, 3e38] {
        let message = changed(&|header, tensors| {
            let at = begin(header, "dense_1.weight.int8_scale");
            tensors[at..at + 4].copy_from_slice(&scale.to_le_bytes());
        });
        assert!(message.contains("dense_1.weight"), "{scale}: {message}");
    }
}

/// A model most of whose weights are 0, as whole numbers or not.
fn saved_sparse(int8: bool) -> (Model, tempfile::TempDir, PathBuf, Vec<u8>) {
    let spec = ModelSpec::new([40]).dense(30).relu().dense(2);
    let spec = ModelSpec { int8: int8.then(Int8Spec::default), ..spec };
    let model = spec.build_seeded(1, &Device::flex()).unwrap();
    let sparse = state(&model).into_iter().map(|mut tensor| {
        for (at, value) in tensor.values.iter_mut().enumerate().filter(|_| tensor.shape.len() > 1) {
            *value = [0.0, 0.0, 0.0, *value, -0.0][at % 5];
        }
        if int8 {
            round_to_int8(&mut tensor);
        }
        tensor
    });
    let model = load_state(model.clone(), sparse.collect()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sparse.fireclay");
    save_model(&path, &model, &ModelCard::new(spec)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (model, folder, path, bytes)
}

#[test]
fn weights_that_are_mostly_zeros_are_stored_without_them_and_come_back_bit_for_bit() {
    for int8 in [false, true] {
        let (model, folder, path, bytes) = saved_sparse(int8);
        let (header, _) = parts(&bytes);
        // Whole numbers know one zero only, and one weight is rounded to it.
        let there = if int8 { 239 } else { 480 };
        assert_eq!(header["dense_1.weight"]["shape"], serde_json::json!([there]));
        assert_eq!(header["dense_1.weight"]["dtype"], if int8 { "I8" } else { "F32" });
        assert_eq!(header["dense_1.weight.sparse_mask"]["shape"], serde_json::json!([150]));
        assert_eq!(header["dense_1.weight.sparse_shape"]["shape"], serde_json::json!([2]));
        assert_eq!(header["dense_2.weight"]["shape"], serde_json::json!([2, 30]), "a small one stays whole");
        let text = header["__metadata__"]["fireclay"].as_str().unwrap();
        assert!(text.starts_with(r#"{"format":2,"#), "{text}");
        let bits = |model: &Model| -> Vec<u32> {
            state(model).iter().flat_map(|tensor| &tensor.values).map(|value| value.to_bits()).collect()
        };
        let (loaded, card) = load_model(&path, &Device::flex()).unwrap();
        assert!(bits(&loaded) == bits(&model), "int8 {int8}");
        let again = folder.path().join("again.fireclay");
        save_model(&again, &loaded, &card).unwrap();
        assert!(std::fs::read(&again).unwrap() == bytes, "the same model gives the same bytes");
    }
}

#[test]
fn a_file_of_weights_alone_has_none_without_their_zeros() {
    let (_, _folder, path, bytes) = saved_sparse(false);
    let (mut header, tensors) = parts(&bytes);
    let stamp = serde_json::json!({"format": 1, "fireclay_version": "0.1.0"}).to_string();
    header["__metadata__"] = serde_json::json!({"fireclay-weights": stamp});
    std::fs::write(&path, join(&header.to_string(), &tensors)).unwrap();
    let network = ModelSpec::new([40]).dense(30).relu().dense(2).build_seeded(1, &Device::flex()).unwrap();
    let message = fireclay_store::load_weights(&path, network).map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("sparse.fireclay") && message.contains("sparse_"), "{message}");
}

#[test]
fn weights_without_their_zeros_that_lie_are_refused() {
    let changed = |change: &Change| {
        let (_, _folder, path, bytes) = saved_sparse(false);
        message_of_a_lie(&path, &bytes, change)
    };
    for lost in ["shape", "mask"] {
        let message = changed(&|header, _| {
            let list =
                header.as_object_mut().unwrap().remove(&format!("dense_1.weight.sparse_{lost}")).unwrap();
            header["elsewhere"] = list;
        });
        assert!(message.contains("dense_1.weight") || message.contains("elsewhere"), "{message}");
    }
    for sizes in [[u64::MAX, u64::MAX], [30, 1 << 62], [40, 30], [1200, 1]] {
        let message = changed(&|header, tensors| {
            let at = begin(header, "dense_1.weight.sparse_shape");
            tensors[at..at + 8].copy_from_slice(&sizes[0].to_le_bytes());
            tensors[at + 8..at + 16].copy_from_slice(&sizes[1].to_le_bytes());
        });
        assert!(message.contains("dense_1.weight") && message.contains("[30, 40]"), "{sizes:?}: {message}");
    }
    let message = changed(&|header, tensors| {
        let at = begin(header, "dense_1.weight.sparse_mask");
        tensors[at] ^= 1;
    });
    assert!(message.contains("expected 480 values, found bits for 481"), "{message}");
    let message = changed(&|header, _| header["dense_1.weight.sparse_mask"]["dtype"] = "I8".into());
    assert!(message.contains("a list of U8") && message.contains("found I8"), "{message}");
    // In the format before there were none.
    let message = changed(&|header, _| {
        let text = header["__metadata__"]["fireclay"].as_str().unwrap();
        header["__metadata__"]["fireclay"] = text.replace(r#""format":2"#, r#""format":1"#).into();
    });
    assert!(message.contains("sparse_mask"), "{message}");
    let message = changed(&|header, tensors| {
        let at = begin(header, "dense_1.weight.sparse_shape");
        header["dense_1.weight.sparse_shape"]["shape"] = serde_json::json!([10]);
        header["dense_1.weight.sparse_shape"]["data_offsets"] = serde_json::json!([at, at + 80]);
        for (name, tensor) in header.as_object_mut().unwrap() {
            if name != "__metadata__" && !name.ends_with("shape") {
                for offset in tensor["data_offsets"].as_array_mut().unwrap() {
                    *offset = (offset.as_u64().unwrap() + 64).into();
                }
            }
        }
        tensors.splice(at..at, [0; 64]);
    });
    assert!(message.contains("expected at most 8 sizes, found 10"), "{message}");
    let message =
        changed(&|header, _| header["dense_1.weight.sparse_mask"]["shape"] = serde_json::json!([75, 2]));
    assert!(message.contains("found U8 [75, 2]"), "{message}");
}

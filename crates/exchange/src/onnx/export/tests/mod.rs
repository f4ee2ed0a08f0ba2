mod graph;
mod int8;
mod judge;
mod networks;
mod weights;

use std::collections::HashSet;

use fireclay_nn::{
    BuiltInLoss, Conv1dSpec, CrossEntropyLoss, LayerKind, LstmSpec, ModelSpec, MseLoss, Stored,
    TransformerSpec,
};
use fireclay_store::{Preprocessing, TrainingCard};
use prost::Message;

use super::layers::KNOWN;
use super::*;
use crate::onnx::proto::{GraphProto, TensorProto};
use networks::networks;
use weights::model;

fn decoded(model: &ModelFile, options: &OnnxOptions) -> (OnnxModel, ModelProto) {
    let exported = export(model, options).unwrap();
    let proto = ModelProto::decode(exported.bytes.as_slice()).unwrap();
    (exported, proto)
}

/// The names of all layers of all networks here, those in blocks too.
fn kinds(layers: &[fireclay_nn::PlacedLayer], found: &mut HashSet<&'static str>) {
    for layer in layers {
        found.insert(layer.kind.type_name());
        kinds(&layer.body, found);
        kinds(&layer.shortcut, found);
    }
}

#[test]
fn every_kind_of_layer_is_written_and_tried() {
    let mut known = LayerKind::TYPE_NAMES.to_vec();
    known.sort_unstable();
    assert_eq!(known, KNOWN, "a layer is missing from `layers/mod.rs`");
    let mut tried = HashSet::new();
    for (name, spec) in networks() {
        kinds(&spec.placed_layers().unwrap(), &mut tried);
        let exported = export(&model(spec, 1), &OnnxOptions::default());
        assert!(exported.is_ok(), "{name}: {}", exported.unwrap_err());
    }
    let untried: Vec<_> = KNOWN.iter().filter(|kind| !tried.contains(*kind)).collect();
    assert!(untried.is_empty(), "no network in `tests/networks.rs` has {untried:?}");
}

/// What every graph must be: each value is made once, before it is used, and is used.
fn check(graph: &GraphProto) {
    let mut made: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    for TensorProto { name, dims, raw_data, data_type, .. } in &graph.initializer {
        assert!(made.insert(name), "'{name}' is there twice");
        let bytes = match data_type {
            1 | 6 => 4,
            _ => 8,
        };
        let count: i64 = dims.iter().product();
        assert_eq!(raw_data.as_ref().unwrap().len() as i64, count * bytes, "'{name}' has other dims");
    }
    let mut used = HashSet::new();
    let mut names = HashSet::new();
    for node in &graph.node {
        assert!(names.insert(&node.name), "the node '{}' is there twice", node.name);
        for input in node.input.iter().filter(|input| !input.is_empty()) {
            assert!(made.contains(input.as_str()), "'{}' reads '{input}', which is made later", node.name);
            used.insert(input.as_str());
        }
        for output in &node.output {
            assert!(made.insert(output), "'{output}' is made twice");
        }
    }
    for output in &graph.output {
        assert!(made.contains(output.name.as_str()), "nothing makes the output '{}'", output.name);
        used.insert(&output.name);
    }
    let unused = graph.initializer.iter().find(|tensor| !used.contains(tensor.name.as_str()));
    assert!(unused.is_none(), "nothing uses '{}'", unused.unwrap().name);
}

#[test]
fn graphs_are_whole_and_the_same_each_time() {
    for (name, spec) in networks() {
        let model = model(spec, 2);
        let options = OnnxOptions::default().probabilities(true);
        let (exported, proto) = decoded(&model, &options);
        assert_eq!(export(&model, &options).unwrap().bytes, exported.bytes, "{name}");
        assert_eq!((proto.ir_version, proto.opset_import[0].version), (8, 18));
        check(proto.graph.as_ref().unwrap());
    }
}

#[test]
fn weights_are_there_as_they_are() {
    let model = model(ModelSpec::new([4]).dense(3), 3);
    let (_, proto) = decoded(&model, &OnnxOptions::default());
    let graph = proto.graph.unwrap();
    let [weight, bias] = graph.initializer.as_slice() else { panic!("two tensors") };
    assert_eq!((weight.name.as_str(), bias.name.as_str()), ("dense_1.weight", "dense_1.bias"));
    let values: Vec<u8> = model.tensors[0].values.iter().flat_map(|value| value.to_le_bytes()).collect();
    assert_eq!(weight.raw_data.as_ref().unwrap(), &values);
    assert_eq!((graph.node.len(), graph.node[0].op_type.as_str()), (1, "Gemm"));
}

#[test]
fn texts_may_be_shorter_where_no_layer_lays_them_out() {
    let input =
        |spec: ModelSpec| export(&model(spec, 4), &OnnxOptions::default()).unwrap().inputs[0].to_string();
    assert_eq!(input(ModelSpec::tokens(9).embedding(5, 3).lstm(4).dense(2)), "input: int64 [batch, steps]");
    assert_eq!(input(ModelSpec::tokens(9).embedding(5, 3).flatten().dense(2)), "input: int64 [batch, 9]");
}

fn trained(spec: ModelSpec, loss: impl Into<BuiltInLoss>) -> ModelFile {
    let mut model = model(spec, 5);
    model.card.training = Some(TrainingCard {
        privacy: None,
        adversarial: serde_json::Value::Null,
        loss: Stored::BuiltIn(loss.into()),
        optimizer: serde_json::Value::Null,
        groups: Vec::new(),
        schedule: serde_json::Value::Null,
        warm_up: 0.0,
        accumulate: None,
        averaging: None,
        clip_value: None,
        clip_norm: None,
        precision: None,
        epochs: 1,
        batch_size: 1,
        validation_split: 0.0,
        seed: 0,
    });
    model
}

#[test]
fn outputs_are_called_what_they_are() {
    let shown = |model: &ModelFile| {
        let exported = export(model, &OnnxOptions::default().probabilities(true)).unwrap();
        let names: Vec<_> = exported.outputs.iter().map(|output| output.name.clone()).collect();
        (names.join(" "), exported.notes.len())
    };
    let spec = || ModelSpec::new([4]).dense(3);
    assert_eq!(shown(&trained(spec(), CrossEntropyLoss::new())), ("logits probabilities".into(), 0));
    assert_eq!(shown(&trained(spec(), MseLoss)), ("values".into(), 1));
    assert_eq!(shown(&model(spec().softmax(), 5)), ("probabilities".into(), 0));
}

#[test]
fn a_network_of_nothing_but_dropout_gives_what_it_gets() {
    let (_, proto) = decoded(&model(ModelSpec::new([4]).dropout(0.5), 6), &OnnxOptions::default());
    let graph = proto.graph.unwrap();
    check(&graph);
    assert_eq!(graph.node[0].op_type, "Identity");
}

#[test]
fn metadata_says_what_the_numbers_mean_and_not_where_they_come_from() {
    let mut file = trained(ModelSpec::new([3, 4, 4]).flatten().dense(2), CrossEntropyLoss::new());
    file.card.classes = vec!["cat".into(), "dog".into()];
    file.card.preprocessing = Some(Preprocessing { mean: vec![0.5], std: vec![0.25] });
    let (exported, proto) = decoded(&file, &OnnxOptions::default());
    let value = |key: &str| {
        proto.metadata_props.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    };
    assert_eq!(value("classes"), Some(r#"["cat","dog"]"#));
    assert_eq!(value("preprocessing"), Some(r#"{"mean":[0.5],"std":[0.25]}"#));
    assert_eq!(value("preprocessing_is"), Some("to be done by the caller"));
    assert_eq!(ModelSpec::from_json(value("spec").unwrap()).unwrap(), file.card.spec);
    assert_eq!(value("training"), None);
    assert!(exported.inputs[0].description.contains("(byte / 255 - [0.5]) / [0.25]"));
    let (exported, _) = decoded(&file, &OnnxOptions::default().include_preprocessing(true));
    assert_eq!(exported.inputs[0].to_string(), "input: uint8 [batch, 3, 4, 4]");
}

fn refused(spec: ModelSpec) -> String {
    export(&model(spec, 7), &OnnxOptions::default().stepwise(true)).unwrap_err().to_string()
}

#[test]
fn all_layers_that_cannot_go_step_by_step_are_listed() {
    let spec = ModelSpec::tokens(8)
        .embedding(5, 4)
        .layer(Conv1dSpec::new(4, 1))
        .layer(LstmSpec::new(2).bidirectional(true).return_sequences(true))
        .residual([fireclay_nn::TransformerEncoderSpec(TransformerSpec::new(2, 4)).into()])
        .dense(5);
    let message = refused(spec);
    for part in [
        "2 'conv1d_1' (conv1d): it needs all steps",
        "3 'lstm_1' (lstm): its way back",
        "4.1 'residual_1.transformer_encoder_1'",
    ] {
        assert!(message.contains(part), "{part} is not in {message}");
    }
    assert!(message.starts_with("the model cannot be written as ONNX"), "{message}");
    let message = refused(ModelSpec::tokens(8).embedding(5, 4).lstm(3).dense(2));
    assert!(message.contains("'dense_1'") && message.contains("once for a whole text"), "{message}");
    let message = refused(ModelSpec::new([3, 8, 8]).conv2d(4, 3).flatten().dense(2));
    assert_eq!(
        message,
        "the model cannot be written as ONNX: 0 'input' ([3, 8, 8]): only a network that reads tokens goes on step by step"
    );
}

#[test]
fn tensors_of_another_network_are_refused() {
    let mut file = model(ModelSpec::new([4]).dense(3), 8);
    file.tensors.pop();
    let message = export(&file, &OnnxOptions::default()).unwrap_err().to_string();
    assert!(message.contains("dense_1.bias"), "{message}");
    let mut file = model(ModelSpec::new([4]).dense(3), 8);
    file.tensors[0].values[1] = f32::NAN;
    let message = export(&file, &OnnxOptions::default()).unwrap_err().to_string();
    assert!(message.contains("dense_1.weight") && message.contains("NaN"), "{message}");
}

#[test]
fn what_is_remembered_goes_in_and_out() {
    let lstm = LstmSpec::new(3).num_layers(2).return_sequences(true);
    let spec = ModelSpec::tokens(8).embedding(5, 4).layer(lstm).dense(5);
    let (exported, proto) = decoded(&model(spec, 9), &OnnxOptions::default().stepwise(true));
    check(proto.graph.as_ref().unwrap());
    let inputs: Vec<String> = exported.inputs.iter().map(OnnxValue::to_string).collect();
    let states = ["past.lstm_1.h: float32 [2, batch, 3]", "past.lstm_1.c: float32 [2, batch, 3]"];
    assert_eq!(inputs, ["input: int64 [batch, steps]", states[0], states[1]]);
    let outputs: Vec<&str> = exported.outputs.iter().map(|output| output.name.as_str()).collect();
    assert_eq!(outputs, ["logits", "present.lstm_1.h", "present.lstm_1.c"]);
}

#[test]
fn the_file_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let exported = export(&model(ModelSpec::new([4]).dense(3), 10), &OnnxOptions::default()).unwrap();
    assert_eq!(exported.write(&path).unwrap(), exported.bytes.len() as u64);
    assert_eq!(std::fs::read(&path).unwrap(), exported.bytes);
    assert!(exported.write(folder.path().join("none/model.onnx")).is_err());
}

//! What networks of other tools give here is what they give there.

use fireclay_exchange::{Imported, onnx};
use fireclay_nn::LayerKind;

use crate::support::{difference, fixture, message};

fn imported(name: &str) -> Imported {
    onnx::import(fixture(name)).unwrap_or_else(|error| panic!("{error}"))
}

/// All files that the scripts wrote, and those of them that are refused with what the message says.
const REFUSED: &[(&str, &str)] = &[
    ("torch/rnn-dynamo-18.onnx", "node_MatMul_44"),
    ("keras/encoder-keras-default.onnx", "is run as it is by OnnxGraph"),
    ("keras/encoder-tf2onnx-13.onnx", "is run as it is by OnnxGraph"),
    ("keras/encoder-tf2onnx-17.onnx", "is run as it is by OnnxGraph"),
    ("keras/gru-keras-default.onnx", "forward_gru_1/while_loop' (Loop): it is control flow"),
    ("keras/gru-tf2onnx-13.onnx", "backward_gru_1/while_loop' (Loop): it is control flow"),
    ("keras/gru-tf2onnx-17.onnx", "(Loop): it is control flow"),
    ("keras/rnn-keras-default.onnx", "(Loop): it is control flow"),
    ("keras/rnn-tf2onnx-13.onnx", "(Loop): it is control flow"),
    ("keras/rnn-tf2onnx-17.onnx", "(Loop): it is control flow"),
];

#[test]
fn logits_are_those_of_the_tools_that_wrote_the_files() {
    let (mut count, mut failed) = (0, Vec::new());
    for tool in ["torch", "keras"] {
        let entries = std::fs::read_dir(fixture(tool)).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        for name in names.iter().filter(|name| name.ends_with(".onnx")) {
            let path = format!("{tool}/{name}");
            if let Some((_, expected)) = REFUSED.iter().find(|(refused, _)| *refused == path) {
                let message = message(onnx::import(fixture(&path)));
                if !message.contains(expected) {
                    failed.push(message);
                }
                continue;
            }
            let imported = match onnx::import(fixture(&path)) {
                Ok(imported) => imported,
                Err(error) => {
                    failed.push(error.to_string());
                    continue;
                }
            };
            let io = format!("{tool}/{}", name.split('-').next().unwrap());
            let far = difference(&io, &imported);
            assert!(far < 1e-5, "{name} is {far} away");
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    assert!(count >= 50, "{count} files");
}

fn kinds(imported: &Imported) -> Vec<&'static str> {
    imported.model.card.spec.layers.iter().map(|layer| layer.kind.type_name()).collect()
}

#[test]
fn operators_that_are_one_function_are_one_layer() {
    let expected = ["dense", "batch_norm", "relu", "dense", "gelu", "dense", "silu", "layer_norm", "dense"];
    for opset in [9, 11, 13, 17, 20] {
        assert_eq!(kinds(&imported(&format!("torch/mlp-script-{opset}.onnx"))), expected);
    }
    let imported = imported("torch/mlp-script-9.onnx");
    let names: Vec<&str> =
        imported.model.card.spec.layers.iter().filter_map(|layer| layer.name.as_deref()).collect();
    assert_eq!(names[..3], ["net_0", "net_1", "relu_1"]);
}

#[test]
fn attention_is_one_layer_whatever_its_operators() {
    for file in ["gpt-script-14", "gpt_flash-dynamo-18", "gpt_flash-dynamo-23"] {
        let imported = imported(&format!("torch/{file}.onnx"));
        assert_eq!(kinds(&imported)[..4], ["embedding", "position_embedding", "residual", "residual"]);
        let LayerKind::Residual(block) = &imported.model.card.spec.layers[2].kind else { panic!("a block") };
        let LayerKind::MultiHeadAttention(spec) = &block.layers[1].kind else { panic!("attention") };
        assert_eq!((spec.num_heads, spec.causal, spec.bias), (2, true, true));
        assert_eq!(imported.model.card.spec.input.shape(), [16]);
    }
    let imported = imported("torch/encoder-dynamo-23.onnx");
    let LayerKind::Residual(block) = &imported.model.card.spec.layers[2].kind else { panic!("a block") };
    assert!(matches!(&block.layers[1].kind, LayerKind::MultiHeadAttention(spec) if !spec.causal));
}

#[test]
fn what_was_decided_is_said() {
    let notes = |name: &str| imported(name).notes.join("\n");
    assert!(notes("torch/activations-script-17.onnx").contains("the softmax at the end is left out"));
    assert!(
        notes("torch/lstm-script-9.onnx").contains("the number of steps is open; 512 are taken as the most")
    );
    assert!(notes("keras/pooled-tf2onnx-13.onnx").contains("channels come last in the file: [2, 8, 8]"));
    let cnn = imported("keras/cnn-keras-default.onnx");
    assert!(cnn.notes.join("\n").contains("they are given as bytes"));
    let scale = cnn.model.card.preprocessing.unwrap();
    assert!(scale.mean == [0.0] && (scale.std[0] - 1.0).abs() < 1e-6, "{scale:?}");
    let classes = imported("torch/activations-script-17.onnx").model.card.classes;
    assert_eq!(classes, ["0", "1", "2", "3"]);
}

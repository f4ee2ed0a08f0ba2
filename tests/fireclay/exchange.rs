//! Models for other tools and from them.

use std::path::Path;

use crate::{fail, scratch, succeed};

const ONNX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/exchange/fixtures/onnx");
const PYTORCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/exchange/fixtures/pytorch");

fn train(folder: &Path) {
    let rows: String =
        (0..60).map(|i| format!("{i},{},{}\n", i % 7, if i < 30 { "low" } else { "high" })).collect();
    std::fs::write(folder.join("rows.csv"), format!("size,other,answer\n{rows}")).unwrap();
    succeed(
        folder,
        &["train", "rows.csv", "--target", "answer", "--epochs", "3", "--out", "model.fireclay", "-q"],
    );
}

#[test]
fn a_model_leaves_in_every_form_and_says_what_goes_in_and_out() {
    let folder = scratch();
    train(folder.path());
    let tensors = |name: &str| {
        let file = std::fs::read(folder.path().join(name)).unwrap();
        let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
        file[8 + header..].to_vec()
    };
    let onnx = succeed(folder.path(), &["export", "model.fireclay", "--probabilities"]).stdout;
    for said in ["input   input: float32 [batch, ", "probabilities: float32 [batch, 2]", "wrote model.onnx ("]
    {
        assert!(onnx.contains(said), "no {said:?} in {onnx}");
    }
    let inspected = succeed(folder.path(), &["inspect", "model.onnx"]).stdout;
    for said in ["model.onnx: ONNX", "written by ", "opset 18", "Gemm"] {
        assert!(inspected.contains(said), "no {said:?} in {inspected}");
    }
    let back = succeed(folder.path(), &["import", "model.onnx", "--out", "onnx.fireclay"]).stdout;
    assert!(back.contains("model.onnx: ONNX with ") && back.contains("wrote onnx.fireclay ("), "{back}");
    assert_eq!(tensors("onnx.fireclay"), tensors("model.fireclay"));
    let python = succeed(folder.path(), &["export", "model.fireclay", "--out", "net.py"]).stdout;
    assert!(python.contains("wrote net.py and net.safetensors ("), "{python}");
    assert!(
        std::fs::read_to_string(folder.path().join("net.py")).unwrap().contains("class Network(nn.Module)")
    );
    let inspected = succeed(folder.path(), &["inspect", "net.safetensors", "--ranges"]).stdout;
    assert!(inspected.contains("net.safetensors: safetensors") && inspected.contains(" to "), "{inspected}");

    // The weights come back by their names alone, to the same file.
    let back = [
        "import",
        "net.safetensors",
        "--spec",
        "model.fireclay",
        "--classes",
        "high,low",
        "--out",
        "back.fireclay",
    ];
    assert!(succeed(folder.path(), &back).stdout.contains("wrote back.fireclay ("));
    assert_eq!(tensors("back.fireclay"), tensors("model.fireclay"));
}

#[test]
fn onnx_of_other_tools_comes_in_or_is_refused_by_node() {
    let folder = scratch();
    let resnet = format!("{ONNX}/torch/resnet-script-18.onnx");
    let run =
        succeed(folder.path(), &["import", &resnet, "--classes", "a,b,c,d", "--out", "net.fireclay"]).stdout;
    for said in ["ONNX with ", "takes [3, 12, 12]", "wrote net.fireclay ("] {
        assert!(run.contains(said), "no {said:?} in {run}");
    }
    let summary = succeed(folder.path(), &["summary", "--from", "net.fireclay"]).stdout;
    assert!(summary.contains("residual") && summary.contains("conv2d"), "{summary}");
    let loops = format!("{ONNX}/keras/rnn-tf2onnx-17.onnx");
    fail(folder.path(), &["import", &loops], 1, &["cannot be taken over", "(Loop): it is control flow"]);
    let flag = ["import", &resnet, "--spec", "net.fireclay"];
    fail(folder.path(), &flag, 2, &["--spec"]);
}

#[test]
fn a_model_goes_to_keras_and_comes_back() {
    let folder = scratch();
    train(folder.path());
    succeed(folder.path(), &["export", "model.fireclay", "--out", "model.keras"]);
    let run = succeed(folder.path(), &["import", "model.keras", "--out", "keras.fireclay"]).stdout;
    assert!(run.contains("a Keras model (.keras) with ") && run.contains("wrote keras.fireclay ("), "{run}");
    let inspected = succeed(folder.path(), &["inspect", "model.keras"]).stdout;
    assert!(inspected.contains("a Keras model (.keras)") && inspected.contains("dense"), "{inspected}");
    let summary = succeed(folder.path(), &["summary", "--from", "keras.fireclay"]).stdout;
    assert!(summary.contains("parameters"), "{summary}");
}

#[test]
fn what_cannot_be_done_is_said_with_a_way_on() {
    let folder = scratch();
    train(folder.path());
    let weights = format!("{PYTORCH}/sequential.pt");
    let flags = |flags: &[&str], expected: &[&str]| fail(folder.path(), flags, 2, expected);
    flags(&["import", &weights], &["sequential.pt holds weights", "--spec FILE"]);
    flags(&["import", "model.fireclay"], &["is a Fireclay model already"]);
    flags(
        &["export", "model.fireclay", "--format", "keras", "--stepwise"],
        &["--stepwise is for --format onnx"],
    );
    flags(&["export", "model.fireclay", "--out", "none/model.onnx"], &["the folder none does not exist"]);
    flags(&["export", "rows.csv"], &["rows.csv is a table and no model file"]);
    let checkpoint =
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/v0.1/checkpoints/muon.checkpoint");
    flags(&["import", checkpoint], &["is a checkpoint of a training and no model", "train --resume"]);
    std::fs::copy(&weights, folder.path().join("own.pt")).unwrap();
    flags(
        &["import", "own.pt", "--spec", "model.fireclay", "--out", "own.pt"],
        &["--out would replace own.pt, which is read"],
    );
    flags(
        &["export", "model.fireclay", "--format", "pytorch", "--out", "net.safetensors"],
        &["net.safetensors", ".py"],
    );
    std::fs::write(
        folder.path().join("own.toml"),
        "input = [4]\nlayers = [{ type = \"dense\", out_features = 3 }]",
    )
    .unwrap();
    fail(
        folder.path(),
        &["import", &weights, "--spec", "own.toml", "--out", "x.fireclay"],
        1,
        &["sequential.pt"],
    );
    assert!(!folder.path().join("x.fireclay").exists(), "never half a model");
    fail(folder.path(), &["export", "model.fireclay", "--stepwise"], 1, &["step by step"]);
}

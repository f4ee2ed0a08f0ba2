//! ONNX Runtime computes what we compute: `fixtures/onnx/check.py` reads what is written here and compares.

use std::path::Path;
use std::process::Command;

use fireclay_nn::{AnyTensor, Device, InputSpec, ModelSpec, Network, Padding};
use fireclay_store::{ModelFile, Preprocessing};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::json;

use super::int8::in_int8;
use super::networks::{TOKENS, VOCABULARY, language_models, networks};
use super::weights::{Numbers, model};
use super::{OnnxOptions, export};

#[test]
#[ignore = "needs a Python with ONNX Runtime; see CONTRIBUTING.md"]
fn judge_of_exports_in_onnx_runtime() {
    let python = std::env::var("FIRECLAY_EXCHANGE_PYTHON")
        .expect("FIRECLAY_EXCHANGE_PYTHON names a Python that has crates/exchange/fixtures/requirements.txt");
    let folder = tempfile::tempdir().unwrap();
    let mut cases = Vec::new();
    for (seed, (name, spec)) in networks().into_iter().enumerate() {
        let model = model(spec, seed as u64);
        cases.push(at_once(folder.path(), name, &model));
    }
    for (seed, (name, spec)) in language_models().into_iter().enumerate() {
        cases.push(step_by_step(folder.path(), &format!("{name}_steps"), &model(spec, 100 + seed as u64)));
    }
    for (seed, (name, spec)) in in_int8().into_iter().enumerate() {
        let mut case = at_once(folder.path(), name, &model(spec, 300 + seed as u64));
        // Means of bytes may lie half-way between two, of which runtimes that work in f32 take either.
        case["tolerance"] = json!(0.02);
        cases.push(case);
    }
    cases.push(with_preprocessing(folder.path()));
    // Trained ones.
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/v0.1/models");
    for path in std::fs::read_dir(models).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_stem().unwrap().to_string_lossy();
        cases.push(at_once(folder.path(), &format!("trained_{name}"), &ModelFile::load(&path).unwrap()));
    }
    std::fs::write(folder.path().join("cases.json"), serde_json::to_string(&cases).unwrap()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/onnx/check.py");
    let status = Command::new(&python).arg(script).arg(folder.path()).status();
    assert!(
        status.unwrap_or_else(|error| panic!("{python}: {error}")).success(),
        "the script says what is wrong"
    );
}

/// Tensors for the script.
#[derive(Default)]
struct Tensors(Vec<(String, Dtype, Vec<usize>, Vec<u8>)>);

impl Tensors {
    fn floats(&mut self, name: String, shape: Vec<usize>, values: &[f32]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.push((name, Dtype::F32, shape, bytes));
    }

    fn tokens(&mut self, name: String, shape: Vec<usize>, values: &[i64]) {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.0.push((name, Dtype::I64, shape, bytes));
    }

    fn write(&self, path: &Path) {
        let views = self.0.iter().map(|(name, dtype, shape, bytes)| {
            (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
        });
        std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
    }
}

/// Batches of 1, 7 and 64; texts of 1, 40 and 250 tokens where they may be shorter.
fn at_once(folder: &Path, name: &str, model: &ModelFile) -> serde_json::Value {
    let spec = &model.card.spec;
    let exported = export(model, &OnnxOptions::default().probabilities(true)).unwrap();
    exported.write(folder.join(format!("{name}.onnx"))).unwrap();
    let (network, _) = model.clone().build(&Device::flex()).unwrap();
    let mut numbers = Numbers(7);
    let mut tensors = Tensors::default();
    let sizes: &[[usize; 2]] = match (&spec.input, spec.supports_variable_length().unwrap()) {
        (InputSpec::Tokens(_), true) => {
            &[[1, 1], [7, 1], [64, 40], [7, TOKENS], [64, TOKENS], [9, 40], [5, 3]]
        }
        _ => &[[1, TOKENS], [7, TOKENS], [64, TOKENS]],
    };
    for (place, [batch, steps]) in sizes.iter().enumerate() {
        let steps = &spec.input.shape()[0].min(*steps);
        let (key, result) = (format!("input.{place}"), format!("output.{place}"));
        let input = match &spec.input {
            InputSpec::Tokens(_) => {
                let tokens = texts(&mut numbers, *batch, *steps, place);
                tensors.tokens(key, vec![*batch, *steps], &tokens);
                let tokens = tokens.into_iter().map(|token| token as i32).collect();
                AnyTensor::from_tokens(tokens, &[*batch, *steps], &Device::flex())
            }
            values => {
                let shape: Vec<usize> = [*batch].into_iter().chain(values.shape().iter().copied()).collect();
                let values: Vec<f32> = (0..shape.iter().product()).map(|_| numbers.next()).collect();
                tensors.floats(key, shape.clone(), &values);
                AnyTensor::from_values(values, &shape, &Device::flex())
            }
        };
        let output = network.forward(input);
        let shape = output.dims().to_vec();
        tensors.floats(result, shape, &output.into_data().iter::<f32>().collect::<Vec<_>>());
    }
    tensors.write(&folder.join(format!("{name}.safetensors")));
    json!({ "name": name, "kind": "at once", "batches": sizes.len() })
}

/// Texts that are filled up with 0 at their ends, some of them wholly, and in one batch at their beginnings.
pub(super) fn texts(numbers: &mut Numbers, batch: usize, steps: usize, place: usize) -> Vec<i64> {
    let mut tokens = Vec::with_capacity(batch * steps);
    for sample in 0..batch {
        let length = match sample {
            0 => steps,
            1 => 0,
            _ => numbers.below(steps + 1),
        };
        for step in 0..steps {
            let is_own = if place == 5 { step >= steps - length } else { step < length };
            // Now and then one that fills up stands within a text.
            let first = usize::from(numbers.below(8) > 0);
            tokens.push(if is_own { (first * (1 + numbers.below(VOCABULARY - 1))) as i64 } else { 0 });
        }
    }
    tokens
}

/// A text that goes on by the most probable token.
fn step_by_step(folder: &Path, name: &str, model: &ModelFile) -> serde_json::Value {
    export(model, &OnnxOptions::default().stepwise(true))
        .unwrap()
        .write(folder.join(format!("{name}.onnx")))
        .unwrap();
    let (network, _) = model.clone().build(&Device::flex()).unwrap();
    let mut stepper = network.stepper().unwrap();
    let prompt = [3u32, 14, 15, 9, 26];
    let (mut text, mut all) = (Vec::new(), Vec::new());
    let mut logits = stepper.step(&prompt).unwrap();
    for _ in 0..120 {
        all.extend_from_slice(&logits);
        let mut best = 0;
        for (token, logit) in logits.iter().enumerate() {
            best = if *logit > logits[best] { token } else { best };
        }
        text.push(best as i64);
        logits = stepper.step(&[best as u32]).unwrap();
    }
    let mut tensors = Tensors::default();
    tensors.tokens("prompt".into(), vec![1, prompt.len()], &prompt.map(i64::from));
    tensors.tokens("text".into(), vec![text.len()], &text);
    tensors.floats("logits".into(), vec![text.len(), logits.len()], &all);
    tensors.write(&folder.join(format!("{name}.safetensors")));
    json!({ "name": name, "kind": "step by step" })
}

/// Bytes go in, and numbers in the units of the data come out.
fn with_preprocessing(folder: &Path) -> serde_json::Value {
    let spec = ModelSpec::new([3, 6, 5])
        .layer(fireclay_nn::Conv2dSpec::new(4, 3).padding(Padding::Same))
        .relu()
        .flatten()
        .dense(2);
    let mut model = model(spec, 200);
    let preprocessing = Preprocessing { mean: vec![0.4, 0.5, 0.6], std: vec![0.2, 0.25, 0.3] };
    let scale = Preprocessing { mean: vec![10.0, -3.0], std: vec![4.0, 0.5] };
    model.card.preprocessing = Some(preprocessing.clone());
    model.card.target_scale = Some(scale.clone());
    let name = "with_preprocessing";
    let exported = export(&model, &OnnxOptions::default().include_preprocessing(true)).unwrap();
    exported.write(folder.join(format!("{name}.onnx"))).unwrap();
    let mut numbers = Numbers(8);
    let shape = [7, 3, 6, 5];
    let bytes: Vec<u8> = (0..shape.iter().product()).map(|_| numbers.below(256) as u8).collect();
    let normalized = bytes.iter().enumerate().map(|(place, byte)| {
        let channel = place / 30 % 3;
        (f32::from(*byte) / 255.0 - preprocessing.mean[channel]) / preprocessing.std[channel]
    });
    let input = AnyTensor::from_values(normalized.collect(), &shape, &Device::flex());
    let (network, _) = model.build(&Device::flex()).unwrap();
    let output = network.forward(input).into_data();
    let output = output.iter::<f32>().enumerate();
    let output: Vec<f32> =
        output.map(|(place, value)| value * scale.std[place % 2] + scale.mean[place % 2]).collect();
    let mut tensors = Tensors::default();
    tensors.0.push(("input.0".into(), Dtype::U8, shape.into(), bytes));
    tensors.floats("output.0".into(), vec![7, 2], &output);
    tensors.write(&folder.join(format!("{name}.safetensors")));
    json!({ "name": name, "kind": "at once", "batches": 1 })
}

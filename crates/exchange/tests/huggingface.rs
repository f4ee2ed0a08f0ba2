//! Folders that `transformers` wrote, and a pre-trained encoder:
//!
//! ```sh
//! FIRECLAY_HUGGINGFACE_FOLDER=FOLDER FIRECLAY_EXCHANGE_PYTHON=VENV/bin/python \
//!     cargo test --release -p fireclay-exchange --test huggingface -- --ignored
//! ```
//!
//! `fixtures/huggingface/compare.py` says how to get one.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use fireclay_exchange::huggingface::{EncoderOptions, Pooling, import_encoder};
use fireclay_exchange::pytorch::TensorFile;
use fireclay_exchange::{ExchangeError, Imported};
use fireclay_nn::{AnyTensor, Network};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/huggingface")
}

fn message<T>(result: Result<T, ExchangeError>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

/// What a network gives for a batch of tokens.
fn outputs(imported: Imported, tokens: &[f32], shape: &[usize]) -> Vec<f32> {
    let device = Device::flex();
    let tokens = AnyTensor::from_tokens(tokens.iter().map(|token| *token as i32).collect(), shape, &device);
    let (model, _) = imported.model.build(&device).unwrap();
    model.forward(tokens).into_data().iter::<f32>().collect()
}

fn compare(folder: &str, options: &EncoderOptions, reference: &str) {
    let imported = import_encoder(fixtures().join(folder), options).unwrap();
    let mut file = TensorFile::open(fixtures().join(format!("{folder}.io.safetensors"))).unwrap();
    let (tokens, expected) = (file.read("tokens").unwrap(), file.read(reference).unwrap());
    let found = outputs(imported, &tokens.values, &tokens.shape);
    assert_eq!(found.len(), expected.values.len());
    let scale = expected.values.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    for (found, expected) in found.iter().zip(&expected.values) {
        assert!((found - expected).abs() < 1e-5 * scale, "{folder}: {found}, expected {expected}");
    }
}

fn pooled(pooling: Pooling) -> EncoderOptions {
    EncoderOptions { pooling: Some(pooling), ..EncoderOptions::default() }
}

#[test]
fn encoders_give_what_transformers_gives() {
    for folder in ["bert", "distilbert"] {
        compare(folder, &EncoderOptions::default(), "mean");
        compare(folder, &pooled(Pooling::Mean), "mean");
        compare(folder, &pooled(Pooling::First), "first");
    }
}

#[test]
fn classifiers_keep_their_head_and_classes() {
    for folder in ["bert_classifier", "distilbert_classifier"] {
        compare(folder, &EncoderOptions::default(), "logits");
        let imported = import_encoder(fixtures().join(folder), &EncoderOptions::default()).unwrap();
        assert_eq!(imported.model.card.classes, ["bad", "fine", "good"]);
        let without = import_encoder(fixtures().join(folder), &pooled(Pooling::First)).unwrap();
        assert!(without.notes[0].contains("tensors of other heads were left out"), "{:?}", without.notes);
    }
}

#[test]
fn fewer_tokens_need_fewer_positions() {
    let options = EncoderOptions { max_tokens: Some(7), pooling: None };
    let imported = import_encoder(fixtures().join("bert"), &options).unwrap();
    let positions = imported.model.tensors.iter().find(|tensor| tensor.name == "position_embedding_1.weight");
    assert_eq!(positions.unwrap().shape, [7, 16]);
    assert!(imported.notes.iter().any(|note| note.contains("texts have at most 7 tokens")));
    compare("bert", &options, "mean");
}

/// A copy of a fixture with some of a file's text replaced.
fn changed(file: &str, from: &str, to: &str) -> Result<Imported, ExchangeError> {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(fixtures().join("bert").join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join(file);
    let text = std::fs::read(&path).unwrap();
    let at =
        text.windows(from.len()).position(|window| window == from.as_bytes()).expect("it is in the file");
    std::fs::write(&path, [&text[..at], to.as_bytes(), &text[at + from.len()..]].concat()).unwrap();
    import_encoder(folder.path(), &EncoderOptions::default())
}

#[test]
fn other_models_are_refused_by_name() {
    for (from, to, part) in [
        (
            "\"model_type\": \"bert\"",
            "\"model_type\": \"t5\"",
            "(t5): the kinds that are read are bert and distilbert",
        ),
        ("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"gelu_new\"", "activation gelu_new"),
        ("\"is_decoder\": false", "\"is_decoder\": true", "only encoders"),
        ("\"hidden_size\": 16", "\"hidden_size\": 32", "shape       embeddings.LayerNorm.bias"),
        ("\"hidden_size\": 16", "\"hidden_size\": \"x\"", "hidden_size is \"x\""),
        ("\"hidden_size\": 16", "\"hidden_size\": 4611686018427387904", "more than"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "missing     encoder.layer.2."),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1000000000", "the model has 1000000"),
        ("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1", "unexpected  encoder.layer.1."),
        ("\"num_attention_heads\": 2", "\"num_attention_heads\": 5", "cannot be shared by 5 heads"),
        ("{", "[", "damaged or not a Hugging Face folder"),
    ] {
        let error = message(changed("config.json", from, to));
        assert!(error.contains(part), "{part} in {error}");
    }
    let error = message(import_encoder(fixtures().join("nothing"), &EncoderOptions::default()));
    assert!(error.contains("nothing/config.json"), "{error}");
}

/// A pre-trained sentence encoder gives the vectors of the original, which `compare.py` writes.
#[test]
#[allow(clippy::print_stdout, reason = "the figure is what it is run for")]
#[ignore = "needs a pre-trained encoder: FIRECLAY_HUGGINGFACE_FOLDER, FIRECLAY_EXCHANGE_PYTHON"]
fn judge_of_a_sentence_encoder() {
    let variable = |name: &str| std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"));
    let (folder, python) = (variable("FIRECLAY_HUGGINGFACE_FOLDER"), variable("FIRECLAY_EXCHANGE_PYTHON"));
    let work = tempfile::tempdir().unwrap();
    let reference = work.path().join("reference.safetensors");
    let script = fixtures().join("compare.py");
    let status =
        std::process::Command::new(python).arg(script).arg(&folder).arg(&reference).status().unwrap();
    assert!(status.success());
    let mut file = TensorFile::open(&reference).unwrap();
    let (tokens, expected) = (file.read("tokens").unwrap(), file.read("mean").unwrap());
    let imported = import_encoder(&folder, &EncoderOptions::default()).unwrap();
    println!("{}", imported.notes.join("\n"));
    let found = outputs(imported, &tokens.values, &tokens.shape);
    let worst = found.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    println!("{} sentences; the worst of {} numbers differs by {worst:.1e}", tokens.shape[0], found.len());
    assert!(worst < 1e-4, "the vectors differ by {worst}");
}

//! The networks of the programs, trained on real data, computed by the other tools and taken back from them: what is measured
//! for the test samples is to be the same.
//!
//! ```text
//! FIRECLAY_TEST_DATA=FOLDER FIRECLAY_EXCHANGE_PYTHON=VENV/bin/python \
//!     cargo test --release --workspace --test program judge_of_round_trips -- --ignored --nocapture
//! ```
//!
//! `FIRECLAY_EXCHANGE_PROGRAM` may name one of `mnist`, `cifar`, `imdb` and `table`.

#![allow(clippy::print_stdout, reason = "the figures are what it is run for")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use clap::ValueEnum;
use fireclay::burn::tensor::Tensor;
use fireclay::data::{Batch, BatchFeatures, Normalization, Source, Table, TableOptions, TableTarget};
use fireclay::exchange::onnx::{self, OnnxGraph, OnnxOptions};
use fireclay::exchange::pytorch::{self, WeightOptions};
use fireclay::exchange::{ExchangeError, keras};
use fireclay::nn::{AnyTensor, Network};
use fireclay::prelude::*;
use fireclay::store::ModelFile;
use fireclay_cli::networks::{DigitNetwork, ObjectNetwork, TableNetwork, TextNetwork};
use fireclay_cli::{
    DataSpec, ImageSource, Limit, ModelName, Output, PublishedImages, TextSource, TokenPreprocessing,
};
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};

/// What computes the outputs of a batch.
pub type Compute = Box<dyn Fn(AnyTensor) -> Tensor<2>>;

/// Trains the networks of a program on the data in a folder.
type Networks = fn(&Path) -> Vec<Trained>;

/// Test samples that are compared.
const SAMPLES: usize = 1000;

/// Differences are below this share of the greatest output.
const LIMIT: f32 = 1e-5;

/// The files that come back: our own export, and what the tools wrote.
const ENDINGS: [&str; 7] =
    ["onnx", "back.pt", "back.keras", "back.h5", "pytorch.onnx", "pytorch_script.onnx", "keras.onnx"];

/// How many are computed at once.
const BATCH: usize = 50;

#[test]
#[ignore = "needs the data sets and a Python with the other tools; see CONTRIBUTING.md"]
fn judge_of_round_trips() {
    let data = PathBuf::from(variable("FIRECLAY_TEST_DATA"));
    let python = variable("FIRECLAY_EXCHANGE_PYTHON");
    let folder = tempfile::tempdir().unwrap();
    let programs: [(&str, Networks); 4] =
        [("mnist", digits), ("cifar", objects), ("imdb", texts), ("table", tables)];
    let only = std::env::var("FIRECLAY_EXCHANGE_PROGRAM").ok();
    let cases: Vec<Case> = programs
        .into_iter()
        .filter(|(program, _)| only.as_deref().is_none_or(|only| only == *program))
        .flat_map(|(_, networks)| networks(&data))
        .map(|trained| Case::write(folder.path(), trained))
        .collect();
    let written: Vec<&Value> = cases.iter().map(|case| &case.record).collect();
    std::fs::write(folder.path().join("cases.json"), serde_json::to_vec(&written).unwrap()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/exchange/fixtures/round_trips/judge.py");
    let status = Command::new(&python).arg(script).arg(folder.path()).status();
    let agrees = status.unwrap_or_else(|error| panic!("{python}: {error}")).success();
    // What a tool can write of no network at all it was not asked for.
    for ending in ENDINGS {
        let is_there = |case: &Case| folder.path().join(format!("{}.{ending}", case.name)).exists();
        assert!(cases.iter().any(is_there), "no network came back as {ending}");
    }
    let wrong: Vec<String> = cases.iter().flat_map(|case| case.come_back(folder.path())).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(agrees, "the script says what is wrong");
}

pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is to be set; see CONTRIBUTING.md"))
}

/// A trained network and test samples.
struct Trained {
    name: String,
    model: ModelFile,
    test: Arc<dyn Source>,
}

impl Trained {
    fn new(name: String, spec: ModelSpec, is_language_model: bool, train: &Dataset, test: Dataset) -> Self {
        let model = trained(&spec, is_language_model, train);
        Trained { name, model, test: Arc::new(test.take(SAMPLES)) }
    }
}

/// Trains for one epoch, on as many samples as there are.
pub fn trained(spec: &ModelSpec, is_language_model: bool, train: &Dataset) -> ModelFile {
    let network = spec.build_seeded(1, &Device::flex()).unwrap();
    let trainer = match train.target_kind() {
        TargetKind::Values { .. } => Trainer::regression(network),
        _ if is_language_model => Trainer::language_model(network),
        _ => Trainer::classification(network),
    };
    let mut trainer = trainer.optimizer(Adam::new(1e-3));
    trainer.fit(train, &FitOptions { epochs: 1, batch_size: 64, ..FitOptions::default() }).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    trainer.save(file.path()).unwrap();
    let mut model = ModelFile::load(file.path()).unwrap();
    // The samples are compared as the network sees them.
    (model.card.preprocessing, model.card.target_scale) = (None, None);
    model
}

fn limit(samples: u32) -> Limit {
    Limit { samples: Some(samples) }
}

fn images(
    program: &str,
    (folder, family): (&Path, PublishedImages),
    networks: impl Iterator<Item = (String, ModelSpec, fireclay_cli::ImagePreprocessing)>,
) -> Vec<Trained> {
    let output = Arc::new(Output::silent());
    let source = ImageSource::Folder(folder.to_path_buf());
    networks
        .map(|(name, spec, preprocessing)| {
            let (train, test) =
                source.load(family, family.shape(), limit(3000), &preprocessing, &output).unwrap();
            Trained::new(format!("{program}-{name}"), spec, false, &train, test)
        })
        .collect()
}

fn digits(data: &Path) -> Vec<Trained> {
    let spec = DataSpec::images([1, 28, 28], 10);
    let networks = DigitNetwork::value_variants()
        .iter()
        .map(|network| (network.name(), network.spec(&spec), network.preprocessing()));
    images("mnist", (&data.join("mnist"), PublishedImages::Mnist), networks)
}

fn objects(data: &Path) -> Vec<Trained> {
    let spec = DataSpec::images([3, 32, 32], 10);
    let networks = ObjectNetwork::value_variants()
        .iter()
        .map(|network| (network.name(), network.spec(&spec), network.preprocessing()));
    images("cifar", (&data.join("cifar-10-batches-bin"), PublishedImages::Cifar), networks)
}

fn texts(data: &Path) -> Vec<Trained> {
    let output = Arc::new(Output::silent());
    let source = TextSource::Folder(data.join("imdb"));
    let texts = source.load(limit(2000), &output).unwrap();
    TextNetwork::value_variants()
        .iter()
        .map(|network| {
            let usual = TokenPreprocessing::for_network(*network);
            let tokens = match network.is_language_model() {
                // Outputs at all tokens of a thousand texts have to find room.
                true => TokenPreprocessing { max_words: Some(500), length: Some(32), ..usual },
                false => usual,
            };
            let (train, test) = tokens.prepare(texts.clone()).unwrap();
            let spec = network.spec(&DataSpec::of(&train));
            let name = format!("imdb-{}", network.name());
            Trained::new(name, spec, network.is_language_model(), &train, test)
        })
        .collect()
}

fn tables(data: &Path) -> Vec<Trained> {
    let options = TableOptions {
        target: Some("price".into()),
        target_kind: TableTarget::Values,
        one_hot: ["cut", "color", "clarity"].map(Into::into).into(),
        ..TableOptions::default()
    };
    let table = Table::load(&data.join("tables/diamonds-train.csv"), &options).unwrap();
    let (train, test) = table.dataset.split(0.2, 0).unwrap();
    let range = Normalization::of(&train).unwrap();
    let train = train.with_normalization(range.clone()).unwrap().with_standardized_targets().unwrap();
    let test = test.with_normalization(range).unwrap().with_target_scale(train.target_scale()).unwrap();
    TableNetwork::value_variants()
        .iter()
        .map(|network| {
            let spec = network.spec(&DataSpec::of(&train));
            Trained::new(format!("table-{}", network.name()), spec, false, &train, test.clone())
        })
        .collect()
}

/// A network whose files, inputs and outputs are in the folder.
struct Case {
    name: String,
    record: Value,
    spec: ModelSpec,
    inputs: Vec<(BatchFeatures, Vec<usize>)>,
    outputs: Vec<f32>,
}

impl Case {
    fn write(folder: &Path, Trained { name, model, test }: Trained) -> Self {
        let at = |ending: &str| folder.join(format!("{name}.{ending}"));
        model.save(at("fireclay")).unwrap();
        onnx::export(&model, &OnnxOptions::default()).unwrap().write(at("onnx")).unwrap();
        let python = pytorch::export(&model).unwrap();
        std::fs::write(at("py"), python.source).unwrap();
        std::fs::write(at("safetensors"), python.safetensors).unwrap();
        let in_keras = match keras::export(&model) {
            Ok(bytes) => {
                std::fs::write(at("keras"), bytes).unwrap();
                true
            }
            Err(error @ ExchangeError::NotExpressible { .. }) => {
                println!("{name}: {error}");
                false
            }
            Err(error) => panic!("{name}: {error}"),
        };
        let spec = model.card.spec.clone();
        let (network, _) = model.build(&Device::flex()).unwrap();
        let inputs = inputs(&*test);
        let compute: Compute = Box::new(move |input| network.forward(input));
        let outputs = outputs(&compute, &inputs);
        write_samples(&at("samples"), &inputs, &outputs);
        let record =
            json!({ "name": name, "keras": in_keras, "tokens": matches!(spec.input, InputSpec::Tokens(_)) });
        Case { name, record, spec, inputs, outputs }
    }

    /// Takes over what the other tools wrote; the answer says what is wrong.
    fn come_back(&self, folder: &Path) -> Vec<String> {
        let at = |ending: &str| folder.join(format!("{}.{ending}", self.name));
        let mut wrong = Vec::new();
        for ending in ENDINGS.into_iter().filter(|ending| at(ending).exists()) {
            let found = self.read(&at(ending)).and_then(|(how, compute)| {
                Ok((how, difference(&outputs(&compute, &self.inputs), &self.outputs)?))
            });
            match found {
                Ok((how, difference)) if difference < LIMIT => {
                    println!("{}.{ending}: back as {how}, {difference:.1e}", self.name);
                }
                Ok((how, difference)) => {
                    wrong.push(format!("{}.{ending} as {how}: {difference:.1e}", self.name))
                }
                Err(error) => wrong.push(format!("{}.{ending}: {error}", self.name)),
            }
        }
        wrong
    }

    /// A file of another tool as layers, or an ONNX graph that is no chain of layers as it is.
    fn read(&self, path: &Path) -> Result<(&'static str, Compute), String> {
        let device = Device::flex();
        let imported = match path.extension().and_then(|ending| ending.to_str()) {
            Some("pt") => pytorch::import_weights(path, &self.spec, &WeightOptions::default()),
            Some("onnx") => match onnx::import(path) {
                Err(ExchangeError::Unsupported { .. }) => {
                    let graph = OnnxGraph::read(path).map_err(|error| error.to_string())?;
                    let network = graph.build(&device);
                    return Ok(("a graph", Box::new(move |input| network.forward(input))));
                }
                read => read,
            },
            _ => keras::import(path),
        };
        let (network, _) = imported
            .map_err(|error| error.to_string())?
            .model
            .build(&device)
            .map_err(|error| error.to_string())?;
        Ok(("layers", Box::new(move |input| network.forward(input))))
    }
}

/// All samples, in batches.
pub fn inputs(source: &dyn Source) -> Vec<(BatchFeatures, Vec<usize>)> {
    let one = |from: usize| {
        let indices: Vec<u32> = (from..(from + BATCH).min(source.len())).map(|index| index as u32).collect();
        let mut batch = Batch::default();
        source.gather(&indices, &mut batch).unwrap();
        (batch.features, batch.shape)
    };
    (0..source.len()).step_by(BATCH).map(one).collect()
}

pub fn outputs(compute: &Compute, inputs: &[(BatchFeatures, Vec<usize>)]) -> Vec<f32> {
    let device = Device::flex();
    let mut all = Vec::new();
    for (features, shape) in inputs {
        let input = match features {
            BatchFeatures::Values(values) => AnyTensor::from_values(values.clone(), shape, &device),
            BatchFeatures::Tokens(tokens) => AnyTensor::from_tokens(tokens.clone(), shape, &device),
        };
        all.extend(compute(input).into_data().iter::<f32>());
    }
    all
}

/// As a share of the greatest number that is expected.
fn difference(found: &[f32], expected: &[f32]) -> Result<f32, String> {
    if found.len() != expected.len() {
        return Err(format!("{} outputs instead of {}", found.len(), expected.len()));
    }
    let greatest = expected.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let apart = found.iter().zip(expected).map(|(one, other)| (one - other).abs());
    // NaN is not below anything.
    Ok(apart.fold(0.0, |most, apart| if apart <= most { most } else { apart }) / greatest)
}

/// `x`, all inputs, and `y`, all outputs.
pub fn write_samples(path: &Path, inputs: &[(BatchFeatures, Vec<usize>)], outputs: &[f32]) {
    let samples: usize = inputs.iter().map(|(_, shape)| shape[0]).sum();
    let mut bytes = Vec::new();
    let mut dtype = Dtype::F32;
    for (features, _) in inputs {
        match features {
            BatchFeatures::Values(values) => {
                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()))
            }
            BatchFeatures::Tokens(tokens) => {
                dtype = Dtype::I32;
                bytes.extend(tokens.iter().flat_map(|token| token.to_le_bytes()));
            }
        }
    }
    let shape = [&[samples], &inputs[0].1[1..]].concat();
    let results: Vec<u8> = outputs.iter().flat_map(|value| value.to_le_bytes()).collect();
    let views = [
        ("x", TensorView::new(dtype, shape, &bytes).unwrap()),
        ("y", TensorView::new(Dtype::F32, vec![outputs.len()], &results).unwrap()),
    ];
    std::fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

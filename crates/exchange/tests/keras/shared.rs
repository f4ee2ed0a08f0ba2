//! Fixtures, and how a model of ours is run on what Keras was given.

use std::io::Read;
use std::path::{Path, PathBuf};

use fireclay_exchange::{ExchangeError, Imported, ModelFile, keras};
use fireclay_nn::{AnyTensor, Device, InputSpec, Network};
use serde_json::Value;

/// All versions of Keras of which there are files.
pub const VERSIONS: [&str; 4] = ["3.15.1", "3.3.3", "3.0.5", "2.15"];

pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/keras")
}

/// The bytes of a fixture; `None` where that version cannot write it.
pub fn fixture(version: &str, name: &str) -> Option<Vec<u8>> {
    let packed = std::fs::read(fixtures().join(version).join(format!("{name}.gz"))).ok()?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut bytes).expect("a fixture unpacks");
    Some(bytes)
}

/// What a version was given and gave.
pub fn cases(version: &str) -> Vec<Value> {
    let path = fixtures().join(version).join("cases.json");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run fixtures/keras/make.py", path.display()));
    let cases: Value = serde_json::from_str(&text).expect("cases are JSON");
    cases["cases"].as_array().expect("a list").clone()
}

/// Imports bytes as a file of that name.
pub fn import_bytes(name: &str, bytes: &[u8]) -> Result<Imported, ExchangeError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("the file is written");
    keras::import(&path)
}

pub fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().expect("a list").iter().map(|value| value.as_f64().expect("a number") as f32).collect()
}

pub fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().expect("a list").iter().map(|value| value.as_u64().expect("a size") as usize).collect()
}

/// From channels-last, as Keras has images, to channels-first.
pub fn channels_first(values: &[f32], shape: &[usize]) -> (Vec<f32>, Vec<usize>) {
    let &[batch, height, width, channels] = shape else { return (values.to_vec(), shape.to_vec()) };
    let mut out = Vec::with_capacity(values.len());
    for sample in 0..batch {
        for channel in 0..channels {
            out.extend(
                (0..height * width)
                    .map(|place| values[(sample * height * width + place) * channels + channel]),
            );
        }
    }
    (out, vec![batch, channels, height, width])
}

/// What our model gives for values as Keras takes them: preprocessing applied, and a softmax where classes stand for one.
pub fn run(model: &ModelFile, values: &[f32], shape: &[usize]) -> Vec<f32> {
    let device = Device::default();
    let (network, card) = model.clone().build(&device).expect("the model builds");
    let (mut values, shape) = channels_first(values, shape);
    if let Some(preprocessing) = &card.preprocessing {
        let of_channel = shape[2..].iter().product::<usize>();
        let unit = if shape.len() == 4 { 255.0 } else { 1.0 };
        for (place, value) in values.iter_mut().enumerate() {
            let channel = if shape.len() == 4 { place / of_channel % shape[1] } else { place % shape[1] };
            let of = |values: &[f32]| values[channel % values.len()];
            *value = (*value / unit - of(&preprocessing.mean)) / of(&preprocessing.std);
        }
    }
    let input = match card.spec.input {
        InputSpec::Tokens(_) => {
            let tokens = values.iter().map(|value| *value as i32).collect();
            AnyTensor::from_tokens(tokens, &shape, &device)
        }
        _ => AnyTensor::from_values(values, &shape, &device),
    };
    let output = network.forward(input);
    let [_, width] = output.dims();
    let mut outputs: Vec<f32> = output.into_data().iter::<f32>().collect();
    if !card.classes.is_empty() {
        for row in outputs.chunks_exact_mut(width) {
            let greatest = row.iter().copied().fold(f32::MIN, f32::max);
            row.iter_mut().for_each(|value| *value = (*value - greatest).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
    }
    outputs
}

/// The same numbers, to within 1e-5 of their scale.
pub fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
    let worst =
        found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0f32, f32::max);
    assert!(worst <= 1e-5 * scale, "{what}: off by {worst} at a scale of {scale}\n{found:?}\n{expected:?}");
}

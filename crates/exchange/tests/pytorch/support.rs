//! The fixtures, and what a network gives for theirs.

use std::path::PathBuf;

use burn::tensor::Device;
use fireclay_exchange::pytorch::TensorFile;
use fireclay_exchange::{ExchangeError, Imported};
use fireclay_nn::{AnyTensor, InputSpec, Network};

/// A file that `fixtures/pytorch/make.py` wrote.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/pytorch").join(name)
}

/// What a model gives for the batch `x`, row by row.
pub fn outputs(model: fireclay_exchange::ModelFile, shape: &[usize], x: &[f32]) -> Vec<f32> {
    let device = Device::flex();
    let input = match model.card.spec.input {
        InputSpec::Tokens(_) => {
            AnyTensor::from_tokens(x.iter().map(|token| *token as i32).collect(), shape, &device)
        }
        _ => AnyTensor::from_values(x.to_vec(), shape, &device),
    };
    let (model, _) = model.build(&device).unwrap();
    model.forward(input).into_data().iter::<f32>().collect()
}

/// Compares what an imported model gives with what PyTorch gave.
pub fn compare(name: &str, imported: Imported) {
    let mut file = TensorFile::open(fixture(&format!("{name}.io.safetensors"))).unwrap();
    let (x, y) = (file.read("x").unwrap(), file.read("y").unwrap());
    let found = outputs(imported.model, &x.shape, &x.values);
    assert_eq!(found.len(), y.values.len());
    let scale = y.values.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    for (found, expected) in found.iter().zip(&y.values) {
        assert!((found - expected).abs() < 1e-5 * scale, "{name}: {found}, expected {expected}");
    }
}

pub fn message<T>(result: Result<T, ExchangeError>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

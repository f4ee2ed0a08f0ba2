//! The fixtures, and what a network gives for theirs.

use std::path::PathBuf;

use burn::tensor::Device;
use fireclay_exchange::pytorch::TensorFile;
use fireclay_exchange::{ExchangeError, Imported};
use fireclay_nn::{AnyTensor, InputSpec, Network};

/// A file that one of the scripts in `fixtures/onnx` wrote: `torch/mlp-script-9.onnx`.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/onnx").join(name)
}

/// Puts images with channels last into our order, where a network takes them.
fn ours(spec: &InputSpec, shape: &[usize], x: &[f32]) -> (Vec<usize>, Vec<f32>) {
    let (InputSpec::Values(sample), &[batch, height, width, channels]) = (spec, shape) else {
        return (shape.to_vec(), x.to_vec());
    };
    if *sample == shape[1..] {
        return (shape.to_vec(), x.to_vec());
    }
    let places = (0..batch).flat_map(|image| {
        (0..channels).flat_map(move |channel| {
            (0..height * width).map(move |place| (image * height * width + place) * channels + channel)
        })
    });
    (vec![batch, channels, height, width], places.map(|place| x[place]).collect())
}

/// What a model gives for the batch `x`, row by row.
pub fn outputs(imported: &Imported, shape: &[usize], x: &[f32]) -> Vec<f32> {
    let device = Device::flex();
    let card = &imported.model.card;
    let (shape, mut x) = ours(&card.spec.input, shape, x);
    if let Some(scale) = &card.preprocessing {
        let is_image = shape.len() == 4;
        let inner: usize = shape[2..].iter().product();
        for (place, value) in x.iter_mut().enumerate() {
            let channel = place / inner.max(1) % shape[1];
            let of = |values: &[f32]| values[channel % values.len()];
            let level = if is_image { *value / 255.0 } else { *value };
            *value = (level - of(&scale.mean)) / of(&scale.std);
        }
    }
    let input = match card.spec.input {
        InputSpec::Tokens(_) => {
            AnyTensor::from_tokens(x.iter().map(|token| *token as i32).collect(), &shape, &device)
        }
        _ => AnyTensor::from_values(x, &shape, &device),
    };
    let (model, _) = imported.model.clone().build(&device).unwrap();
    model.forward(input).into_data().iter::<f32>().collect()
}

/// How far what an imported model gives is from what the other tool gave, as a share of the largest number.
pub fn difference(io: &str, imported: &Imported) -> f32 {
    let mut file = TensorFile::open(fixture(&format!("{io}.io.safetensors"))).unwrap();
    let (x, y) = (file.read("x").unwrap(), file.read("y").unwrap());
    let mut found = outputs(imported, &x.shape, &x.values);
    assert!(found.iter().all(|value| value.is_finite()), "{io}: what it gives is not finite");
    assert_eq!(found.len(), y.values.len());
    // A softmax at the end is not in the network.
    let width = y.shape[y.shape.len() - 1];
    let is_shares = |row: &[f32]| (row.iter().sum::<f32>() - 1.0).abs() < 1e-4;
    if imported.notes.iter().any(|note| note.contains("softmax at the end")) {
        assert!(y.values.chunks(width).all(is_shares));
        for row in found.chunks_mut(width) {
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter_mut().for_each(|value| *value = (*value - largest).exp());
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|value| *value /= sum);
        }
    }
    let scale = y.values.iter().fold(0f32, |scale, value| scale.max(value.abs()));
    found.iter().zip(&y.values).fold(0f32, |far, (found, expected)| far.max((found - expected).abs())) / scale
}

pub fn message<T>(result: Result<T, ExchangeError>) -> String {
    match result {
        Ok(_) => panic!("it was not refused"),
        Err(error) => error.to_string(),
    }
}

//! The graphs of `fixtures/onnx/graphs`, with inputs and what ONNX Runtime makes of them.

use std::path::PathBuf;

use fireclay_nn::{AnyTensor, Device};
use safetensors::{Dtype, SafeTensors};

/// A graph with one batch.
pub struct Fixture {
    pub name: String,
    pub path: PathBuf,
    inputs: Vec<(String, Array)>,
    pub output: Vec<f32>,
}

struct Array {
    dims: Vec<usize>,
    /// `None` for tokens.
    numbers: Option<Vec<f32>>,
    tokens: Vec<i32>,
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/onnx/graphs")
}

pub fn fixtures() -> Vec<Fixture> {
    let mut fixtures = Vec::new();
    for file in ["torch.safetensors", "keras.safetensors"] {
        let bytes =
            std::fs::read(folder().join(file)).expect("run make_torch.py and make_keras.py beside it");
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut names: Vec<&str> =
            file.names().into_iter().filter_map(|name| name.strip_suffix("/output")).collect();
        names.sort_unstable();
        for name in names {
            let prefix = format!("{name}/input/");
            let of_it = file.names().into_iter().filter(|key| key.starts_with(&prefix));
            let inputs = of_it.map(|key| (key[prefix.len()..].to_owned(), array(&file, key))).collect();
            fixtures.push(Fixture {
                name: name.to_owned(),
                path: folder().join(format!("{name}.onnx")),
                inputs,
                output: array(&file, &format!("{name}/output")).numbers.unwrap(),
            });
        }
    }
    fixtures
}

pub fn fixture(name: &str) -> Fixture {
    fixtures().into_iter().find(|fixture| fixture.name == name).expect("a fixture of this name")
}

fn array(file: &SafeTensors, name: &str) -> Array {
    let tensor = file.tensor(name).unwrap();
    let dims = tensor.shape().to_vec();
    match tensor.dtype() {
        Dtype::I64 => {
            let tokens =
                tensor.data().as_chunks::<8>().0.iter().map(|bytes| i64::from_le_bytes(*bytes) as i32);
            Array { dims, numbers: None, tokens: tokens.collect() }
        }
        _ => {
            let numbers = tensor.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            Array { dims, numbers: Some(numbers.collect()), tokens: Vec::new() }
        }
    }
}

impl Fixture {
    /// The inputs on a device, with their names if there are several.
    pub fn batch(&self, device: &Device) -> AnyTensor {
        let one = |array: &Array| match &array.numbers {
            Some(numbers) => AnyTensor::from_values(numbers.clone(), &array.dims, device),
            None => AnyTensor::from_tokens(array.tokens.clone(), &array.dims, device),
        };
        match self.inputs.as_slice() {
            [(_, array)] => one(array),
            several => {
                AnyTensor::Named(several.iter().map(|(name, array)| (name.clone(), one(array))).collect())
            }
        }
    }
}

//! What the tests of layers, losses and models share: devices, fixtures, and the one comparison of numbers.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use fireclay_backend::DeviceName;
use fireclay_nn::{ModelSpec, NamedTensor, state};
use safetensors::{Dtype, SafeTensors};

/// Every device of this build: run with `--features ndarray,wgpu` to try more than the CPU's default, and with
/// `FIRECLAY_TEST_DEVICES`, such as `ndarray,wgpu`, to try some of them.
pub fn devices() -> Vec<(String, Device)> {
    let wanted = std::env::var("FIRECLAY_TEST_DEVICES").ok();
    let is_wanted = |name: &DeviceName| {
        wanted.as_ref().is_none_or(|wanted| wanted.split(',').any(|wanted| wanted == name.to_string()))
    };
    DeviceName::available()
        .into_iter()
        .filter(is_wanted)
        .map(|name| (name.to_string(), name.open().unwrap_or_else(|error| panic!("{error}"))))
        .collect()
}

/// A tensor of a fixture.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
}

/// Named tensors and texts, written by the `make.py` beside the file.
pub struct Fixture {
    pub path: PathBuf,
    pub tensors: BTreeMap<String, Array>,
    pub texts: BTreeMap<String, String>,
}

impl Fixture {
    /// The file's name.
    pub fn name(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    pub fn array(&self, name: &str) -> &Array {
        self.tensors.get(name).unwrap_or_else(|| panic!("{} lacks '{name}'", self.path.display()))
    }

    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).unwrap_or_else(|| panic!("{} lacks '{name}'", self.path.display()))
    }
}

/// All fixtures of a folder, by name.
pub fn fixtures(folder: &str) -> Vec<Fixture> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(folder);
    let remedy = format!("run `python {}/make.py`", folder.display());
    let mut paths: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}; {remedy}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no fixture in {}; {remedy}", folder.display());
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Fixture {
    let bytes = std::fs::read(&path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let texts = metadata.metadata().clone().unwrap_or_default().into_iter().collect();
    let tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| {
            let values = match view.dtype() {
                Dtype::F32 => view
                    .data()
                    .chunks_exact(4)
                    .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
                    .collect(),
                Dtype::I64 => view
                    .data()
                    .chunks_exact(8)
                    .map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as f32)
                    .collect(),
                other => panic!("{}: '{name}' is {other:?}", path.display()),
            };
            (name.to_string(), Array { shape: view.shape().to_vec(), values })
        })
        .collect();
    Fixture { path, tensors, texts }
}

/// How far a value may be from its reference: `absolute + relative * |reference|`.
#[derive(Clone, Copy)]
pub struct Tolerance {
    pub absolute: f32,
    pub relative: f32,
}

impl Tolerance {
    /// For a weight's gradient. Each of its values is a sum over samples and steps, whose rounding goes with its terms,
    /// not with the little that is left where they cancel: the largest gradient stands for the terms.
    pub fn of_sums(self, gradient: &[f32]) -> Self {
        let largest = gradient.iter().fold(1.0f32, |largest, value| largest.max(value.abs()));
        Self { absolute: self.absolute * largest, ..self }
    }
}

/// f32 on a CPU, and on a GPU whose exponentials and sums are a little coarser.
pub fn tolerance(device: &str) -> Tolerance {
    match device {
        "flex" | "ndarray" => Tolerance { absolute: 2e-6, relative: 2e-5 },
        _ => Tolerance { absolute: 2e-5, relative: 1e-3 },
    }
}

/// Compares values with their reference; the message shows the worst.
pub fn compare(what: &str, found: &[f32], expected: &[f32], tolerance: Tolerance) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: found {} values, expected {}", found.len(), expected.len()));
    }
    let excess = |(found, expected): (&f32, &f32)| {
        if found == expected {
            return 0.0;
        }
        let error = (found - expected).abs() / (tolerance.absolute + tolerance.relative * expected.abs());
        if error.is_nan() { f32::INFINITY } else { error }
    };
    let worst = found.iter().zip(expected).map(excess).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    match worst {
        Some((index, error)) if error > 1.0 => Err(format!(
            "{what}: worst at {index} of {}: found {}, expected {} ({error:.1} x the tolerance)",
            found.len(),
            found[index],
            expected[index]
        )),
        _ => Ok(()),
    }
}

/// As [`compare`], for a test that stops at the first difference.
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: Tolerance) {
    if let Err(message) = compare(what, found, expected, tolerance) {
        panic!("{message}");
    }
}

/// Differences gathered over many cases, so that one run shows them all.
#[derive(Default)]
pub struct Differences(Vec<String>);

impl Differences {
    pub fn check(&mut self, what: &str, found: &[f32], expected: &[f32], tolerance: Tolerance) {
        self.0.extend(compare(what, found, expected, tolerance).err());
    }
}

impl Drop for Differences {
    fn drop(&mut self) {
        if !self.0.is_empty() && !std::thread::panicking() {
            panic!("{} differences:\n{}", self.0.len(), self.0.join("\n"));
        }
    }
}

/// Numbers for tests, in [-1, 1): a small linear congruential generator.
pub fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 40) as f32 / (1u64 << 23) as f32) - 1.0
        })
        .collect()
}

/// Numbers from -1 to 1 that do not repeat soon, from a place of their row on.
pub fn spread(count: usize, from: usize) -> Vec<f32> {
    (from..from + count).map(|at| ((at * 7919 + 13) % 1009) as f32 / 504.0 - 1.0).collect()
}

/// Weights and statistics of a network that are not those of a new one.
pub fn trained_state(spec: &ModelSpec) -> Vec<NamedTensor> {
    let mut tensors = state(&spec.build_seeded(3, &Device::flex()).unwrap());
    for tensor in &mut tensors {
        let noise = spread(tensor.values.len(), tensor.name.len());
        for (value, noise) in tensor.values.iter_mut().zip(noise) {
            match tensor.name.rsplit('.').next().unwrap() {
                "running_var" => *value = 0.6 + 0.5 * noise,
                "running_mean" | "bias" => *value = 0.2 * noise,
                // Some channels are turned round.
                "weight" if tensor.shape.len() == 1 => *value = noise + 0.2,
                _ => {}
            }
        }
    }
    tensors
}

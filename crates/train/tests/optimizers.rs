//! Three steps of every optimiser give PyTorch's weights.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::Device;
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{ModelSpec, NamedTensor, load_state, state};
use fireclay_train::{Adam, AdamW, FitOptions, Optimizer, RmsProp, Sgd, Trainer};
use safetensors::{Dtype, SafeTensors};

struct Fixture {
    spec: ModelSpec,
    tensors: BTreeMap<String, NamedTensor>,
}

fn fixture(name: &str) -> Fixture {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../nn/fixtures/models")
        .join(format!("{name}.safetensors"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `python crates/nn/fixtures/models/make.py`", path.display())
    });
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let spec = ModelSpec::from_json(&metadata.metadata().as_ref().unwrap()["spec"]).unwrap();
    let tensors = SafeTensors::deserialize(&bytes)
        .unwrap()
        .iter()
        .map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                Dtype::I64 => data
                    .chunks_exact(8)
                    .map(|bytes| i64::from_le_bytes(bytes.try_into().unwrap()) as f32)
                    .collect(),
                _ => {
                    data.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
                }
            };
            let shape = view.shape().to_vec();
            (name.to_string(), NamedTensor { name: name.to_string(), shape, values })
        })
        .collect();
    Fixture { spec, tensors }
}

#[test]
fn every_optimizer_agrees_with_pytorch() {
    let optimizers: [(&str, Optimizer); 6] = [
        ("sgd", Sgd::new(0.1).into()),
        ("sgd_momentum", Sgd::new(0.1).momentum(0.9).into()),
        ("sgd_nesterov", Sgd::new(0.1).momentum(0.9).nesterov().into()),
        ("rmsprop", RmsProp::new(1e-3).into()),
        ("adam", Adam::new(1e-3).into()),
        ("adamw", AdamW::new(1e-3).into()),
    ];
    for name in ["mlp_steps", "cnn_steps"] {
        let Fixture { spec, tensors } = fixture(name);
        let targets = &tensors["targets"].values;
        let targets = Targets::Classes {
            labels: targets.iter().map(|label| *label as u32).collect(),
            names: (0..spec.output_features().unwrap()).map(|class| class.to_string()).collect(),
        };
        let input = tensors["input"].values.clone();
        let provenance = Provenance::new(name, "train", "fixture");
        let data = Dataset::from_f32(spec.input.shape(), input, targets, provenance).unwrap();
        for (optimizer_name, optimizer) in &optimizers {
            let weights =
                spec.tensors().unwrap().iter().map(|tensor| tensors[&tensor.name].clone()).collect();
            let model = load_state(spec.build(&Device::flex()).unwrap(), weights).unwrap();
            let mut trainer = Trainer::classification(model).optimizer(optimizer.clone());
            // One batch holds all samples, so three epochs are three steps.
            let options = FitOptions { epochs: 3, batch_size: data.len(), ..FitOptions::default() };
            trainer.fit(&data, &options).unwrap();
            for found in state(trainer.network()) {
                let expected = &tensors[&format!("after.{optimizer_name}.{}", found.name)].values;
                let before = &tensors[&found.name].values;
                for ((found_value, expected), before) in found.values.iter().zip(expected).zip(before) {
                    // Compared with how far the weight moved, so that a step of a wrong size shows.
                    let moved = (expected - before).abs();
                    let bound = 1e-6 + 2e-3 * moved;
                    assert!(
                        (found_value - expected).abs() < bound,
                        "{name}, {optimizer_name}, {}: found {found_value}, expected {expected}, before {before}",
                        found.name
                    );
                }
            }
        }
    }
}

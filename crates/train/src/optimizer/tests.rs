use std::path::Path;

use burn::module::{Param, ParamId};
use burn::nn::Linear;
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

use super::*;

/// Steps of `crates/nn/fixtures/optimizers/make.py`; each list of numbers is a weight of 2 by 3 and a bias of 3.
#[derive(Deserialize)]
struct Steps {
    start: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    factors: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: BuiltInOptimizer,
    after: Vec<Vec<f32>>,
}

fn steps() -> Steps {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/fixtures/optimizers/steps.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("{}: {error}; run `python crates/nn/fixtures/optimizers/make.py`", path.display())
    });
    serde_json::from_str(&text).unwrap()
}

fn halves(values: &[f32], device: &Device) -> (Tensor<2>, Tensor<1>) {
    let (weight, bias) = values.split_at(6);
    let weight = TensorData::new(weight.to_vec(), [2, 3]);
    (Tensor::from_data(weight, device), Tensor::from_data(TensorData::from(bias), device))
}

fn layer(values: &[f32]) -> Linear {
    let (weight, bias) = halves(values, &Device::flex().autodiff());
    let weight = Param::initialized(ParamId::from(1), weight.require_grad());
    Linear { weight, bias: Some(Param::initialized(ParamId::from(2), bias.require_grad())) }
}

fn step(optimizer: &mut ModuleOptimizer, factor: f64, layer: Linear, gradient: &[f32]) -> Linear {
    let (weight, bias) = halves(gradient, &Device::flex());
    let mut gradients = GradientsParams::new();
    gradients.register(ParamId::from(1), weight);
    gradients.register(ParamId::from(2), bias);
    optimizer.step(factor, layer, gradients)
}

fn values(layer: &Linear) -> Vec<f32> {
    let bias = layer.bias.as_ref().unwrap().val().into_data();
    [layer.weight.val().into_data(), bias].iter().flat_map(|data| data.try_to_vec::<f32>().unwrap()).collect()
}

fn module_optimizer(optimizer: &BuiltInOptimizer) -> ModuleOptimizer {
    optimizer.update_rule().for_all(optimizer.learning_rate())
}

#[test]
fn every_optimizer_steps_as_its_reference_with_and_without_weight_decay() {
    let Steps { start, gradients, factors, cases } = steps();
    for name in BuiltInOptimizer::NAMES.into_iter().filter(|name| *name != "muon") {
        for decays in [false, true] {
            let is_case = |case: &&Case| {
                let settings = serde_json::to_value(&case.optimizer).unwrap();
                case.optimizer.name() == name && (settings["weight_decay"] != 0.0) == decays
            };
            assert!(cases.iter().find(is_case).is_some(), "{name} is missing in make.py");
        }
    }
    for Case { optimizer, after } in cases {
        let mut module = module_optimizer(&optimizer);
        let mut layer = layer(&start);
        for (index, expected) in after.iter().enumerate() {
            layer = step(&mut module, factors[index], layer, &gradients[index]);
            for ((found, expected), start) in values(&layer).iter().zip(expected).zip(&start) {
                // Compared with how far the weight moved, so that a step of a wrong size shows.
                let bound = 5e-7 + 2e-5 * (expected - start).abs();
                let difference = (found - expected).abs();
                assert!(
                    difference <= bound,
                    "{optimizer:?}, step {index}: {found} and not {expected}: {difference} > {bound}"
                );
            }
        }
    }
}

#[test]
fn every_optimizer_goes_on_from_its_record_bit_for_bit() {
    let Steps { start, gradients, factors, cases } = steps();
    for Case { optimizer, .. } in cases {
        let mut whole = module_optimizer(&optimizer);
        let mut expected = layer(&start);
        let mut at_4 = None;
        for (index, (factor, gradient)) in factors.iter().zip(&gradients).enumerate() {
            if index == 4 {
                at_4 = Some((whole.to_record().into_bytes().unwrap().to_vec(), values(&expected)));
            }
            expected = step(&mut whole, *factor, expected, gradient);
        }
        let (bytes, weights) = at_4.unwrap();
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes)).unwrap();
        let mut resumed = module_optimizer(&optimizer).load_record(record);
        let mut found = layer(&weights);
        for (factor, gradient) in factors.iter().zip(&gradients).skip(4) {
            found = step(&mut resumed, *factor, found, gradient);
        }
        let bits = |layer: &Linear| values(layer).into_iter().map(f32::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(&found), bits(&expected), "{optimizer:?}");
    }
}

#[test]
fn every_file_of_a_built_in_optimizer_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/optimizer");
    let table = include_str!("mod.rs");
    let mut found = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines().filter(|line| line.starts_with("impl BuiltIn for ")) {
            let name = line.trim_start_matches("impl BuiltIn for ").trim_end_matches(" {");
            assert!(table.contains(&format!("=> {name},\n")), "{name} is not in the table");
            found += 1;
        }
    }
    let rows = table.lines().filter(|line| line.starts_with("    \"") && line.contains(" => "));
    assert!(found >= 5);
    assert_eq!(found, rows.count());
}

#[test]
fn every_name_gives_an_optimizer_that_can_be_written_and_read() {
    let known = [
        "sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw", "muon", "adagrad", "adadelta", "nadam",
        "radam", "lamb", "lion",
    ];
    assert_eq!(BuiltInOptimizer::NAMES, known);
    for name in BuiltInOptimizer::NAMES {
        let optimizer = BuiltInOptimizer::by_name(name, 0.1).unwrap();
        assert_eq!(optimizer.name(), name);
        assert!(optimizer.check().is_ok());
        let text = serde_json::to_string(&optimizer).unwrap();
        assert_eq!(serde_json::from_str::<BuiltInOptimizer>(&text).unwrap(), optimizer);
        let any: AnyOptimizer = serde_json::from_str(&text).unwrap();
        assert_eq!(any.built_in(), Some(optimizer.clone()));
        assert_eq!(serde_json::to_string(&any).unwrap(), text);
        let changed = optimizer.with_learning_rate(0.2).with_weight_decay(0.3);
        assert_eq!(changed.learning_rate(), 0.2);
        assert_eq!(serde_json::to_value(&changed).unwrap()["weight_decay"], 0.3);
    }
}

#[test]
fn optimizers_are_written_as_in_older_files() {
    let written = [
        r#"{"type":"sgd","learning_rate":0.5,"momentum":0.0,"nesterov":false,"weight_decay":0.0}"#,
        r#"{"type":"rmsprop","learning_rate":0.5,"alpha":0.99,"momentum":0.0,"epsilon":1e-8,"weight_decay":0.0}"#,
        r#"{"type":"adam","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"weight_decay":0.0}"#,
        r#"{"type":"adamw","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"weight_decay":0.01}"#,
        r#"{"type":"muon","learning_rate":0.5,"momentum":0.95,"nesterov":true,"weight_decay":0.0,"normalized":false,"iterations":5,"vector_learning_rate":0.001}"#,
        r#"{"type":"adagrad","learning_rate":0.5,"learning_rate_decay":0.0,"initial_accumulator_value":0.0,"epsilon":1e-10,"weight_decay":0.0}"#,
        r#"{"type":"adadelta","learning_rate":0.5,"rho":0.9,"epsilon":1e-6,"weight_decay":0.0}"#,
        r#"{"type":"nadam","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"momentum_decay":0.004,"weight_decay":0.0,"decoupled_weight_decay":false}"#,
        r#"{"type":"radam","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-8,"weight_decay":0.0,"decoupled_weight_decay":false}"#,
        r#"{"type":"lamb","learning_rate":0.5,"beta_1":0.9,"beta_2":0.999,"epsilon":1e-6,"weight_decay":0.0}"#,
        r#"{"type":"lion","learning_rate":0.5,"beta_1":0.9,"beta_2":0.99,"weight_decay":0.0}"#,
    ];
    for text in written {
        let optimizer: AnyOptimizer = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&optimizer).unwrap(), text);
    }
    let message = serde_json::from_str::<AnyOptimizer>(&written[0].replace("nesterov", "nestorov"));
    assert!(message.unwrap_err().to_string().contains("nestorov"));
}

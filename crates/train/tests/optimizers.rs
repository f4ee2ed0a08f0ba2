//! Three steps of every optimiser give PyTorch's weights, an optimiser of Burn's or of one's own those of its formula,
//! and wrong settings are refused.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::optim::{AdaGradConfig, LearningRate};
use burn::tensor::{Device, Tensor};
use fireclay_data::{Dataset, Provenance, Targets};
use fireclay_nn::{ModelSpec, NamedTensor, load_state, state};
use fireclay_store::load_checkpoint;
use fireclay_train::{
    Adadelta, Adagrad, Adam, AdamW, AnyOptimizer, BuiltInOptimizer, BurnOptimizer, Checkpoint,
    CheckpointWriter, FitOptions, Lamb, Lion, Muon, NAdam, Optimizer, ParameterGroup, RAdam, RmsProp, Sgd,
    Trainer, UpdateRule,
};
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
    let optimizers: [(&str, BuiltInOptimizer); 6] = [
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

/// One sample, input 2 and target 7, so that a step takes the whole data.
fn one_sample() -> Dataset {
    let targets = Targets::Values { width: 1, values: vec![7.0] };
    Dataset::from_f32(&[1], vec![2.0], targets, Provenance::new("one", "train", "made for a test")).unwrap()
}

/// Weight and bias of `weight * x + bias`, from 0.5 and 0.25, after three steps.
fn three_steps(optimizer: impl Into<AnyOptimizer>, groups: Vec<ParameterGroup>) -> [f32; 2] {
    let spec = ModelSpec::new([1]).dense(1);
    let weights = spec.tensors().unwrap().into_iter().zip([0.5, 0.25]).map(|(tensor, value)| NamedTensor {
        name: tensor.name,
        shape: tensor.shape,
        values: vec![value],
    });
    let model = load_state(spec.build(&Device::flex()).unwrap(), weights.collect()).unwrap();
    let mut trainer = Trainer::regression(model).optimizer(optimizer).groups(groups);
    trainer.fit(&one_sample(), &FitOptions { epochs: 3, batch_size: 1, ..FitOptions::default() }).unwrap();
    let found: Vec<f32> = state(trainer.network()).into_iter().flat_map(|tensor| tensor.values).collect();
    [found[0], found[1]]
}

/// The same by a formula for one parameter: from the parameter's index, its gradient and its state to its change.
fn by_formula(change: impl Fn(usize, f64, &mut f64) -> f64) -> [f64; 2] {
    let (mut parameters, mut states) = ([0.5, 0.25], [0.0, 0.0]);
    for _ in 0..3 {
        let error: f64 = parameters[0] * 2.0 + parameters[1] - 7.0;
        for (index, gradient) in [2.0 * error * 2.0, 2.0 * error].into_iter().enumerate() {
            parameters[index] += change(index, gradient, &mut states[index]);
        }
    }
    parameters
}

fn assert_close(found: [f32; 2], expected: [f64; 2]) {
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((f64::from(found) - expected).abs() < 1e-5, "found {found}, expected {expected}");
    }
}

fn ada_grad(learning_rate: f64) -> BurnOptimizer {
    BurnOptimizer::new("adagrad", AdaGradConfig::new().with_epsilon(1e-5).build(), learning_rate)
}

/// The change by AdaGrad ([Duchi et al. 2011](https://jmlr.org/papers/v12/duchi11a.html)).
fn ada_grad_change(learning_rate: f64, gradient: f64, sum: &mut f64) -> f64 {
    *sum += gradient * gradient;
    -learning_rate * gradient / (sum.sqrt() + 1e-5)
}

#[test]
fn an_optimizer_of_burns_follows_its_formula() {
    let expected = by_formula(|_, gradient, sum| ada_grad_change(0.1, gradient, sum));
    assert_close(three_steps(ada_grad(0.1), Vec::new()), expected);
    // With another learning rate too, as from a search for one.
    let changed = AnyOptimizer::from(ada_grad(0.3)).with_learning_rate(0.1);
    assert_eq!((changed.name().as_str(), changed.learning_rate()), ("adagrad", 0.1));
    assert_close(three_steps(changed, Vec::new()), expected);
}

#[test]
fn a_group_may_have_an_optimizer_of_burns_and_a_learning_rate_of_its_own() {
    let bias = ParameterGroup::new(["*.bias"], ada_grad(0.2));
    let expected = by_formula(|index, gradient, sum| match index {
        0 => -0.01 * gradient,
        _ => ada_grad_change(0.2, gradient, sum),
    });
    assert_close(three_steps(Sgd::new(0.01), vec![bias]), expected);
}

#[test]
fn every_built_in_optimizer_steps_a_group_with_the_learning_rate_of_the_group() {
    let still = || Sgd::new(f64::MIN_POSITIVE);
    for name in BuiltInOptimizer::NAMES {
        let optimizer = |rate| BuiltInOptimizer::by_name(name, rate).unwrap();
        let group = |rate| ParameterGroup::new(["*.bias"], optimizer(rate));
        let [weight, bias] = three_steps(still(), vec![group(1e-2)]);
        assert!(weight == 0.5 && bias > 0.25, "{name}: {weight} {bias}");
        // Muon is for matrices, and steps vectors by Adam with a rate of its own.
        let [_, less] = three_steps(still(), vec![group(1e-3)]);
        assert!(less < bias || name == "muon", "{name}: {less} {bias}");
        let [weight, bias] = three_steps(optimizer(1e-2), vec![ParameterGroup::new(["*.bias"], still())]);
        assert!(weight > 0.5 && bias == 0.25, "{name}: {weight} {bias}");
    }
}

/// Goes by the sign of each gradient, and remembers nothing.
#[derive(Clone, Debug)]
struct SignSgd;

impl burn::optim::Optimizer for SignSgd {
    type State<const D: usize> = ();

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        _: Option<()>,
    ) -> (Tensor<D>, Option<()>) {
        (parameter - gradient.sign() * learning_rate, None)
    }

    fn to_device<const D: usize>(_: (), _: &Device) {}
}

/// Signs for matrices, plain gradient descent for vectors.
#[derive(Debug)]
struct SignsAndSgd;

impl Optimizer for SignsAndSgd {
    fn name(&self) -> String {
        "signs-and-sgd".into()
    }

    fn learning_rate(&self) -> f64 {
        0.1
    }

    fn update_rule(&self) -> UpdateRule {
        UpdateRule::new(SignSgd)
    }

    fn vector_optimizer(&self) -> Option<AnyOptimizer> {
        Some(Sgd::new(0.02).into())
    }
}

#[test]
fn an_optimizer_of_ones_own_steps_as_it_says() {
    let expected = by_formula(|_, gradient, _| -0.1 * gradient.signum());
    assert_close(three_steps(BurnOptimizer::new("sign-sgd", SignSgd, 0.1), Vec::new()), expected);

    let with_rates = |matrix: f64, vector: f64| {
        by_formula(move |index, gradient, _| match index {
            0 => -matrix * gradient.signum(),
            _ => -vector * gradient,
        })
    };
    assert_close(three_steps(SignsAndSgd, Vec::new()), with_rates(0.1, 0.02));
    let halved = AnyOptimizer::from(SignsAndSgd).with_learning_rate(0.05);
    assert_close(three_steps(halved, Vec::new()), with_rates(0.05, 0.01));
}

#[test]
fn a_run_goes_on_with_an_optimizer_of_the_same_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.checkpoint");
    let spec = ModelSpec::new([1]).dense(1);
    let trainer = || Trainer::regression(spec.build(&Device::flex()).unwrap());
    let options = FitOptions { epochs: 1, batch_size: 1, ..FitOptions::default() };
    let group = || ParameterGroup::new(["*.bias"], BurnOptimizer::new("sign-sgd", SignSgd, 0.1));
    let mut first =
        trainer().optimizer(ada_grad(0.1)).groups([group()]).callback(CheckpointWriter::new(&path));
    first.fit(&one_sample(), &options).unwrap();
    let checkpoint: Checkpoint = load_checkpoint(&path).unwrap();
    let written = serde_json::to_value(&checkpoint.progress.settings.optimizer).unwrap();
    assert_eq!(written, serde_json::json!({"type": "custom", "name": "adagrad", "learning_rate": 0.1}));

    let mut given = trainer().optimizer(ada_grad(0.1)).groups([group()]);
    assert!(given.resume(&one_sample(), checkpoint.clone()).is_ok());
    let without_group = trainer().optimizer(ada_grad(0.1)).resume(&one_sample(), checkpoint.clone());
    let message = without_group.unwrap_err().to_string();
    assert!(message.contains("'sign-sgd'") && message.contains("`Trainer::groups`"), "{message}");
    let other = trainer().optimizer(Adam::new(0.1)).groups([group()]).resume(&one_sample(), checkpoint);
    let message = other.unwrap_err().to_string();
    assert!(message.contains("'adagrad'") && message.contains("`Trainer::optimizer`"), "{message}");
}

#[test]
fn wrong_settings_are_refused() {
    let wrong: [(AnyOptimizer, &str); 39] = [
        (Sgd::new(0.0).into(), "learning_rate is 0; expected more than 0"),
        (Sgd::new(0.1).momentum(1.0).into(), "momentum is 1; expected 0 or more and less than 1"),
        (Sgd::new(0.1).nesterov().into(), "momentum is 0; expected more than 0 with nesterov"),
        (Sgd::new(0.1).weight_decay(-1.0).into(), "weight_decay is -1; expected 0 or more"),
        (RmsProp::new(-0.1).into(), "learning_rate is -0.1; expected more than 0"),
        (RmsProp::new(0.1).alpha(1.5).into(), "alpha is 1.5; expected 0 or more and less than 1"),
        (RmsProp::new(0.1).momentum(-0.5).into(), "momentum is -0.5; expected 0 or more and less than 1"),
        (RmsProp::new(0.1).epsilon(0.0).into(), "epsilon is 0; expected more than 0"),
        (RmsProp::new(0.1).weight_decay(f64::NAN).into(), "weight_decay is NaN; expected 0 or more"),
        (Adam::new(f64::INFINITY).into(), "learning_rate is inf; expected more than 0"),
        (Adam::new(0.1).betas(1.0, 0.9).into(), "beta_1 is 1; expected 0 or more and less than 1"),
        (Adam::new(0.1).betas(0.9, -1.0).into(), "beta_2 is -1; expected 0 or more and less than 1"),
        (Adam::new(0.1).epsilon(-1.0).into(), "epsilon is -1; expected more than 0"),
        (Adam::new(0.1).weight_decay(-1.0).into(), "weight_decay is -1; expected 0 or more"),
        (AdamW::new(0.1).betas(2.0, 0.9).into(), "beta_1 is 2; expected 0 or more and less than 1"),
        (AdamW::new(0.1).weight_decay(-2.0).into(), "weight_decay is -2; expected 0 or more"),
        (Muon::new(f64::NAN).into(), "learning_rate is NaN; expected more than 0"),
        (Muon::new(0.1).momentum(1.0).into(), "momentum is 1; expected 0 or more and less than 1"),
        (Muon::new(0.1).iterations(0).into(), "iterations is 0; expected more than 0"),
        (Muon::new(0.1).vector_learning_rate(0.0).into(), "vector_learning_rate is 0; expected more than 0"),
        (Adagrad::new(0.0).into(), "learning_rate is 0; expected more than 0"),
        (
            Adagrad::new(0.1).learning_rate_decay(-0.1).into(),
            "learning_rate_decay is -0.1; expected 0 or more",
        ),
        (
            Adagrad::new(0.1).initial_accumulator_value(-1.0).into(),
            "initial_accumulator_value is -1; expected 0 or more",
        ),
        (Adagrad::new(0.1).epsilon(0.0).into(), "epsilon is 0; expected more than 0"),
        (Adagrad::new(0.1).weight_decay(-1.0).into(), "weight_decay is -1; expected 0 or more"),
        (Adadelta::new(1.0).rho(1.0).into(), "rho is 1; expected 0 or more and less than 1"),
        (Adadelta::new(1.0).epsilon(0.0).into(), "epsilon is 0; expected more than 0"),
        (Adadelta::new(1.0).weight_decay(-1.0).into(), "weight_decay is -1; expected 0 or more"),
        (NAdam::new(0.1).betas(1.0, 0.9).into(), "beta_1 is 1; expected 0 or more and less than 1"),
        (NAdam::new(0.1).momentum_decay(-1.0).into(), "momentum_decay is -1; expected 0 or more"),
        (NAdam::new(0.1).weight_decay(-1.0).into(), "weight_decay is -1; expected 0 or more"),
        (RAdam::new(0.1).betas(0.9, 1.0).into(), "beta_2 is 1; expected 0 or more and less than 1"),
        (RAdam::new(-0.1).into(), "learning_rate is -0.1; expected more than 0"),
        (Lamb::new(0.1).epsilon(-1.0).into(), "epsilon is -1; expected more than 0"),
        (Lamb::new(0.1).betas(-1.0, 0.9).into(), "beta_1 is -1; expected 0 or more and less than 1"),
        (Lion::new(0.1).betas(0.9, 2.0).into(), "beta_2 is 2; expected 0 or more and less than 1"),
        (Lion::new(0.1).weight_decay(f64::NAN).into(), "weight_decay is NaN; expected 0 or more"),
        (ada_grad(-1.0).into(), "learning_rate is -1; expected more than 0"),
        (BurnOptimizer::new("", SignSgd, 0.1).into(), "optimizer is ''; expected a name, such as 'adan'"),
    ];
    for (optimizer, expected) in wrong {
        assert_eq!(optimizer.check().unwrap_err().to_string(), expected);
    }
}

//! Layers, losses and whole models agree with PyTorch, gradients included, on every device of the build.

use crate::support::{Array, Differences, Fixture, devices, fixtures, tolerance};
use burn::module::Module;
use burn::tensor::{Int, Tensor, TensorData};
use fireclay_nn::{
    AnyTensor, BuiltInLoss, CrossEntropyLoss, InputSpec, Loss, Model, ModelSpec, NamedTensor, Network,
    Target, TargetType, gradients, load_state, state,
};

/// The fixture's network with the fixture's weights. Layers that give images are flattened at the end, which changes
/// no value.
fn model(fixture: &Fixture, device: &burn::tensor::Device) -> Model {
    let spec = ModelSpec::from_json(fixture.text("spec")).unwrap().flatten();
    let weights = spec
        .tensors()
        .unwrap()
        .into_iter()
        .map(|tensor| {
            let array = fixture.array(&tensor.name);
            assert_eq!(array.shape, tensor.shape, "{}: {}", fixture.path.display(), tensor.name);
            NamedTensor { name: tensor.name, shape: tensor.shape, values: array.values.clone() }
        })
        .collect();
    load_state(spec.build(device).unwrap(), weights).unwrap()
}

/// A batch as the model takes it.
fn batch(array: &Array, spec: &InputSpec, device: &burn::tensor::Device) -> AnyTensor {
    match spec {
        InputSpec::Tokens(_) => {
            let tokens = array.values.iter().map(|value| *value as i32).collect();
            AnyTensor::from_tokens(tokens, &array.shape, device)
        }
        _ => AnyTensor::from_values(array.values.clone(), &array.shape, device),
    }
}

/// An input whose gradient can be read, and the same as a batch.
fn input(array: &Array, spec: &InputSpec, device: &burn::tensor::Device) -> (AnyTensor, AnyTensor) {
    let leaf = match batch(array, spec, device).autodiff() {
        AnyTensor::Rows(rows) => AnyTensor::Rows(rows.require_grad()),
        AnyTensor::Sequences(sequences) => AnyTensor::Sequences(sequences.require_grad()),
        AnyTensor::Images(images) => AnyTensor::Images(images.require_grad()),
        tokens => tokens,
    };
    (leaf.clone(), leaf)
}

fn gradient_of(leaf: &AnyTensor, gradients: &burn::tensor::Gradients) -> Vec<f32> {
    match leaf {
        AnyTensor::Rows(rows) => rows.grad(gradients).unwrap().into_data().iter::<f32>().collect(),
        AnyTensor::Sequences(leaf) => leaf.grad(gradients).unwrap().into_data().iter::<f32>().collect(),
        AnyTensor::Images(images) => images.grad(gradients).unwrap().into_data().iter::<f32>().collect(),
        AnyTensor::Tokens(_) | AnyTensor::Named(_) => panic!("tokens have no gradient"),
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

#[test]
fn layers_agree_with_pytorch() {
    let mut differences = Differences::default();
    for (name, device) in devices() {
        let tolerance = tolerance(&name);
        for fixture in fixtures("layers") {
            let what = |part: &str| format!("{name}: {}: {part}", fixture.name());
            let model = model(&fixture, &device);
            let expected = fixture.array("output");
            let array = fixture.array("input");
            let batch = batch(array, &model.spec().input, &device);
            if fixture.text("mode") == "eval" {
                let output = values(model.forward(batch));
                differences.check(&what("output"), &output, &expected.values, tolerance);
                continue;
            }
            let model = model.train();
            let (leaf, batch) = input(array, &model.spec().input, &device);
            let output = model.forward(batch);
            differences.check(&what("output"), &values(output.clone().inner()), &expected.values, tolerance);
            let Some(weights) = fixture.tensors.get("grad_output") else {
                continue;
            };
            let data = TensorData::new(weights.values.clone(), output.dims());
            let weights = Tensor::<2>::from_data(data, &device).autodiff();
            let grads = (output * weights).sum().backward();
            if let Some(expected) = fixture.tensors.get("grad_input") {
                differences.check(
                    &what("grad_input"),
                    &gradient_of(&leaf, &grads),
                    &expected.values,
                    tolerance,
                );
            }
            let found = gradients(&model, &grads);
            let expected = fixture.tensors.keys().filter(|name| {
                name.strip_prefix("grad.").is_some_and(|name| fixture.tensors.contains_key(name))
            });
            assert_eq!(found.len(), expected.count(), "{}", what("number of gradients"));
            for found in found {
                let expected = fixture.array(&format!("grad.{}", found.name));
                assert_eq!(found.shape, expected.shape, "{}", what(&found.name));
                let tolerance = tolerance.of_sums(&expected.values);
                differences.check(&what(&found.name), &found.values, &expected.values, tolerance);
            }
            for found in state(&model.valid()) {
                if let Some(expected) = fixture.tensors.get(&format!("after.{}", found.name)) {
                    differences.check(&what(&found.name), &found.values, &expected.values, tolerance);
                }
            }
        }
    }
}

#[test]
fn losses_agree_with_pytorch() {
    let mut differences = Differences::default();
    for (name, device) in devices() {
        let tolerance = tolerance(&name);
        for fixture in fixtures("losses") {
            let what = |part: &str| format!("{name}: {}: {part}", fixture.name());
            let loss: BuiltInLoss = serde_json::from_str(fixture.text("loss")).unwrap();
            let output_name = ["logits", "predictions"]
                .into_iter()
                .find(|name| fixture.tensors.contains_key(*name))
                .unwrap();
            let array = fixture.array(output_name);
            let (leaf, batch) = input(array, &InputSpec::from([1]), &device);
            let targets = fixture.array("targets");
            let target = match loss.targets() == TargetType::Classes {
                true => {
                    let classes: Vec<i32> = targets.values.iter().map(|value| *value as i32).collect();
                    Target::Classes(Tensor::<1, Int>::from_data(classes.as_slice(), &device).autodiff())
                }
                false => {
                    let data = TensorData::new(targets.values.clone(), targets.shape.clone());
                    Target::Values(Tensor::<2>::from_data(data, &device).autodiff())
                }
            };
            let value = loss.mean(batch.rows(), &target);
            differences.check(
                &what("loss"),
                &values(value.clone().inner()),
                &fixture.array("loss").values,
                tolerance,
            );
            let grads = value.backward();
            let expected = fixture.array(&format!("grad_{output_name}"));
            differences.check(&what("gradient"), &gradient_of(&leaf, &grads), &expected.values, tolerance);
        }
    }
}

#[test]
fn whole_models_agree_with_pytorch() {
    let mut differences = Differences::default();
    for (name, device) in devices() {
        let tolerance = tolerance(&name);
        for fixture in fixtures("models") {
            let what = |part: &str| format!("{name}: {}: {part}", fixture.name());
            let model = model(&fixture, &device).train();
            let (leaf, batch) = input(fixture.array("input"), &model.spec().input, &device);
            let classes: Vec<i32> =
                fixture.array("targets").values.iter().map(|value| *value as i32).collect();
            let target = Target::Classes(Tensor::<1, Int>::from_data(classes.as_slice(), &device).autodiff());
            let logits = model.forward(batch);
            differences.check(
                &what("logits"),
                &values(logits.clone().inner()),
                &fixture.array("logits").values,
                tolerance,
            );
            let loss = CrossEntropyLoss::new().mean(logits, &target);
            let grads = loss.backward();
            differences.check(
                &what("grad_input"),
                &gradient_of(&leaf, &grads),
                &fixture.array("grad_input").values,
                tolerance,
            );
            let found = gradients(&model, &grads);
            assert_eq!(found.len(), state(&model.valid()).len(), "every parameter has a gradient");
            for found in found {
                let expected = fixture.array(&format!("grad.{}", found.name));
                let tolerance = tolerance.of_sums(&expected.values);
                differences.check(&what(&found.name), &found.values, &expected.values, tolerance);
            }
        }
    }
}

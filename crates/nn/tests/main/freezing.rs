//! Frozen layers stay as they are, and what is frozen is part of the description; weights go from model to model.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_nn::{
    BatchNormSpec, Conv2dSpec, LayerSpec, Model, ModelSpec, NamedTensor, Network, NnError, Padding,
    ResidualSpec, gradients, parameters_without_gradient, state,
};

fn conv(channels: usize) -> LayerSpec {
    Conv2dSpec::new(channels, 3).padding(Padding::Same).into()
}

/// Two convolutions in a block between a stem and a head.
fn spec(classes: usize) -> ModelSpec {
    let block = ResidualSpec::new([conv(2), BatchNormSpec::default().into(), conv(2).named("last")]);
    ModelSpec::new([1, 4, 3])
        .layer(conv(2).named("stem"))
        .batch_norm()
        .relu()
        .layer(block)
        .flatten()
        .dense(classes)
}

fn build(spec: &ModelSpec, seed: u64) -> Model {
    spec.build_seeded(seed, &Device::flex()).unwrap()
}

/// Names and values of the gradients of one training step; the running statistics change in it.
fn step(model: &Model) -> Vec<NamedTensor> {
    let model = model.clone().train();
    let input: Tensor<4> = Tensor::from_floats(
        [[[[1.0, -2.0, 3.0], [0.5, 4.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, -1.0]]]],
        &Device::flex(),
    );
    let output =
        model.forward(burn::tensor::Tensor::cat(vec![input.clone(), input * 0.3], 0).autodiff().into());
    let grads = (output.clone() * output).sum().backward();
    assert_eq!(
        parameters_without_gradient(&model, &grads),
        Vec::<String>::new(),
        "frozen ones are not missed"
    );
    gradients(&model, &grads)
}

fn names(tensors: &[NamedTensor]) -> Vec<&str> {
    tensors.iter().map(|tensor| tensor.name.as_str()).collect()
}

#[test]
fn only_the_layers_that_are_left_get_gradients_and_those_do_not_change() {
    let all = step(&build(&spec(3), 1));
    let model = build(&spec(3), 1).freeze(["residual_1.last", "stem"]).unwrap();
    let some = step(&model);
    assert!(all.len() == some.len() + 4, "{:?}", names(&some));
    for tensor in &some {
        assert!(!tensor.name.starts_with("stem") && !tensor.name.contains("last"), "{}", tensor.name);
        assert!(all.contains(tensor), "{}", tensor.name);
    }
    // The same whether it is frozen when it is described or afterwards.
    assert_eq!(step(&build(model.spec(), 1)), some);
    let again = model.unfreeze(["stem", "residual_1"]).unwrap();
    assert_eq!(again.spec(), &spec(3));
    assert_eq!(step(&again), all);
}

#[test]
fn a_frozen_batch_norm_keeps_its_statistics_and_uses_them() {
    let statistics = |model: &Model| -> Vec<NamedTensor> {
        state(&model.valid()).into_iter().filter(|tensor| tensor.name.contains("running")).collect()
    };
    let model = build(&spec(3), 1).freeze(["residual_1"]).unwrap();
    let before = statistics(&model);
    let trained = model.clone().train();
    let input = Tensor::<4>::ones([2, 1, 4, 3], &Device::flex()) * 5.0;
    trained.forward(input.autodiff().into());
    for (before, after) in before.iter().zip(statistics(&trained)) {
        let is_frozen = before.name.starts_with("residual_1");
        assert_eq!(*before == after, is_frozen, "{}", before.name);
    }
}

#[test]
fn what_is_frozen_is_part_of_the_description() {
    let described = spec(3).freeze(["stem", "residual_1.conv2d_1"]).unwrap();
    let toml = described.to_toml().unwrap();
    assert_eq!(toml.matches("frozen = true").count(), 2, "{toml}");
    assert_eq!(ModelSpec::from_toml(&toml).unwrap(), described);
    assert_eq!(ModelSpec::from_json(&described.to_json().unwrap()).unwrap(), described);
    assert!(!spec(3).to_toml().unwrap().contains("frozen"));

    let summary = described.summary().unwrap();
    let (stem, conv) = (9 * 2 + 2, 9 * 4 + 2);
    assert_eq!(summary.frozen(), stem + conv);
    assert_eq!(summary.parameters() + summary.frozen(), spec(3).summary().unwrap().parameters());
    assert_eq!(summary.buffers(), 8);
    let text = summary.to_string();
    assert!(text.contains("20 frozen") && text.contains("121 parameters to train, 58 frozen"), "{text}");
    let trained = described.tensors().unwrap().into_iter().filter(|tensor| tensor.trainable);
    assert!(trained.into_iter().all(|tensor| !tensor.name.starts_with("stem")));

    let text = r#"{"input":[2],"layers":[{"type":"dense","out_features":1,"frozen":"yes"}]}"#;
    let message = ModelSpec::from_json(text).unwrap_err().to_string();
    assert!(message.contains("layer 1 `frozen`") && message.contains("expected a boolean"), "{message}");
}

#[test]
fn a_layer_of_a_frozen_block_can_be_trained_again() {
    let frozen = spec(3).freeze(["residual_1"]).unwrap();
    assert_eq!(frozen.to_toml().unwrap().matches("frozen = true").count(), 1);
    let open = frozen.unfreeze(["residual_1.last"]).unwrap();
    assert_eq!(open, spec(3).freeze(["residual_1.conv2d_1", "residual_1.batch_norm_1"]).unwrap());
}

#[test]
fn a_name_that_is_not_there_is_told_with_those_that_are() {
    let error = build(&spec(3), 1).freeze(["stem", "residual_1.conv2d_2"]).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, NnError::UnknownLayer { .. }));
    assert!(text.contains("'residual_1.conv2d_2' (did you mean 'residual_1.conv2d_1'?)"), "{text}");
    assert!(text.contains("there are stem, batch_norm_1, relu_1, residual_1, residual_1.conv2d_1"), "{text}");
}

#[test]
fn a_new_head_takes_the_body_over() {
    let (old, fresh) = (build(&spec(3), 1), build(&spec(5), 2));
    let (new, transfer) = fresh.with_weights_of(&old);
    assert_eq!(transfer.copied.len(), 14, "{transfer}");
    assert_eq!(transfer.left.different.len(), 2, "{transfer}");
    let text = transfer.to_string();
    assert!(text.starts_with("14 tensors copied: stem.weight, stem.bias, batch_norm_1.weight"), "{text}");
    assert!(text.contains("dense_1.bias: expected [5], found [3]"), "{text}");
    let (old, new, untouched) = (state(&old), state(&new), state(&build(&spec(5), 2)));
    for ((old, new), untouched) in old.iter().zip(&new).zip(&untouched) {
        assert_eq!(new, if new.name.starts_with("dense_1") { untouched } else { old });
    }
}

#[test]
fn a_head_that_would_fit_stays_new_unless_it_is_asked_for() {
    let (old, fresh) = (build(&spec(3), 1), build(&spec(3), 2));
    let untouched = state(&fresh);
    let (new, transfer) = fresh.clone().with_weights_of(&old);
    assert_eq!(transfer.new_head, ["dense_1.weight", "dense_1.bias"]);
    assert!(
        transfer.to_string().ends_with("new         dense_1.weight\n  new         dense_1.bias"),
        "{transfer}"
    );
    assert!(transfer.left.is_empty(), "{transfer}");
    for ((old, new), untouched) in state(&old).iter().zip(&state(&new)).zip(&untouched) {
        assert_eq!(new, if new.name.starts_with("dense_1") { untouched } else { old });
    }
    let (whole, transfer) = build(&spec(3), 2).with_all_weights_of(&old);
    assert_eq!(transfer.copied.len(), 16, "{transfer}");
    assert!(transfer.new_head.is_empty());
    assert_eq!(state(&whole), state(&old));
}

#[test]
fn named_layers_must_fit() {
    let (old, fresh) = (build(&spec(3), 1), build(&spec(5), 2));
    let new = fresh.clone().with_layers_of(&old, ["residual_1"]).unwrap();
    let (new, old_state, fresh_state) = (state(&new), state(&old), state(&build(&spec(5), 2)));
    for ((new, old), fresh) in new.iter().zip(&old_state).zip(&fresh_state) {
        assert_eq!(new, if new.name.starts_with("residual_1.") { old } else { fresh });
    }
    let text = fresh.clone().with_layers_of(&old, ["dense_1"]).unwrap_err().to_string();
    assert!(text.contains("dense_1.weight: expected [5, 24], found [3, 24]"), "{text}");
    let text = fresh.with_layers_of(&old, ["dense_2"]).unwrap_err().to_string();
    assert!(text.contains("no layer 'dense_2' (did you mean 'dense_1'?)"), "{text}");
}

#[test]
fn the_weights_of_a_seed_do_not_depend_on_what_is_built_afterwards() {
    let alone = state(&build(&spec(3), 1));
    let first = build(&spec(3), 1);
    let second = state(&build(&spec(5), 2));
    assert_eq!(state(&first), alone);
    assert_ne!(second[0], alone[0]);
}

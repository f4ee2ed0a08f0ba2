//! What a network does in one operation gives what its layers give one after the other.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_nn::{
    AnyTensor, BatchNormSpec, Conv2dSpec, LayerSpec, Model, ModelSpec, NamedTensor, Network, Outputs,
    Padding, ResidualSpec, load_state, state,
};

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|at| ((at * 7919 + 13) % 1009) as f32 / 504.0 - 1.0).collect()
}

fn conv(channels: usize) -> LayerSpec {
    Conv2dSpec::new(channels, 3).padding(Padding::Same).into()
}

/// Batch norm behind a convolution, with and without what may stand between and behind them.
fn normed() -> ModelSpec {
    let norm = || LayerSpec::from(BatchNormSpec::default());
    ModelSpec::new([2, 12, 12])
        .layer(conv(5))
        .layer(norm())
        .relu()
        .max_pool2d(2)
        .layer(conv(4))
        .max_pool2d(2)
        .layer(norm())
        .relu()
        .residual([Conv2dSpec::new(4, 3).padding(Padding::Same).groups(2).bias(false).into(), norm()])
        .layer(ResidualSpec::new([conv(4), norm(), conv(4)]).shortcut([conv(4), norm()]))
        .layer(norm())
        .flatten()
        .dense(3)
}

/// Statistics and scales that are not those of a new norm; some scales are negative.
fn with_noise(model: Model) -> Model {
    let tensors: Vec<NamedTensor> = state(&model)
        .into_iter()
        .enumerate()
        .map(|(number, mut tensor)| {
            let is_variance = tensor.name.ends_with("running_var");
            for (value, noise) in
                tensor.values.iter_mut().zip(numbers(10 * number + 1000).split_off(10 * number))
            {
                *value = if is_variance { 0.6 + 0.5 * noise } else { noise };
            }
            tensor
        })
        .collect();
    load_state(model, tensors).unwrap()
}

fn values(tensor: Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    let greatest = expected.iter().fold(1e-3f32, |greatest, value| greatest.max(value.abs()));
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * greatest, "{found} and {expected} of {greatest}");
    }
}

#[test]
fn a_norm_folded_into_its_convolution_gives_the_same_and_follows_its_weights() {
    let device = Device::flex();
    let input = AnyTensor::from_values(numbers(3 * 2 * 144), &[3, 2, 12, 12], &device);
    let names: Vec<String> = normed().summary().unwrap().rows.into_iter().map(|row| row.name).collect();
    // Where gradients are recorded nothing is folded, and frozen norms take their statistics.
    let one_by_one = |model: &Model| {
        let frozen = model.clone().freeze(names.iter().filter(|name| !name.contains('.'))).unwrap().train();
        values(frozen.forward(input.clone().autodiff()).inner())
    };
    let new = normed().build_seeded(5, &device).unwrap();
    assert_close(&values(new.forward(input.clone())), &one_by_one(&new));
    let other = with_noise(new.clone());
    let found = values(other.forward(input.clone()));
    assert_close(&found, &one_by_one(&other));
    assert_ne!(found, values(new.forward(input.clone())));
    // The first one's weights are kept beside the other's.
    assert_close(&values(new.forward(input.clone())), &one_by_one(&new));
}

#[test]
fn many_outputs_are_left_to_the_loss_and_few_are_not() {
    let device = Device::flex();
    let tokens = || AnyTensor::from_tokens((0..12).map(|at| at * 5 % 7).collect(), &[3, 4], &device);
    let wide = ModelSpec::tokens(4).embedding(3000, 8).tied_dense();
    let dense = ModelSpec::tokens(4).embedding(7, 8).lstm(6).dense(2500);
    // The last layer reads what the one before it does not give alone.
    let recurrent = ModelSpec::tokens(4).embedding(7, 8).lstm(2100);
    for (spec, is_left) in [(wide, true), (dense, true), (recurrent, false)] {
        let model = spec.build_seeded(1, &device).unwrap();
        let expected = values(model.forward(tokens()));
        assert!(matches!(model.forward_for_loss(tokens()), Outputs::Computed(_)), "nothing is trained");
        let outputs = model.train().forward_for_loss(tokens().autodiff());
        assert_eq!(matches!(outputs, Outputs::Dense { .. }), is_left, "{spec:?}");
        assert_close(&values(outputs.compute().inner()), &expected);
    }
    let narrow = ModelSpec::tokens(4).embedding(7, 8).tied_dense().build_seeded(1, &device).unwrap();
    let outputs = narrow.train().forward_for_loss(tokens().autodiff());
    assert!(matches!(outputs, Outputs::Computed(_)));
}

//! Networks that compute in 8-bit whole numbers answer nearly as they did in `f32`.

use std::collections::HashMap;

use burn::module::Module;
use burn::tensor::Device;
use fireclay_nn::{
    AnyTensor, BatchNormSpec, Conv1dSpec, Conv2dSpec, DenseSpec, DynamicInt8Layer, GruSpec, Int8Range,
    Int8Spec, LayerSpec, LstmSpec, MaxPool2dSpec, Model, ModelSpec, MultiHeadAttentionSpec, NamedTensor,
    Network, Padding, ResidualSpec, RnnActivation, SimpleRnnSpec, TransformerSpec, load_state, round_to_int8,
    state,
};

use crate::support::{spread, trained_state};

fn numbers(count: usize) -> Vec<f32> {
    spread(count, 0)
}

fn conv(channels: usize) -> LayerSpec {
    Conv2dSpec::new(channels, 3).padding(Padding::Same).into()
}

fn norm() -> LayerSpec {
    BatchNormSpec::default().into()
}

/// Everything that can follow in bytes.
fn convolutional() -> ModelSpec {
    let relu = || LayerSpec::from(fireclay_nn::ReluSpec {});
    ModelSpec::new([3, 12, 10])
        .layer(conv(8))
        .layer(norm())
        .relu()
        .dropout(0.1)
        .max_pool2d(2)
        .residual([conv(8), norm(), relu(), conv(8)])
        .relu()
        .layer(ResidualSpec::new([conv(12), relu()]).shortcut([Conv2dSpec::new(12, 1).bias(false).into()]))
        .avg_pool2d([3, 1])
        .conv2d(6, [2, 3])
        .flatten()
        .dense(20)
        .relu()
        .dropout(0.1)
        .dense(4)
}

/// Norms behind poolings, one of which leaves a pixel only.
fn pooled_before_the_norm() -> ModelSpec {
    ModelSpec::new([2, 10, 10])
        .layer(conv(9))
        .dropout(0.1)
        .max_pool2d(2)
        .layer(norm())
        .relu()
        .layer(conv(7))
        .max_pool2d([2, 1])
        .dropout(0.1)
        .relu()
        .layer(conv(8))
        .max_pool2d([2, 5])
        .layer(norm())
        .flatten()
}

/// The network with weights and statistics that are not those of a new one.
fn trained(spec: &ModelSpec) -> Model {
    load_state(spec.build(&Device::flex()).unwrap(), trained_state(spec)).unwrap()
}

fn batch(spec: &ModelSpec, count: usize) -> AnyTensor {
    let shape: Vec<usize> = [count].iter().chain(spec.input.shape()).copied().collect();
    AnyTensor::from_values(numbers(shape.iter().product()), &shape, &Device::flex())
}

fn values(tensor: burn::tensor::Tensor<2>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

/// The ranges of everything that leaves a layer.
fn ranges(model: &Model, input: &AnyTensor) -> Int8Spec {
    let mut seen: HashMap<Option<String>, [f32; 2]> = HashMap::new();
    let _ = model.observe(input.clone(), &mut |name, value| {
        let data = match value.clone() {
            AnyTensor::Rows(rows) => rows.into_data(),
            other => other.images().into_data(),
        };
        let numbers: Vec<f32> = data.iter::<f32>().collect();
        let bounds = numbers.iter().fold([0.0f32; 2], |[least, most], x| [least.min(*x), most.max(*x)]);
        seen.insert(name.map(String::from), bounds);
    });
    let range = |[least, most]: [f32; 2]| Int8Range::covering(least, most);
    let candidates = model.spec().int8_candidates().unwrap();
    Int8Spec {
        input: seen.get(&None).copied().map(range),
        ranges: candidates
            .outputs
            .iter()
            .map(|name| (name.clone(), range(seen[&Some(name.clone())])))
            .collect(),
        left_in_f32: Vec::new(),
    }
}

fn rounded(tensors: Vec<NamedTensor>) -> Vec<NamedTensor> {
    tensors
        .into_iter()
        .map(|mut tensor| {
            round_to_int8(&mut tensor);
            tensor
        })
        .collect()
}

/// The network in whole numbers.
fn in_int8(model: &Model, int8: Int8Spec) -> Model {
    let spec = ModelSpec { int8: Some(int8), ..model.spec().clone() };
    load_state(spec.build(&Device::flex()).unwrap(), rounded(state(model))).unwrap()
}

/// The root of the mean square of differences, as a share of the deviation.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    let mean = expected.iter().sum::<f32>() / expected.len() as f32;
    let variance: f32 = expected.iter().map(|x| (x - mean).powi(2)).sum();
    let squares: f32 = found.iter().zip(expected).map(|(found, x)| (found - x).powi(2)).sum();
    (squares / variance).sqrt()
}

#[test]
fn a_network_in_whole_numbers_answers_nearly_as_before() {
    let specs = [
        convolutional(),
        pooled_before_the_norm(),
        ModelSpec::new([1, 9, 9]).conv2d(5, 3).relu().global_avg_pool2d().dense(3),
        ModelSpec::new([1, 9, 9]).conv2d(5, 3).relu().global_avg_pool2d(),
        ModelSpec::new([11])
            .dense(16)
            .relu()
            .residual([LayerSpec::from(fireclay_nn::DenseSpec::new(16))])
            .dense(2),
    ];
    for spec in specs {
        let model = trained(&spec);
        let input = batch(&spec, 24);
        let small = in_int8(&model, ranges(&model, &input));
        let (expected, found) = (values(model.forward(input.clone())), values(small.forward(input.clone())));
        let apart = difference(&found, &expected);
        assert!((1e-6..0.08).contains(&apart), "{apart}: {spec:?}");
        assert_eq!(values(small.forward(input)), found, "the same bits again");
    }
}

#[test]
fn which_layers_can_compute_in_whole_numbers() {
    let candidates = convolutional().int8_candidates().unwrap();
    let layers = [
        "conv2d_1",
        "residual_1.conv2d_1",
        "residual_1.conv2d_2",
        "residual_2.conv2d_1",
        "residual_2.conv2d_2",
        "conv2d_2",
        "dense_1",
        "dense_2",
    ];
    assert_eq!(candidates.layers, layers);
    let outputs = [
        "relu_1",
        "residual_1.relu_1",
        "residual_1.conv2d_2",
        "relu_2",
        "residual_2.relu_1",
        "residual_2.conv2d_2",
        "residual_2",
        "conv2d_2",
        "relu_3",
    ];
    assert_eq!(candidates.outputs, outputs);
    assert!(candidates.input && candidates.dynamic.is_empty());
    let pooled = pooled_before_the_norm().int8_candidates().unwrap();
    assert_eq!(pooled.layers, ["conv2d_1", "conv2d_2", "conv2d_3"]);
    assert_eq!(pooled.outputs, ["relu_1", "relu_2", "batch_norm_2"]);
    let none = ModelSpec::tokens(9).embedding(20, 4).lstm(5).dense(2).int8_candidates().unwrap();
    // The dense layer reads what the LSTM gives.
    assert_eq!(
        (none.input, &none.outputs[..], &none.layers[..]),
        (false, &["lstm_1".to_string()][..], &["dense_1".to_string()][..])
    );
    let dynamic = |name: &str, layers: &[&str]| DynamicInt8Layer {
        name: name.to_string(),
        layers: layers.iter().map(|layer| layer.to_string()).collect(),
    };
    assert_eq!(none.dynamic, [dynamic("lstm_1", &["lstm_1"])]);
    let block = [Conv1dSpec::new(4, 3).padding(Padding::Same).into(), DenseSpec::new(4).into()];
    let block = ModelSpec::new([5, 4]).residual(block).gru(3).int8_candidates().unwrap();
    assert_eq!(block.dynamic, [dynamic("residual_1", &["residual_1.dense_1"]), dynamic("gru_1", &["gru_1"])]);
    // More terms than a sum has room for.
    let wide = ModelSpec::new([2, 40_000]).dense(2).flatten().dense(2).int8_candidates().unwrap();
    assert_eq!(wide.dynamic, [dynamic("dense_1", &["dense_1"])]);
    let wider = ModelSpec::new([2, 70_000]).dense(2).flatten().dense(2).int8_candidates().unwrap();
    assert_eq!(wider.dynamic, []);
    let split = ModelSpec::new([2, 8, 8])
        .layer(Conv2dSpec::new(4, 3).groups(2))
        .layer(MaxPool2dSpec::new(2).padding(1))
        .gelu()
        .conv2d(4, 3)
        .gelu()
        .flatten()
        .dense(3);
    let split = split.int8_candidates().unwrap();
    assert_eq!(split.layers, ["conv2d_2", "dense_1"]);
    assert_eq!(split.outputs, ["gelu_1", "conv2d_2", "gelu_2"]);
}

#[test]
fn a_border_without_bounds_is_not_written() {
    let wide = |padding: usize| {
        let conv = Conv2dSpec::new(2, 1).padding(padding).stride(padding + 1);
        ModelSpec::new([1, 2, 2]).layer(conv).relu().flatten().dense(3).int8_candidates().unwrap()
    };
    assert_eq!(wide(64).layers, ["conv2d_1", "dense_1"]);
    assert_eq!(wide(30_000).layers, ["dense_1"]);
}

/// Networks whose products have ranges of their own row by row.
fn sequential() -> Vec<ModelSpec> {
    let tokens = || ModelSpec::tokens(12).embedding(40, 10);
    let lstm = LstmSpec::new(9).num_layers(2).bidirectional(true);
    let attention = || LayerSpec::from(MultiHeadAttentionSpec::new(2));
    let relu = SimpleRnnSpec::new(6).activation(RnnActivation::Relu);
    vec![
        tokens().layer(lstm).dense(3),
        tokens().layer(GruSpec::new(17).return_sequences(true)).global_max_pool1d().dense(3),
        tokens().layer(SimpleRnnSpec::new(20)).dense(3),
        tokens().layer(relu).dense(3),
        tokens().transformer_encoder(TransformerSpec::new(2, 40).num_layers(2)).global_avg_pool1d().dense(3),
        tokens().residual([attention(), DenseSpec::new(10).into()]).dense(10).gelu().tied_dense(),
    ]
}

fn token_batch(count: usize) -> AnyTensor {
    let tokens = (0..count * 12).map(|at| ((at * at + 7 * at) % 40) as i32).collect();
    AnyTensor::from_tokens(tokens, &[count, 12], &Device::flex())
}

#[test]
fn layers_without_ranges_find_one_for_each_row() {
    for spec in sequential() {
        let model = trained(&spec);
        let small = in_int8(&model, Int8Spec::default());
        let of = |model: &Model, count: usize| values(model.forward(token_batch(count)));
        let (expected, found) = (of(&model, 24), of(&small, 24));
        let apart = difference(&found, &expected);
        assert!((1e-6..0.08).contains(&apart), "{apart}: {spec:?}");
        assert_eq!(of(&small, 24), found, "the same bits again");
        let alone = of(&small, 1);
        let first = &found[..alone.len()];
        assert!(difference(&alone, first) < 0.02, "{:?} {:?}: {spec:?}", alone, first);

        let candidates = spec.int8_candidates().unwrap();
        let dynamic = candidates.dynamic.into_iter().map(|layer| layer.name);
        let all = candidates.layers.into_iter().chain(dynamic).collect();
        let left = in_int8(&model, Int8Spec { left_in_f32: all, ..Int8Spec::default() });
        let in_f32 = load_state(spec.build(&Device::flex()).unwrap(), rounded(state(&model))).unwrap();
        assert_eq!(of(&left, 24), of(&in_f32, 24), "with all layers left it is the network in f32");
    }
}

#[test]
fn layers_that_are_left_run_in_f32() {
    let model = trained(&convolutional());
    let input = batch(model.spec(), 7);
    let int8 = ranges(&model, &input);
    let expected = values(model.forward(input.clone()));
    let whole = difference(&values(in_int8(&model, int8.clone()).forward(input.clone())), &expected);
    for layer in model.spec().int8_candidates().unwrap().layers {
        let left = Int8Spec { left_in_f32: vec![layer.clone()], ..int8.clone() };
        let found = values(in_int8(&model, left).forward(input.clone()));
        assert!(difference(&found, &expected) < 2.0 * whole, "{layer}");
    }
    let all = model.spec().int8_candidates().unwrap().layers;
    let left = Int8Spec { left_in_f32: all, ..int8 };
    let spec = model.spec().clone();
    let in_f32 = load_state(spec.build(&Device::flex()).unwrap(), rounded(state(&model))).unwrap();
    let found = values(in_int8(&model, left).forward(input.clone()));
    assert_eq!(found, values(in_f32.forward(input)), "with all layers left it is the network in f32");
}

#[test]
fn other_weights_are_seen() {
    let model = trained(&convolutional());
    let input = batch(model.spec(), 5);
    let small = in_int8(&model, ranges(&model, &input));
    let before = values(small.forward(input.clone()));
    let halved = state(&small).into_iter().map(|mut tensor| {
        if tensor.name.starts_with("dense_2.") {
            tensor.values.iter_mut().for_each(|value| *value *= 0.5);
        }
        tensor
    });
    let halved = load_state(small.clone(), halved.collect()).unwrap();
    let after = values(halved.forward(input.clone()));
    assert!(before.iter().zip(&after).all(|(before, after)| (before * 0.5 - after).abs() < 1e-5));
    assert_eq!(values(small.forward(input)), before, "the other network has its own");
}

#[test]
fn while_gradients_are_recorded_it_runs_in_f32() {
    let model = trained(&ModelSpec::new([6]).dense(5).relu().dense(3));
    let input = batch(model.spec(), 4);
    let small = in_int8(&model, ranges(&model, &input));
    let in_f32 = load_state(model.spec().build(&Device::flex()).unwrap(), rounded(state(&model))).unwrap();
    let expected = values(in_f32.forward(input.clone()));
    assert_ne!(values(small.forward(input.clone())), expected);
    let device = Device::flex().autodiff();
    let recorded = small.to_device(&device).forward(batch_on(model.spec(), 4, &device));
    assert_eq!(values(recorded.inner()), expected);
}

fn batch_on(spec: &ModelSpec, count: usize, device: &Device) -> AnyTensor {
    let shape: Vec<usize> = [count].iter().chain(spec.input.shape()).copied().collect();
    AnyTensor::from_values(numbers(shape.iter().product()), &shape, device)
}

#[test]
fn a_description_in_whole_numbers_is_written_and_read() {
    let model = trained(&convolutional());
    let int8 = ranges(&model, &batch(model.spec(), 3));
    let spec = ModelSpec { int8: Some(int8), ..convolutional() };
    assert_eq!(ModelSpec::from_toml(&spec.to_toml().unwrap()).unwrap(), spec);
    assert_eq!(ModelSpec::from_json(&spec.to_json().unwrap()).unwrap(), spec);
}

#[test]
fn a_description_with_ranges_of_nothing_is_refused() {
    let refused = |int8: Int8Spec| {
        let spec = ModelSpec { int8: Some(int8), ..ModelSpec::new([4]).dense(3).relu().dense(2) };
        spec.build(&Device::flex()).unwrap_err().to_string()
    };
    let range = Int8Range { scale: 1.0, zero_point: 0 };
    let of =
        |name: &str, range| Int8Spec { ranges: [(name.to_string(), range)].into(), ..Int8Spec::default() };
    let message = refused(of("relu_2", range));
    assert!(message.contains("there is no layer 'relu_2'") && message.contains("relu_1"), "{message}");
    let message = refused(Int8Spec { left_in_f32: vec!["conv".to_string()], ..Int8Spec::default() });
    assert!(message.contains("there is no layer 'conv'"), "{message}");
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-40] {
        let message = refused(of("relu_1", Int8Range { scale, ..range }));
        assert!(message.contains("the bytes of 'relu_1' have the scale"), "{message}");
        let message = refused(Int8Spec { input: Some(Int8Range { scale, ..range }), ..Int8Spec::default() });
        assert!(message.contains("the bytes of 'input' have the scale"), "{message}");
    }
}

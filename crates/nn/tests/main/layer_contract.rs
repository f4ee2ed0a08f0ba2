//! Every kind of layer keeps one contract: the shape it announced, the parameters it counted, a description that
//! survives TOML and JSON, gradients that agree with finite differences, and a step that lowers the loss.

use std::collections::BTreeSet;

use crate::support::{devices, numbers};
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor, TensorData};
use fireclay_backend::ops::sample_norms;
use fireclay_backend::random_turn;
use fireclay_nn::{
    AnyTensor, AvgPool2dSpec, BatchNormSpec, Conv1dSpec, Conv2dSpec, DenseSpec, EluSpec, EmbeddingSpec,
    FeedForwardActivation, GruSpec, Initializer, InputSpec, LayerKind, LayerSpec, LeakyReluSpec, LstmSpec,
    MaxPool2dSpec, Model, ModelSpec, MultiHeadAttentionSpec, NaiveBayesBagSpec, NamedTensor, Network,
    Padding, PositionKind, ResidualSpec, RnnActivation, SiluSpec, SimpleRnnSpec, TanhSpec, TiedDenseSpec,
    TransformerSpec, WhiteningSpec, gradients, load_state, mse, state,
};

/// One model for each kind of layer, and some for the settings that change its arithmetic.
fn specs() -> Vec<ModelSpec> {
    let image = || ModelSpec::new([4, 7, 5]);
    let row = || ModelSpec::new([6]).dense(5);
    let sequence = || ModelSpec::new([5, 4]);
    let tokens = || ModelSpec::tokens(6).embedding(TOKENS, 3);
    let words = || ModelSpec::tokens(6).embedding(TOKENS, 4);
    let end = |spec: ModelSpec| spec.flatten().dense(3);
    let conv = |out_channels| Conv2dSpec::new(out_channels, 3).padding(Padding::Same);
    vec![
        ModelSpec::new([6]).layer(DenseSpec::new(3).bias(false).initializer(Initializer::XavierUniform)),
        end(image()
            .layer(Conv2dSpec::new(6, [3, 2]).stride([2, 1]).padding([1, 0]).dilation([1, 2]).groups(2))),
        end(image().layer(conv(5).initializer(Initializer::KaimingNormal).bias(false))),
        end(image().layer(conv(5)).layer(MaxPool2dSpec::new([3, 2]).stride(2).padding([1, 1]))),
        end(image().layer(conv(5)).layer(AvgPool2dSpec::new(2).padding(1).count_include_pad(false))),
        image().layer(conv(5)).global_avg_pool2d().dense(3),
        end(image().layer(conv(5)).layer(BatchNormSpec::default().momentum(0.3).epsilon(1e-3))),
        row().batch_norm().dense(3),
        row().layer_norm().dense(3),
        row().dropout(0.0).dense(3),
        row().relu().dense(3),
        row().layer(LeakyReluSpec { negative_slope: 0.2 }).dense(3),
        row().layer(EluSpec { alpha: 1.3 }).dense(3),
        row().gelu().dense(3),
        row().silu().dense(3),
        row().sigmoid().dense(3),
        row().tanh().dense(3),
        row().softplus().dense(3),
        row().softmax().dense(3),
        end(image().layer(
            ResidualSpec::new([conv(6).into(), LayerSpec::from(SiluSpec {}).named("act"), conv(6).into()])
                .shortcut([Conv2dSpec::new(6, 1).into()]),
        )),
        sequence().lstm(5).dense(3),
        sequence()
            .layer(LstmSpec::new(3).bidirectional(true).initializer(Initializer::XavierUniform))
            .dense(3),
        end(sequence().layer(LstmSpec::new(3).num_layers(2).bidirectional(true).return_sequences(true))),
        end(sequence().dense(5).layer_norm().tanh().dropout(0.0).residual([DenseSpec::new(5).into()])),
        end(image().layer(WhiteningSpec::new([2, 1]))),
        end(image().layer(BatchNormSpec::default().scale(false))),
        ModelSpec::tokens(6).layer(NaiveBayesBagSpec::new(TOKENS, 3)),
        tokens().lstm(4).dense(3),
        sequence().gru(5).dense(3),
        tokens().layer(GruSpec::new(3).bidirectional(true).learn_initial_state(true)).dense(3),
        end(sequence().layer(GruSpec::new(3).num_layers(2).bidirectional(true).return_sequences(true))),
        sequence().layer(SimpleRnnSpec::new(5)).dense(3),
        end(tokens().layer(SimpleRnnSpec::new(3).num_layers(2).bidirectional(true).return_sequences(true))),
        sequence().layer(SimpleRnnSpec::new(6).activation(RnnActivation::Relu)).dense(3),
        end(sequence().layer(
            LstmSpec::new(3)
                .num_layers(2)
                .bidirectional(true)
                .return_sequences(true)
                .learn_initial_state(true),
        )),
        end(ModelSpec::tokens(6)
            .layer(EmbeddingSpec::new(TOKENS, 3).initializer(Initializer::Uniform { bound: 0.5 }))),
        end(ModelSpec::tokens(6).layer(
            ResidualSpec::new([EmbeddingSpec::new(TOKENS, 3).into()])
                .shortcut([EmbeddingSpec::new(TOKENS, 3).into(), DenseSpec::new(3).into()]),
        )),
        ModelSpec::new([6]).residual([DenseSpec::new(6).into(), TanhSpec {}.into()]).dense(3),
        end(sequence().multi_head_attention(2)),
        end(sequence().layer(MultiHeadAttentionSpec::new(1).causal(true).rotary(true).bias(false))),
        end(sequence().position_embedding(PositionKind::Learnt).position_embedding(PositionKind::Sinusoidal)),
        sequence()
            .transformer_encoder(TransformerSpec::new(2, 7).num_layers(2).final_norm(true))
            .global_avg_pool1d()
            .dense(3),
        end(sequence().transformer_decoder(
            TransformerSpec::new(1, 7)
                .activation(FeedForwardActivation::Relu)
                .norm_first(false)
                .rotary(true)
                .dropout(0.0),
        )),
        words().transformer_encoder(TransformerSpec::new(2, 5)).global_avg_pool1d().dense(3),
        words().transformer_encoder(TransformerSpec::new(2, 5).epsilon(0.1)).first_step().dense(3),
        words().conv1d(5, 3).relu().global_max_pool1d().dense(3),
        end(sequence().layer(Conv1dSpec::new(6, 2).stride(2).padding(1).dilation(2).groups(2).bias(false))),
        words()
            .layer(Conv1dSpec::new(4, 3).padding(Padding::Same))
            .multi_head_attention(1)
            .lstm(4)
            .layer(TiedDenseSpec::default().embedding("embedding_1"))
            .dense(3),
    ]
}

const BATCH: usize = 4;

/// Tokens of the embeddings.
const TOKENS: usize = 9;

fn batch(spec: &ModelSpec, device: &Device, seed: u64) -> AnyTensor {
    let size: usize = spec.input.shape().iter().product();
    samples(spec, numbers(BATCH * size, seed), device)
}

/// A batch of the model's kind from numbers in [-1, 1).
fn samples(spec: &ModelSpec, numbers: Vec<f32>, device: &Device) -> AnyTensor {
    let size: usize = spec.input.shape().iter().product();
    let shape: Vec<usize> =
        [numbers.len() / size].into_iter().chain(spec.input.shape().iter().copied()).collect();
    match spec.input {
        InputSpec::Tokens(_) => {
            let token = |number: f32| ((number + 1.0) / 2.0 * TOKENS as f32) as i32;
            AnyTensor::from_tokens(numbers.into_iter().map(token).collect(), &shape, device)
        }
        _ => AnyTensor::from_values(numbers, &shape, device),
    }
}

fn target(device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(numbers(BATCH * 3, 77), [BATCH, 3]), device)
}

#[test]
fn every_kind_of_layer_is_in_the_contract() {
    fn kinds(layers: &[LayerSpec], found: &mut BTreeSet<String>) {
        for layer in layers {
            found.insert(layer.kind.type_name().to_string());
            if let LayerKind::Residual(block) = &layer.kind {
                kinds(&block.layers, found);
                kinds(&block.shortcut, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    specs().iter().for_each(|spec| kinds(&spec.layers, &mut found));
    let known: BTreeSet<String> = LayerKind::TYPE_NAMES.iter().map(ToString::to_string).collect();
    assert_eq!(found, known);
}

#[test]
fn shapes_and_parameters_are_as_announced() {
    let _turn = random_turn();
    for (name, device) in devices() {
        for spec in specs() {
            let model = spec.build(&device).unwrap();
            let announced = spec.tensors().unwrap();
            let held = state(&model);
            let sort = |mut list: Vec<(String, Vec<usize>)>| {
                list.sort();
                list
            };
            assert_eq!(
                sort(announced.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect()),
                sort(held.into_iter().map(|tensor| (tensor.name, tensor.shape)).collect()),
                "{name}: {spec:?}"
            );
            assert_eq!(model.forward(batch(&spec, &device, 1)).dims(), [BATCH, 3], "{name}: {spec:?}");
            let summary = spec.summary().unwrap();
            assert_eq!(summary.parameters() + summary.buffers(), model.num_params(), "{spec:?}");
        }
    }
}

#[test]
fn descriptions_survive_toml_and_json() {
    for spec in specs() {
        assert_eq!(ModelSpec::from_toml(&spec.to_toml().unwrap()).unwrap(), spec);
        assert_eq!(ModelSpec::from_json(&spec.to_json().unwrap()).unwrap(), spec);
    }
}

#[test]
fn one_step_lowers_the_loss() {
    let _turn = random_turn();
    for (name, device) in devices() {
        for spec in specs() {
            device.seed(5);
            let mut model = spec.build(&device).unwrap().train();
            let mut optimizer = SgdConfig::new().init();
            let loss = |model: &Model| {
                mse(model.forward(batch(&spec, &device, 2).autodiff()), target(&device).autodiff())
            };
            let before = loss(&model);
            let grads = GradientsParams::from_grads(before.backward(), &model);
            model = optimizer.step(0.02, model, grads);
            let (before, after) = (before.into_scalar::<f32>(), loss(&model).into_scalar::<f32>());
            assert!(after < before, "{name}: {before} to {after}: {spec:?}");
        }
    }
}

/// Small, so that few maxima and corners of ReLU are crossed; the sum over outputs is in f64.
const STEP: f32 = 2e-4;

/// So wide that a difference has no rounding to speak of: for asking whether there is a derivative at all.
const WIDE_STEP: f32 = 1e-2;

/// The derivative of the loss along a direction in the space of all parameters, by central differences.
fn difference(model: &Model, spec: &ModelSpec, direction: &[NamedTensor], device: &Device, step: f32) -> f64 {
    let at = |factor: f32| {
        let moved = state(model)
            .into_iter()
            .map(|mut tensor| {
                if let Some(way) = direction.iter().find(|way| way.name == tensor.name) {
                    for (value, way) in tensor.values.iter_mut().zip(&way.values) {
                        *value += factor * way;
                    }
                }
                tensor
            })
            .collect();
        let moved = load_state(model.clone(), moved).unwrap().train();
        let output = moved.forward(batch(spec, device, 3).autodiff());
        let data = output.inner().into_data();
        let weights = numbers(BATCH * 3, 9);
        data.iter::<f32>()
            .zip(weights)
            .map(|(value, weight)| f64::from(value) * f64::from(weight))
            .sum::<f64>()
    };
    (at(step) - at(-step)) / f64::from(2.0 * step)
}

/// The same derivative from the gradients, each multiplied by `scale`.
fn product(model: &Model, spec: &ModelSpec, direction: &[NamedTensor], device: &Device, scale: f64) -> f64 {
    let model = model.clone().train();
    let weights: Tensor<2> = Tensor::from_data(TensorData::new(numbers(BATCH * 3, 9), [BATCH, 3]), device);
    let output = model.forward(batch(spec, device, 3).autodiff());
    let grads = (output * weights.autodiff()).sum().backward();
    let grads = gradients(&model, &grads);
    assert_eq!(grads.len(), direction.len(), "every trainable tensor has a gradient");
    grads
        .iter()
        .map(|gradient| {
            let way = direction.iter().find(|way| way.name == gradient.name).unwrap();
            let pairs = gradient.values.iter().zip(&way.values);
            pairs.map(|(a, b)| scale * f64::from(*a) * f64::from(*b)).sum::<f64>()
        })
        .sum()
}

fn directions(spec: &ModelSpec) -> Vec<NamedTensor> {
    let tensors = spec.tensors().unwrap().into_iter().filter(|tensor| tensor.trainable);
    tensors
        .enumerate()
        .map(|(index, tensor)| NamedTensor {
            values: numbers(tensor.shape.iter().product(), 100 + index as u64),
            name: tensor.name,
            shape: tensor.shape,
        })
        .collect()
}

/// Whether a derivative from gradients is the one from finite differences. What is small is compared on an absolute scale,
/// for differences of f32 have some noise; whether a small one is there at all, [`is_missing`] asks.
fn agrees(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 5e-3 * (1.0 + expected.abs())
}

/// Whether there is no derivative where wide differences find one.
fn is_missing(found: f64, wide: f64) -> bool {
    found.abs() < 1e-6 && wide.abs() > 1e-3
}

/// The direction along one tensor alone.
fn along(name: &str, direction: &[NamedTensor]) -> Vec<NamedTensor> {
    let of_one = |tensor: &NamedTensor| match tensor.name == name {
        true => tensor.clone(),
        false => NamedTensor { values: vec![0.0; tensor.values.len()], ..tensor.clone() },
    };
    direction.iter().map(of_one).collect()
}

#[test]
fn gradients_agree_with_finite_differences() {
    let _turn = random_turn();
    let device = Device::flex();
    for spec in specs() {
        device.seed(11);
        let model = spec.build(&device).unwrap();
        let direction = directions(&spec);
        let expected = difference(&model, &spec, &direction, &device, STEP);
        let found = product(&model, &spec, &direction, &device, 1.0);
        assert!(agrees(found, expected), "{found} is not {expected}: {spec:?}");
        let wrong = product(&model, &spec, &direction, &device, 1.1);
        let visible = expected.abs() < 0.1 || !agrees(wrong, expected);
        assert!(visible, "a gradient that is wrong by a tenth passes: {wrong}, {expected}: {spec:?}");
        // Tensor by tensor: none is without its gradient, and one without would be seen.
        let mut seen = 0;
        for tensor in &direction {
            let direction = along(&tensor.name, &direction);
            let wide = difference(&model, &spec, &direction, &device, WIDE_STEP);
            let found = product(&model, &spec, &direction, &device, 1.0);
            assert!(!is_missing(found, wide), "{}: {found} is not {wide}: {spec:?}", tensor.name);
            let planted = product(&model, &spec, &direction, &device, 0.0);
            seen += usize::from(is_missing(planted, wide));
        }
        assert!(seen > 0, "no tensor's gradient could be seen to be missing: {spec:?}");
    }
}

#[test]
fn a_gradient_of_nothing_is_not_taken_for_a_small_one() {
    // As small as this, it is within the bound of `agrees`.
    assert!(agrees(0.0, 4e-3) && is_missing(0.0, 4e-3) && is_missing(0.0, -4e-3));
    assert!(!is_missing(4.1e-3, 4e-3) && !is_missing(0.0, 1e-4));
}

#[test]
fn a_batch_of_two_is_two_batches_of_one() {
    let _turn = random_turn();
    for (name, device) in devices() {
        for spec in specs() {
            let model = spec.build(&device).unwrap();
            let whole = model.forward(batch(&spec, &device, 4)).into_data();
            let size: usize = spec.input.shape().iter().product();
            let all = numbers(BATCH * size, 4);
            let singles: Vec<f32> = all
                .chunks(size)
                .flat_map(|sample| {
                    let one = samples(&spec, sample.to_vec(), &device);
                    model.forward(one).into_data().iter::<f32>().collect::<Vec<f32>>()
                })
                .collect();
            let whole: Vec<f32> = whole.iter::<f32>().collect();
            crate::support::assert_close(
                &format!("{name}: {spec:?}"),
                &whole,
                &singles,
                crate::support::tolerance(&name),
            );
        }
    }
}

#[test]
fn the_row_for_padding_begins_at_zero_and_stays_there() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let spec = ModelSpec::tokens(2).layer(EmbeddingSpec::new(3, 4).padding_idx(1)).flatten().dense(3);
        let mut model = spec.build(&device).unwrap().train();
        let mut optimizer = SgdConfig::new().init();
        for _ in 0..2 {
            let tokens = AnyTensor::from_tokens(vec![0, 1, 1, 2], &[2, 2], &device).autodiff();
            let loss = model.forward(tokens).square().sum();
            model = optimizer.step(0.01, model.clone(), GradientsParams::from_grads(loss.backward(), &model));
        }
        let rows = &state(&model.valid())[0].values;
        assert_eq!(rows[4..8], [0.0; 4], "{name}");
        assert!(rows[..4].iter().chain(&rows[8..]).all(|value| *value != 0.0), "{name}: {rows:?}");
    }
}

/// A stack without its dropout is two layers, one after the other; with it, training sees another state each time.
#[test]
fn dropout_between_the_layers_of_an_lstm_works_while_training_only() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let stack = |dropout| LstmSpec::new(8).num_layers(2).dropout(dropout);
        let spec = ModelSpec::new([5, 4]).layer(stack(0.5));
        let model = spec.build(&device).unwrap();
        let plain = ModelSpec::new([5, 4]).layer(stack(0.0)).build(&device).unwrap();
        let plain = load_state(plain, state(&model)).unwrap();
        let output = |model: &Model, batch| model.forward(batch).into_data();
        assert_eq!(
            output(&model, batch(&spec, &device, 1)),
            output(&plain, batch(&spec, &device, 1)),
            "{name}"
        );
        let model = model.train();
        let trained = || output(&model, batch(&spec, &device, 1).autodiff());
        assert_ne!(trained(), trained(), "{name}");
    }
}

#[test]
fn dropout_in_a_transformer_works_while_training_only() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let network = |dropout| {
            let block = TransformerSpec::new(2, 16).dropout(dropout);
            let attention = MultiHeadAttentionSpec::new(2).dropout(dropout);
            ModelSpec::new([5, 8]).transformer_encoder(block).layer(attention).global_avg_pool1d()
        };
        let spec = network(0.5);
        let model = spec.build(&device).unwrap();
        let plain = load_state(network(0.0).build(&device).unwrap(), state(&model)).unwrap();
        let output = |model: &Model, batch| model.forward(batch).into_data();
        let input = || batch(&spec, &device, 1);
        assert_eq!(output(&model, input()), output(&plain, input()), "{name}");
        let model = model.train();
        let trained = || output(&model, input().autodiff());
        assert_ne!(trained(), trained(), "{name}");
    }
}

/// What fills up a sample changes nothing, whether it is there or not.
#[test]
fn padding_does_not_change_what_heeds_it() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let read = || ModelSpec::tokens(9).layer(EmbeddingSpec::new(TOKENS, 4).padding_idx(0));
        let block = || TransformerSpec::new(2, 6).num_layers(2);
        let conv = || Conv1dSpec::new(4, 3);
        for spec in [
            read().position_embedding(PositionKind::Learnt).transformer_encoder(block()).global_avg_pool1d(),
            read().transformer_decoder(block().rotary(true)).global_max_pool1d(),
            read().dense(4).layer(conv()).layer(conv().padding(2)).global_avg_pool1d(),
            read().dense(4).layer(conv().padding(Padding::Same)).multi_head_attention(2).lstm(3),
            read().residual([conv().padding(Padding::Same).into()]).global_max_pool1d(),
        ] {
            assert!(spec.supports_variable_length().unwrap());
            let model = spec.build(&device).unwrap();
            let output = |tokens: &[i32]| {
                let batch = AnyTensor::from_tokens(tokens.to_vec(), &[1, tokens.len()], &device);
                model.forward(batch).into_data().iter::<f32>().collect::<Vec<f32>>()
            };
            let (short, long) = (output(&[3, 1, 4, 1, 5]), output(&[3, 1, 4, 1, 5, 0, 0, 0]));
            crate::support::assert_close(
                &format!("{name}: {spec:?}"),
                &long,
                &short,
                crate::support::tolerance(&name),
            );
            assert!(output(&[0; 4]).iter().all(|value| value.is_finite()), "{name}: nothing but padding");
            assert!(output(&[7]).iter().all(|value| value.is_finite()), "{name}: less than a kernel");
        }
    }
}

#[test]
fn a_causal_network_does_not_see_what_comes_later() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let spec =
            ModelSpec::new([6, 4]).transformer_decoder(TransformerSpec::new(2, 8).num_layers(2)).flatten();
        let model = spec.build(&device).unwrap();
        let mut values = numbers(24, 1);
        let output = |values: &[f32]| {
            let batch = AnyTensor::from_values(values.to_vec(), &[1, 6, 4], &device);
            model.forward(batch).into_data().iter::<f32>().collect::<Vec<f32>>()
        };
        let before = output(&values);
        values[16..].fill(0.5);
        let after = output(&values);
        assert_eq!(before[..16], after[..16], "{name}");
        assert!(before[16..].iter().zip(&after[16..]).all(|(a, b)| a != b), "{name}");
    }
}

#[test]
#[should_panic(expected = "the model takes batches of 6 tokens, found [1, 6]")]
fn numbers_are_not_tokens() {
    let device = Device::flex();
    let model = ModelSpec::tokens(6).embedding(TOKENS, 3).lstm(2).build(&device).unwrap();
    model.forward(Tensor::<2>::ones([1, 6], &device).into());
}

/// Norms of samples, gathered from a batch at once, are those of the gradients of one sample after another.
#[test]
fn norms_of_samples_are_those_of_a_loop() {
    let mut counted = 0;
    let lengths = ModelSpec::tokens(6).layer(EmbeddingSpec::new(TOKENS, 4).padding_idx(0));
    let more = [
        lengths.clone().lstm(5).dense(3),
        lengths.clone().gru(5).dense(3),
        lengths.clone().transformer_encoder(TransformerSpec::new(2, 5)).global_avg_pool1d().dense(3),
        lengths.global_avg_pool1d().dense(3),
        // More steps than features, and the other way round.
        ModelSpec::new([40, 3]).dense(4).flatten().dense(3),
        ModelSpec::new([2, 30]).dense(20).flatten().dense(3),
        ModelSpec::new([3, 14, 14])
            .layer(Conv2dSpec::new(16, 3).padding(Padding::Same))
            .layer(Conv2dSpec::new(16, 3).padding(Padding::Same))
            .relu()
            .max_pool2d(2)
            .flatten()
            .dense(3),
    ];
    for (name, device) in devices() {
        // Elsewhere each new size is another kernel to compile, in seconds on a software driver.
        let all = if name == "flex" { specs() } else { Vec::new() };
        // A GPU adds up in another order for each size.
        let tolerance = if fireclay_backend::reads_at_once(&device) { 1e-5 } else { 1e-4 };
        for spec in all.into_iter().chain(more.clone()) {
            let model = spec.build_seeded(3, &device).unwrap().train();
            let size: usize = spec.input.shape().iter().product();
            let values = numbers(BATCH * size, 5);
            let device = device.clone().autodiff();
            let losses = |input: AnyTensor, first: usize| {
                let output = model.forward(input);
                let rows = output.dims()[0];
                let target = target(&device).narrow(0, first, rows);
                (output - target).powi_scalar(2).sum()
            };
            let alone = (0..BATCH).map(|sample| {
                let of_sample = values[sample * size..(sample + 1) * size].to_vec();
                let loss = losses(samples(&spec, of_sample, &device), sample);
                let gradients = gradients(&model, &loss.backward());
                let values = gradients.iter().flat_map(|gradient| &gradient.values);
                values.map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt()
            });
            if !model.has_sample_norms() {
                continue;
            }
            let alone: Vec<f64> = alone.collect();
            let norms = sample_norms(BATCH);
            losses(samples(&spec, values.clone(), &device), 0).backward();
            let found = norms.finish();
            for (found, expected) in found.iter().zip(&alone) {
                assert!(
                    (found - expected).abs() <= tolerance * expected,
                    "{found}, not {expected}, of {spec:?} on {device:?}: {found:?} {alone:?}"
                );
            }
            counted += 1;
        }
    }
    let names: Vec<String> = devices().into_iter().map(|(name, _)| name).collect();
    let expected = if names.iter().any(|name| name == "flex") { 50 } else { 7 };
    assert!(counted >= expected, "{counted} networks on {names:?}");
}

/// What is frozen does not count, and what is left does.
#[test]
fn norms_of_samples_leave_out_what_is_frozen() {
    let device = Device::flex();
    let spec = ModelSpec::new([4]).layer(DenseSpec::new(5)).tanh().dense(3);
    let model = spec.build_seeded(1, &device).unwrap();
    let norm = |model: &Model| {
        let model = model.clone().train();
        let norms = sample_norms(BATCH);
        let input = batch(&spec, &device.clone().autodiff(), 2);
        model.forward(input).sum().backward();
        norms.finish()[0].powi(2)
    };
    let whole = norm(&model);
    let parts = ["dense_1", "dense_2"].map(|name| norm(&model.clone().freeze([name]).unwrap()));
    assert!((parts.iter().sum::<f64>() - whole).abs() < 1e-6 * whole, "{parts:?}, together {whole}");
    assert!(parts.iter().all(|part| *part > 0.01 * whole));
}

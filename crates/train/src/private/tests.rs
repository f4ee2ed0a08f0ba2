//! Clipped sums against a loop over samples, and the noise.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use fireclay_data::{Pass, Random};
use fireclay_nn::{
    AnyTensor, CrossEntropyLoss, EmbeddingSpec, InputSpec, LstmSpec, Model, ModelSpec, Network, Target,
    TransformerSpec, gradients_by_id,
};

use super::*;
use crate::privacy::NoiseSource;
use crate::upload::Uploaded;

const SAMPLES: usize = 5;

/// A network of which nobody knows what reads its parameters.
#[derive(Module, Debug)]
struct Unknown {
    model: Model,
}

impl Network for Unknown {
    fn forward(&self, input: AnyTensor) -> Tensor<2> {
        self.model.forward(input)
    }
}

fn plan(clip_norm: f64) -> Plan {
    let options = PrivacyOptions { epsilon: 4.0, delta: 1e-5, noise: NoiseSource::Seed };
    Plan::new(options, Some(clip_norm), 10, 100, 20).unwrap()
}

fn specs() -> Vec<ModelSpec> {
    let tokens = || ModelSpec::tokens(9).layer(EmbeddingSpec::new(12, 8).padding_idx(0));
    vec![
        ModelSpec::new([6]).dense(7).tanh().dense(3),
        ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().max_pool2d(2).conv2d(5, 2).relu().flatten().dense(3),
        tokens().layer(LstmSpec::new(6).num_layers(2)).dense(3),
        tokens().transformer_encoder(TransformerSpec::new(2, 12)).global_avg_pool1d().dense(3),
        tokens().global_avg_pool1d().dense(3),
    ]
}

/// Some of the samples.
fn batch(spec: &ModelSpec, samples: std::ops::Range<usize>, device: &Device) -> Uploaded {
    let shape = [&[samples.len()], spec.input.shape()].concat();
    let size: usize = spec.input.shape().iter().product();
    let mut random = Random::new(1, 2, 3);
    let values: Vec<f32> = (0..SAMPLES * size).map(|_| random.range(-2.0, 2.0)).collect();
    let values = values[samples.start * size..samples.end * size].to_vec();
    let input = match spec.input {
        InputSpec::Tokens(_) => {
            let token = |value: f32| ((value + 2.0) * 3.0) as i32;
            AnyTensor::from_tokens(values.into_iter().map(token).collect(), &shape, device)
        }
        _ => AnyTensor::from_values(values, &shape, device),
    };
    let classes: Vec<i32> = samples.map(|sample| sample as i32 % 3).collect();
    let count = classes.len();
    let classes = Tensor::<1, Int>::from_data(TensorData::new(classes, [count]), device);
    Uploaded { input, target: Target::Classes(classes), weights: None }.record_gradients()
}

fn values<N: Network>(network: &N, gradients: &GradientsParams) -> Vec<f32> {
    gradients_by_id(network, gradients).into_iter().flat_map(|gradient| gradient.values).collect()
}

#[test]
fn sums_of_clipped_gradients_are_those_of_a_loop_over_samples() {
    let device = Device::flex();
    for spec in specs() {
        let model = spec.build_seeded(4, &device).unwrap().train();
        let one_by_one = Unknown { model: model.clone() };
        assert_eq!(samples_at_once(&one_by_one, &device), 1);
        assert!(samples_at_once(&model, &device) > SAMPLES);
        let loss = CrossEntropyLoss::new();
        // Some are clipped by the first, all by the second and none by the last.
        for clip_norm in [1.0, 0.01, 1e3] {
            let plan = plan(clip_norm);
            let of_batch = batch(&spec, 0..SAMPLES, &device);
            let found = plan.clipped(&model, &loss, &of_batch, SAMPLES, 7, &device).unwrap();
            let found = values(&model, &found.gradients);
            let mut sum = vec![0.0; found.len()];
            for sample in 0..SAMPLES {
                let of_sample = batch(&spec, sample..sample + 1, &device);
                let one = plan.clipped(&one_by_one, &loss, &of_sample, 1, 7, &device).unwrap();
                let one = values(&one_by_one, &one.gradients);
                let norm = one.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
                assert!(norm <= clip_norm, "{norm} is more than {clip_norm}");
                sum.iter_mut().zip(one).for_each(|(sum, value)| *sum += value);
            }
            let scale = sum.iter().fold(0f32, |scale, value| scale.max(value.abs()));
            for (found, expected) in found.iter().zip(&sum) {
                assert!((found - expected).abs() <= 1e-5 * scale, "{found}, not {expected}, of {spec:?}");
            }
        }
    }
}

/// The norm is that of the gradient that is taken: with the same dropout.
#[test]
fn dropout_is_the_same_for_the_norms_and_for_the_gradients() {
    let device = Device::flex();
    let tokens = || ModelSpec::tokens(9).embedding(12, 8);
    let lstm = LstmSpec {
        recurrent_dropout: 0.4,
        input_dropout: 0.3,
        dropout: 0.3,
        ..LstmSpec::new(6).num_layers(2)
    };
    let specs = [
        ModelSpec::new([6]).dense(30).relu().dropout(0.5).dense(3),
        ModelSpec::new([1, 8, 8]).conv2d(4, 3).relu().dropout(0.5).flatten().dense(3),
        tokens().transformer_encoder(TransformerSpec::new(2, 64).dropout(0.4)).global_avg_pool1d().dense(3),
        tokens().layer(lstm).dense(3),
    ];
    for spec in specs {
        let model = spec.build_seeded(4, &device).unwrap().train();
        for sample in 0..SAMPLES {
            let of_sample = batch(&spec, sample..sample + 1, &device);
            let found =
                plan(0.01).clipped(&model, &CrossEntropyLoss::new(), &of_sample, 1, 7, &device).unwrap();
            let gradient = values(&model, &found.gradients);
            let norm = gradient.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
            assert!((norm / 0.01 - 0.999).abs() < 1e-5, "{norm} of {spec:?}");
        }
    }
}

/// Every parameter has noise of the same deviation, with gradients and without.
#[test]
fn noise_is_a_multiple_of_the_norm_divided_by_the_samples_that_are_expected() {
    let device = Device::flex();
    let spec = ModelSpec::new([30]).dense(40).relu().dense(3);
    let model = spec.build_seeded(4, &device).unwrap().train();
    let plan = plan(0.5);
    assert_eq!(plan.expected, 10.0);
    let of = |gradients| {
        let noisy = plan.noisy(gradients, &model, Pass { seed: 1, epoch: 1 }, 3).unwrap();
        values(&model, &noisy)
    };
    let alone = of(GradientsParams::new());
    assert_eq!(alone.len(), 31 * 40 + 41 * 3);
    let deviation = alone.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / alone.len() as f64;
    let expected = plan.noise_multiplier * 0.5 / 10.0;
    assert!((deviation.sqrt() / expected - 1.0).abs() < 0.08, "{} and not {expected}", deviation.sqrt());

    let of_batch = batch(&spec, 0..SAMPLES, &device);
    let clipped = plan.clipped(&model, &CrossEntropyLoss::new(), &of_batch, SAMPLES, 7, &device).unwrap();
    let sums = values(&model, &clipped.gradients);
    let noisy = of(clipped.gradients);
    for ((noisy, sum), noise) in noisy.iter().zip(sums).zip(alone) {
        assert!((noisy - sum / 10.0 - noise).abs() < 1e-6);
    }
}

/// A gradient whose norm is no number, here 0 times what is beyond the numbers, is left out and not taken as short.
#[test]
fn a_gradient_without_a_norm_is_left_out() {
    let device = Device::flex();
    let spec = ModelSpec::new([6]).dense(7).tanh().dense(3);
    let model = spec.build_seeded(4, &device).unwrap().train();
    let mut batch = batch(&spec, 0..1, &device);
    batch.input = (Tensor::<2>::ones([1, 6], &device) * 2e19).autodiff().into();
    let found = plan(1.0).clipped(&model, &CrossEntropyLoss::new(), &batch, 1, 7, &device).unwrap();
    assert!(values(&model, &found.gradients).iter().all(|value| *value == 0.0));
}

/// With noise of the system nobody knows which units were dropped, and with that of the seed each batch has masks of its own.
#[test]
fn dropout_has_seeds_of_its_own() {
    let seed = |noise, step, index| {
        let plan = Plan { options: PrivacyOptions { noise, ..PrivacyOptions::new(4.0) }, ..plan(1.0) };
        plan.dropout_seed(Pass { seed: 0, epoch: 1 }, step, index).unwrap()
    };
    let seeds: std::collections::BTreeSet<u64> =
        (1..5).flat_map(|step| (0..5).map(move |index| seed(NoiseSource::Seed, step, index))).collect();
    assert_eq!(seeds.len(), 20);
    assert_eq!(seed(NoiseSource::Seed, 1, 0), seed(NoiseSource::Seed, 1, 0));
    assert_ne!(seed(NoiseSource::System, 1, 0), seed(NoiseSource::System, 1, 0));
}

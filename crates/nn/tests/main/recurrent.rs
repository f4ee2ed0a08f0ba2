//! What recurrent layers drop while training, seen from outside: weights by which an output shows the masks.

use crate::support::{devices, numbers};
use burn::module::Module;
use burn::optim::{GradientsParams, SgdConfig};
use burn::tensor::{Device, Tensor};
use fireclay_backend::random_turn;
use fireclay_nn::{
    AnyTensor, GruSpec, Initializer, LayerSpec, LstmSpec, Model, ModelSpec, NamedTensor, Network,
    RnnActivation, SimpleRnnSpec, load_state, mse, state,
};

const BATCH: usize = 64;
const STEPS: usize = 4;
const UNITS: usize = 50;

/// `h' = max(x + h, 0)`, as many units as features, all steps side by side.
fn summing(spec: SimpleRnnSpec, device: &Device) -> Model {
    let spec = spec.activation(RnnActivation::Relu).return_sequences(true);
    let spec = ModelSpec::new([STEPS, UNITS]).layer(spec).flatten();
    let identity = (0..UNITS * UNITS).map(|at| if at % (UNITS + 1) == 0 { 1.0 } else { 0.0 });
    let weights = spec.tensors().unwrap().into_iter().map(|tensor| NamedTensor {
        values: match tensor.shape.len() {
            2 => identity.clone().collect(),
            _ => vec![0.0; UNITS],
        },
        name: tensor.name,
        shape: tensor.shape,
    });
    load_state(spec.build(device).unwrap(), weights.collect()).unwrap()
}

fn ones(device: &Device) -> AnyTensor {
    AnyTensor::from_values(vec![1.0; BATCH * STEPS * UNITS], &[BATCH, STEPS, UNITS], device)
}

/// What each unit of each sample gives, step by step.
fn by_unit(output: Vec<f32>) -> Vec<[f32; STEPS]> {
    let samples = output.chunks(STEPS * UNITS);
    samples
        .flat_map(|sample| (0..UNITS).map(|unit| std::array::from_fn(|step| sample[step * UNITS + unit])))
        .collect()
}

fn trained(model: &Model, device: &Device) -> Vec<[f32; STEPS]> {
    let output = model.clone().train().forward(ones(device).autodiff());
    by_unit(output.inner().into_data().iter::<f32>().collect())
}

fn close(found: &[f32; STEPS], expected: [f32; STEPS]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4 * b.abs().max(1.0))
}

/// The fraction of units that were dropped is the rate, give or take four deviations.
fn assert_share(what: &str, dropped: usize, rate: f64) {
    let all = (BATCH * UNITS) as f64;
    let deviation = (rate * (1.0 - rate) / all).sqrt();
    let share = dropped as f64 / all;
    assert!((share - rate).abs() < 4.0 * deviation, "{what}: {share} of {rate}");
}

#[test]
fn input_dropout_takes_the_same_features_at_all_steps() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let model = summing(SimpleRnnSpec::new(UNITS).input_dropout(0.2), &device);
        device.seed(3);
        let units = trained(&model, &device);
        let is_dropped = |unit: &&[f32; STEPS]| close(unit, [0.0; STEPS]);
        // What is kept is greater by 1 / (1 - 0.2).
        let is_kept = |unit: &&[f32; STEPS]| close(unit, [1.25, 2.5, 3.75, 5.0]);
        let dropped = units.iter().filter(is_dropped).count();
        assert_eq!(dropped + units.iter().filter(is_kept).count(), BATCH * UNITS, "{name}");
        assert_share(&name, dropped, 0.2);
        assert_ne!(units[..UNITS], units[UNITS..2 * UNITS], "{name}: each sample has its own mask");
    }
}

#[test]
fn recurrent_dropout_takes_the_same_units_at_all_steps() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let model = summing(SimpleRnnSpec::new(UNITS).recurrent_dropout(0.5), &device);
        device.seed(4);
        let units = trained(&model, &device);
        // h' = 1, or h' = 1 + 2 h.
        let dropped = units.iter().filter(|unit| close(unit, [1.0; STEPS])).count();
        let kept = units.iter().filter(|unit| close(unit, [1.0, 3.0, 7.0, 15.0])).count();
        assert_eq!(dropped + kept, BATCH * UNITS, "{name}");
        assert_share(&name, dropped, 0.5);
        assert_ne!(units, trained(&model, &device), "{name}: each batch has its own masks");
    }
}

/// One of each kind, with and without dropout.
fn kinds(dropout: bool) -> [LayerSpec; 3] {
    let rate = if dropout { 0.4 } else { 0.0 };
    macro_rules! spec {
        ($spec:ty) => {
            <$spec>::new(8)
                .num_layers(2)
                .bidirectional(true)
                .input_dropout(rate)
                .recurrent_dropout(rate)
                .into()
        };
    }
    [spec!(LstmSpec), spec!(GruSpec), spec!(SimpleRnnSpec)]
}

#[test]
fn what_is_dropped_while_training_is_there_otherwise() {
    let _turn = random_turn();
    for (name, device) in devices() {
        for tokens in [true, false] {
            for (with, without) in kinds(true).into_iter().zip(kinds(false)) {
                let what = format!("{name}: {with:?}");
                let spec = |layer: LayerSpec| match tokens {
                    true => ModelSpec::tokens(6).embedding(9, 4).layer(layer),
                    false => ModelSpec::new([6, 4]).layer(layer),
                };
                let batch = |device: &Device| match tokens {
                    true => AnyTensor::from_tokens((0..18).map(|at| at * 7 % 9).collect(), &[3, 6], device),
                    false => AnyTensor::from_values(numbers(72, 1), &[3, 6, 4], device),
                };
                let model = spec(with).build(&device).unwrap();
                let plain = load_state(spec(without).build(&device).unwrap(), state(&model)).unwrap();
                let output = |model: &Model, batch| model.forward(batch).into_data();
                let expected = output(&plain, batch(&device));
                assert_eq!(output(&model, batch(&device)), expected, "{what}");
                let model = model.train();
                let trained = || output(&model, batch(&device).autodiff());
                assert_ne!(trained(), trained(), "{what}");
                device.seed(9);
                let first = trained();
                device.seed(9);
                assert_eq!(trained(), first, "{what}: the seed decides");
            }
        }
    }
}

#[test]
fn a_forget_bias_is_where_the_forget_gates_begin() {
    let _turn = random_turn();
    for (name, device) in devices() {
        let layer = LstmSpec::new(2).bidirectional(true).initializer(Initializer::Zeros).forget_bias(1.5);
        let model = ModelSpec::new([3, 1]).layer(layer).build(&device).unwrap();
        for tensor in state(&model) {
            let expected = match tensor.name.contains("bias_ih") {
                true => vec![0.0, 0.0, 1.5, 1.5, 0.0, 0.0, 0.0, 0.0],
                false => vec![0.0; tensor.values.len()],
            };
            assert_eq!(tensor.values, expected, "{name}: {}", tensor.name);
        }
    }
    for (bias, shown) in [(f64::INFINITY, "inf"), (-1e39, "-1000000000000000")] {
        let endless = ModelSpec::new([3, 1]).layer(LstmSpec::new(2).forget_bias(bias));
        let message = endless.summary().unwrap_err().to_string();
        assert!(
            message.contains(&format!("forget_bias is {shown}")) && message.contains("finite"),
            "{message}"
        );
    }
}

#[test]
fn a_learnt_state_is_learnt() {
    let _turn = random_turn();
    for (name, device) in devices() {
        // From zeros every unit is the same, and a greater state is always better.
        let layer = GruSpec::new(3).learn_initial_state(true).initializer(Initializer::Zeros);
        let spec = ModelSpec::new([2, 1]).layer(layer);
        let mut model = spec.build(&device).unwrap().train();
        let before = state(&model.valid());
        let mut optimizer = SgdConfig::new().init();
        for _ in 0..20 {
            let input = AnyTensor::from_values(vec![0.0; 8], &[4, 2, 1], &device).autodiff();
            let target = Tensor::<2>::ones([4, 3], &device).autodiff();
            let loss = mse(model.forward(input), target);
            model = optimizer.step(0.1, model.clone(), GradientsParams::from_grads(loss.backward(), &model));
        }
        let value = |tensors: &[NamedTensor]| {
            tensors.iter().find(|tensor| tensor.name == "gru_1.h_0_l0").unwrap().values.clone()
        };
        assert_eq!(value(&before), [0.0; 3], "{name}");
        let after = value(&state(&model.valid()));
        assert!(after.iter().all(|h| *h > 0.01), "{name}: {after:?}");
    }
}

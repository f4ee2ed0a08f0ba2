use super::reference::Norm;
use super::*;
use crate::Cpu;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

const EPSILON: f32 = 1e-3;

/// Numbers whose mean is far from 0, by channel.
fn input(random: &mut Random, rows: usize, channels: usize) -> Vec<f32> {
    (0..rows * channels).map(|at| random.number() + (at % channels % 8) as f32 * 0.3 - 2.0).collect()
}

fn weights(random: &mut Random, channels: usize) -> (Vec<f32>, Vec<f32>) {
    (random.numbers(channels).iter().map(|x| x + 1.5).collect(), random.numbers(channels))
}

fn sizes() -> impl Iterator<Item = (usize, usize)> {
    (0..=64).map(|channels| (13, channels)).chain([(1, 7), (0, 5), (1500, 33), (600, 64), (40, 700)])
}

#[test]
fn batch_norm_equals_its_reference() {
    for (rows, channels) in sizes() {
        let mut random = Random::new(channels as u64);
        let x = input(&mut random, rows, channels);
        let (weight, bias) = weights(&mut random, channels);
        let dy = random.numbers(x.len());
        for relu in [false, true] {
            let column = |at: usize| at % channels;
            let epsilon = f64::from(EPSILON);
            let reference = Norm { groups: channels, group: &column, channel: &column, epsilon, relu };
            let (x64, weight64, bias64) = (wide(&x), wide(&weight), wide(&bias));
            let (means, variances) = reference.moments(&x64);
            let expected = reference.forward(&x64, &weight64, &bias64);
            let gradients = reference.gradient(&x64, &weight64, &bias64, &wide(&dy));
            let mut first: Option<[Vec<f32>; 5]> = None;
            for cpu in cpus() {
                let what = format!("{cpu:?} {rows} {channels} relu {relu}");
                let norm = BatchNorm { weight: &weight, bias: &bias, epsilon: EPSILON, relu };
                let (mut mean, mut variance) = (vec![9.0; channels], vec![9.0; channels]);
                let mut y = vec![9.0; x.len()];
                batch_norm_train(cpu, norm, &x, &mut y, &mut mean, &mut variance);
                assert_close(&y, &narrow(&expected), 2e-5, format_args!("{what}: output"));
                let (mut dx, mut dw, mut db) = (vec![9.0; x.len()], vec![9.0; channels], vec![9.0; channels]);
                batch_norm_gradient(cpu, norm, &x, &mean, &variance, &dy, &mut dx, &mut dw, &mut db);
                if rows > 0 {
                    assert_close(&mean, &narrow(&means), 1e-6, format_args!("{what}: mean"));
                    assert_close(&variance, &narrow(&variances), 1e-5, format_args!("{what}: variance"));
                    assert_close(&dw, &narrow(&gradients.weight), 1e-4, format_args!("{what}: weight"));
                    assert_close(&db, &narrow(&gradients.bias), 1e-4, format_args!("{what}: bias"));
                }
                assert_close(&dx, &narrow(&gradients.input), 2e-5, format_args!("{what}: input"));
                let mut inferred = vec![9.0; x.len()];
                batch_norm_inference(cpu, norm, &mean, &variance, &x, &mut inferred);
                assert_close(&inferred, &y, 1e-3, format_args!("{what}: inference"));
                let all = [y, mean, dx, dw, db];
                if cpu.threads > 1 {
                    assert_eq!(first.as_ref(), Some(&all), "{what}: threads");
                }
                first = Some(all);
            }
        }
    }
}

#[test]
fn batch_norm_keeps_small_variances_beside_great_means() {
    let (rows, channels) = (3000, 5);
    let mut random = Random::new(3);
    let x: Vec<f32> = (0..rows * channels).map(|_| 10_000.0 + random.number()).collect();
    let column = |at: usize| at % channels;
    let reference = Norm { groups: channels, group: &column, channel: &column, epsilon: 0.0, relu: false };
    let (_, variances) = reference.moments(&wide(&x));
    for cpu in cpus() {
        let norm = BatchNorm { weight: &[1.0; 5], bias: &[0.0; 5], epsilon: 0.0, relu: false };
        let (mut mean, mut variance, mut y) = ([0.0; 5], [0.0; 5], vec![0.0; x.len()]);
        batch_norm_train(cpu, norm, &x, &mut y, &mut mean, &mut variance);
        assert_close(&variance, &narrow(&variances), 1e-4, format_args!("{cpu:?}"));
    }
}

#[test]
fn batch_norm_with_relu_passes_on_what_is_no_number() {
    for cpu in cpus() {
        let norm = BatchNorm { weight: &[1.0], bias: &[0.0], epsilon: 0.0, relu: true };
        let mut y = [0.0; 2];
        batch_norm_inference(cpu, norm, &[0.0], &[1.0], &[f32::NAN, -1.0], &mut y);
        assert!(y[0].is_nan() && y[1] == 0.0, "{cpu:?}");
    }
}

#[test]
fn layer_norm_equals_its_reference() {
    for (rows, dim) in sizes() {
        let mut random = Random::new(dim as u64);
        let x = input(&mut random, rows, dim);
        let (weight, bias) = weights(&mut random, dim);
        let dy = random.numbers(x.len());
        let (row, column) = (|at: usize| at / dim, |at: usize| at % dim);
        let epsilon = f64::from(EPSILON);
        let reference = Norm { groups: rows, group: &row, channel: &column, epsilon, relu: false };
        let (x64, weight64, bias64) = (wide(&x), wide(&weight), wide(&bias));
        let expected = reference.forward(&x64, &weight64, &bias64);
        let gradients = reference.gradient(&x64, &weight64, &bias64, &wide(&dy));
        let mut first: Option<[Vec<f32>; 3]> = None;
        for cpu in cpus() {
            let what = format!("{cpu:?} {rows} {dim}");
            let mut y = vec![9.0; x.len()];
            layer_norm(cpu, &weight, &bias, EPSILON, &x, &mut y);
            assert_close(&y, &narrow(&expected), 2e-5, format_args!("{what}: output"));
            let (mut dx, mut dw, mut db) = (vec![9.0; x.len()], vec![9.0; dim], vec![9.0; dim]);
            layer_norm_gradient(cpu, &weight, EPSILON, &x, &dy, &mut dx, &mut dw, &mut db);
            assert_close(&dx, &narrow(&gradients.input), 2e-5, format_args!("{what}: input"));
            assert_close(&dw, &narrow(&gradients.weight), 1e-4, format_args!("{what}: weight"));
            assert_close(&db, &narrow(&gradients.bias), 1e-4, format_args!("{what}: bias"));
            let all = [dx, dw, db];
            if cpu.threads > 1 {
                assert_eq!(first.as_ref(), Some(&all), "{what}: threads");
            }
            first = Some(all);
        }
    }
}

#[test]
fn the_reference_has_the_gradients_of_differences() {
    let mut random = Random::new(5);
    let (x, dy) = (wide(&random.numbers(24)), wide(&random.numbers(24)));
    let (weight, bias) = (wide(&random.numbers(4)), wide(&random.numbers(4)));
    let (row, column) = (|at: usize| at / 4, |at: usize| at % 4);
    for relu in [false, true] {
        let by_channel = Norm { groups: 4, group: &column, channel: &column, epsilon: 0.1, relu };
        let by_row = Norm { groups: 6, group: &row, channel: &column, epsilon: 0.1, relu };
        for norm in [by_channel, by_row] {
            let found = norm.gradient(&x, &weight, &bias, &dy);
            let expected = differences(&x, &dy, |x| norm.forward(x, &weight, &bias));
            assert_close(&narrow(&found.input), &narrow(&expected), 1e-6, format_args!("input"));
            let expected = differences(&weight, &dy, |weight| norm.forward(&x, weight, &bias));
            assert_close(&narrow(&found.weight), &narrow(&expected), 1e-6, format_args!("weight"));
            let expected = differences(&bias, &dy, |bias| norm.forward(&x, &weight, bias));
            assert_close(&narrow(&found.bias), &narrow(&expected), 1e-6, format_args!("bias"));
        }
    }
}

#[test]
#[should_panic(expected = "rows of 3 channels")]
fn broken_rows_are_refused() {
    let norm = BatchNorm { weight: &[1.0; 3], bias: &[0.0; 3], epsilon: 0.0, relu: false };
    batch_norm_inference(Cpu::best(1), norm, &[0.0; 3], &[1.0; 3], &[0.0; 4], &mut [0.0; 4]);
}

use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};

fn check(random: &mut Random, shape: DenseShape, cpus: impl Iterator<Item = Cpu>) {
    let input = random.numbers(shape.rows * shape.in_features);
    let weight = random.numbers(shape.in_features * shape.out_features);
    let bias = (random.below(3) > 0).then(|| random.numbers(shape.out_features));
    let gradient = random.numbers(shape.rows * shape.out_features);
    let wide_bias = bias.as_deref().map(wide);
    let expected = reference::dense(&shape, &wide(&input), &wide(&weight), wide_bias.as_deref());
    let expected_gradients =
        reference::gradients(&shape, &wide(&input), &wide(&weight), &expected, &wide(&gradient));
    for cpu in cpus {
        let run = || {
            let mut output = vec![f32::NAN; gradient.len()];
            dense(cpu, &shape, &input, &weight, bias.as_deref(), &mut output);
            if !weight.is_empty() {
                let weights = DenseWeights::new(cpu, &weight, shape.in_features, shape.out_features);
                let mut other = vec![f32::NAN; gradient.len()];
                dense_with(cpu, &shape, &input, &weights, bias.as_deref(), &mut other);
                assert_close(&other, &output, 1e-5, format_args!("ordered weights of {shape:?} on {cpu:?}"));
            }
            let mut by_input = vec![f32::NAN; input.len()];
            let mut by_weight = vec![f32::NAN; weight.len()];
            let mut by_bias = vec![f32::NAN; shape.out_features];
            let into = DenseGradients {
                input: Some(&mut by_input),
                weight: Some(&mut by_weight),
                bias: Some(&mut by_bias),
            };
            dense_backward(cpu, &shape, &input, &weight, &output, &gradient, into);
            [output, by_input, by_weight, by_bias]
        };
        let found = run();
        let names = ["output", "gradient by input", "gradient by weight", "gradient by bias"];
        let expected = [&expected].into_iter().chain(&expected_gradients);
        for ((name, found), expected) in names.into_iter().zip(&found).zip(expected) {
            assert_close(found, &narrow(expected), 3e-5, format_args!("{name} of {shape:?} on {cpu:?}"));
        }
        assert_eq!(found, run(), "two runs differ");
    }
}

#[test]
fn agrees_with_the_definition_for_every_size_up_to_64() {
    let mut random = Random::new(1);
    for size in 0..=64 {
        let (a, b) = (random.below(30), 1 + random.below(30));
        for [rows, in_features, out_features] in [[size, a, b], [b, size, a], [a, b, size]] {
            let relu = size % 2 == 0;
            check(&mut random, DenseShape { rows, in_features, out_features, relu }, cpus());
        }
    }
}

#[test]
fn agrees_with_the_definition_at_the_sizes_of_networks_and_beyond() {
    let mut random = Random::new(2);
    for [rows, in_features, out_features] in [[128, 784, 128], [64, 576, 64], [1, 576, 64], [600, 520, 530]] {
        let few = cpus().filter(|cpu| cpu.threads < 3);
        check(&mut random, DenseShape { rows, in_features, out_features, relu: true }, few);
    }
}

#[test]
fn without_inputs_the_bias_comes_out_and_without_rows_there_is_no_gradient() {
    let mut random = Random::new(5);
    for [rows, in_features, out_features] in [[3, 0, 200], [0, 40, 200], [3, 40, 0]] {
        check(&mut random, DenseShape { rows, in_features, out_features, relu: true }, cpus());
    }
}

#[test]
fn the_reference_agrees_with_finite_differences() {
    let mut random = Random::new(3);
    let shape = DenseShape { rows: 3, in_features: 4, out_features: 5, relu: false };
    let [input, weight, gradient] = [12, 20, 15].map(|len| wide(&random.numbers(len)));
    let [by_input, by_weight, _] = reference::gradients(&shape, &input, &weight, &[], &gradient);
    let numeric = differences(&input, &gradient, |input| reference::dense(&shape, input, &weight, None));
    assert_close(&narrow(&by_input), &narrow(&numeric), 1e-6, format_args!("by input"));
    let numeric = differences(&weight, &gradient, |weight| reference::dense(&shape, &input, weight, None));
    assert_close(&narrow(&by_weight), &narrow(&numeric), 1e-6, format_args!("by weight"));
}

#[test]
fn relu_hides_no_sum_that_is_not_a_number() {
    // The second is a product of packed factors, in several blocks of terms.
    for [rows, in_features, out_features] in [[1, 1, 40], [600, 512, 512]] {
        let shape = DenseShape { rows, in_features, out_features, relu: true };
        let (mut input, weight) = (vec![1.0; rows * in_features], vec![1.0; in_features * out_features]);
        input[0] = f32::NAN;
        for cpu in cpus().filter(|cpu| cpu.threads < 3) {
            let mut output = vec![0.0; rows * out_features];
            dense(cpu, &shape, &input, &weight, None, &mut output);
            assert!(output[..out_features].iter().all(|value| value.is_nan()), "{shape:?} on {cpu:?}");
        }
    }
}

/// The definition with factors that are rounded as the kernel rounds them.
#[test]
fn in_bf16_factors_are_rounded_and_sums_are_not() {
    use crate::Precision;
    use crate::simd::bf16::round;

    let rounded = |values: &[f32]| -> Vec<f64> { values.iter().map(|x| f64::from(round(*x))).collect() };
    let mut random = Random::new(6);
    let sizes = [[64, 64, 64], [65, 67, 71], [13, 15, 12], [128, 784, 128], [600, 520, 131], [5, 64, 64]];
    for [rows, in_features, out_features] in sizes {
        let shape = DenseShape { rows, in_features, out_features, relu: false };
        let [input, weight] = [rows * in_features, in_features * out_features].map(|len| random.numbers(len));
        let [bias, gradient] = [out_features, rows * out_features].map(|len| random.numbers(len));
        let (x, w, dy) = (rounded(&input), rounded(&weight), rounded(&gradient));
        let expected = reference::dense(&shape, &x, &w, Some(&wide(&bias)));
        let [by_input, by_weight, _] = reference::gradients(&shape, &x, &w, &expected, &dy);
        let [_, _, by_bias] = reference::gradients(&shape, &x, &w, &expected, &wide(&gradient));
        for cpu in cpus().map(|cpu| Cpu { precision: Precision::Bf16, ..cpu }) {
            let mut output = vec![f32::NAN; gradient.len()];
            match pays_to_pack(rows, in_features, out_features) {
                true => dense(cpu, &shape, &input, &weight, Some(&bias), &mut output),
                // Few rows take ordered weights where they are kept.
                false => {
                    let weights = DenseWeights::new(cpu, &weight, in_features, out_features);
                    dense_with(cpu, &shape, &input, &weights, Some(&bias), &mut output);
                }
            }
            let what = format_args!("{shape:?} on {cpu:?}");
            assert_close(&output, &narrow(&expected), 3e-5, what);
            if !pays_to_pack(rows, in_features, out_features) {
                continue;
            }
            let [mut dx, mut dw, mut db] =
                [input.len(), weight.len(), out_features].map(|len| vec![f32::NAN; len]);
            let into = DenseGradients { input: Some(&mut dx), weight: Some(&mut dw), bias: Some(&mut db) };
            dense_backward(cpu, &shape, &input, &weight, &output, &gradient, into);
            for (found, expected) in [(&dx, &by_input), (&dw, &by_weight), (&db, &by_bias)] {
                assert_close(found, &narrow(expected), 3e-5, what);
            }
        }
    }
}

use super::*;
use crate::check::{Random, assert_close, cpus};

/// All lengths up to 64, and one over which threads are spread.
fn lengths() -> impl Iterator<Item = usize> {
    (0..=64).chain([160_003])
}

#[test]
fn the_gradient_of_relu_is_the_reference() {
    for len in lengths() {
        let mut random = Random::new(len as u64);
        let (input, gradient) = (random.steps(len), random.numbers(len));
        let output: Vec<f32> = input.iter().map(|x| x.max(0.0)).collect();
        let expected_gradient = reference::relu_gradient(&output, &gradient);
        for cpu in cpus() {
            let mut input_gradient = vec![f32::NAN; len];
            relu_gradient(cpu, &output, &gradient, &mut input_gradient);
            assert_eq!(input_gradient, expected_gradient, "{len} on {cpu:?}");
        }
    }
}

#[test]
fn tanh_and_sigmoid_and_their_gradients_are_the_reference() {
    type Ours = fn(Cpu, &[f32], &mut [f32]);
    type Exact = fn(f64) -> f64;
    let functions: [(Ours, Ours, Exact, Exact); 2] = [
        (tanh, tanh_gradient_in_place, f64::tanh, |y| 1.0 - y * y),
        (sigmoid, sigmoid_gradient_in_place, |x| 1.0 / (1.0 + (-x).exp()), |y| y * (1.0 - y)),
    ];
    for len in lengths() {
        let mut random = Random::new(len as u64);
        let input: Vec<f32> = random.numbers(len).into_iter().map(|x| 12.0 * x).collect();
        let gradient = random.numbers(len);
        for (forward, backward, exact, slope) in functions {
            let expected: Vec<f32> = input.iter().map(|x| exact(f64::from(*x)) as f32).collect();
            for cpu in cpus() {
                let mut output = vec![f32::NAN; len];
                forward(cpu, &input, &mut output);
                assert_close(&output, &expected, 1e-6, format_args!("{len} on {cpu:?}"));
                let mut found = gradient.clone();
                backward(cpu, &output, &mut found);
                let slopes = output.iter().zip(&gradient);
                let expected: Vec<f32> = slopes
                    .map(|(y, gradient)| (f64::from(*gradient) * slope(f64::from(*y))) as f32)
                    .collect();
                assert_close(&found, &expected, 1e-6, format_args!("gradient, {len} on {cpu:?}"));
            }
        }
    }
}

#[test]
fn sums_are_the_reference() {
    for len in lengths() {
        let mut random = Random::new(len as u64);
        let (values, other) = (random.numbers(len), random.numbers(len));
        for cpu in cpus() {
            let mut found = values.clone();
            add(cpu, &other, &mut found);
            assert_close(&found, &reference::add(&other, &values), 1e-6, format_args!("{len} on {cpu:?}"));
        }
    }
}

#[test]
fn column_sums_are_the_reference() {
    let shapes = (0..=64).map(|columns| (columns % 7 + columns % 3 * 5, columns));
    let shapes = shapes.chain([(5000, 33), (70_001, 1), (1000, 200), (3, 70_000), (0, 5), (1, 129)]);
    for (rows, columns) in shapes {
        let mut random = Random::new((rows * 100 + columns) as u64);
        let values = random.numbers(rows * columns);
        let expected_sums = reference::column_sums(&values, columns);
        let mut first: Option<(crate::Path, Vec<f32>)> = None;
        for cpu in cpus() {
            let what = format!("{rows} x {columns} on {cpu:?}");
            let mut sums = vec![f32::NAN; columns];
            column_sums(cpu, &values, &mut sums);
            let tolerance = 1e-6 * (rows as f32).sqrt().max(1.0);
            assert_close(&sums, &expected_sums, tolerance, format_args!("sums, {what}"));
            match &first {
                Some((path, first)) if *path == cpu.path => assert!(*first == sums, "{what}: other bits"),
                _ => first = Some((cpu.path, sums)),
            }
        }
    }
}

#[test]
#[should_panic(expected = "7 values in rows of 2")]
fn broken_rows_panic() {
    column_sums(Cpu::best(1), &[0.0; 7], &mut [0.0; 2]);
}

#[test]
#[should_panic(expected = "slices differ in length")]
fn lengths_that_differ_panic() {
    add(Cpu::best(1), &[0.0; 2], &mut [0.0; 3]);
}

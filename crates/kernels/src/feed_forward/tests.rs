use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, paths, wide};
use crate::{DenseShape, Precision, dense_with};

struct Case {
    shape: FeedForward,
    input: Vec<f32>,
    weights: [Vec<f32>; 4],
    gradient: Vec<f32>,
}

impl Case {
    fn new(random: &mut Random, shape: FeedForward) -> Self {
        let FeedForward { rows, features, inner, .. } = shape;
        let lens = [features * inner, inner, inner * features, features];
        let weights = lens.map(|len| random.numbers(len));
        Case {
            shape,
            input: random.numbers(rows * features),
            weights,
            gradient: random.numbers(rows * features),
        }
    }

    fn weights(&self) -> FeedForwardWeights<'_> {
        let [weight1, bias1, weight2, bias2] = &self.weights;
        FeedForwardWeights { weight1, bias1, weight2, bias2 }
    }

    fn factors(&self) -> Vec<f32> {
        let FeedForward { rows, inner, dropout, .. } = self.shape;
        let mut factors = vec![1.0; rows * inner];
        if let Some(dropout) = dropout {
            factors.chunks_mut(inner).enumerate().for_each(|(row, factors)| dropout.factors(row, factors));
        }
        factors
    }

    /// Output, hidden values and gradients.
    fn run(&self, cpu: Cpu) -> Vec<Vec<f32>> {
        let FeedForward { rows, features, inner, .. } = self.shape;
        let mut output = vec![f32::NAN; rows * features];
        let mut hidden = vec![f32::NAN; rows * inner];
        feed_forward(cpu, &self.shape, &self.input, self.weights(), &mut output, Some(&mut hidden));
        let mut alone = vec![f32::NAN; rows * features];
        feed_forward(cpu, &self.shape, &self.input, self.weights(), &mut alone, None);
        assert_eq!(alone, output, "{:?} without hidden values", self.shape);
        if self.shape.dropout.is_none() {
            let weight1 = DenseWeights::new(cpu, &self.weights[0], features, inner);
            let weight2 = DenseWeights::new(cpu, &self.weights[2], inner, features);
            let biases = [&self.weights[1][..], &self.weights[3][..]];
            feed_forward_with(cpu, &self.shape, &self.input, [&weight1, &weight2], biases, &mut alone);
            assert_eq!(alone, output, "{:?} with ordered weights", self.shape);
        }
        let mut gradients = [features * rows, features * inner, inner, inner * features, features]
            .map(|len| vec![f32::NAN; len]);
        let [input, weight1, bias1, weight2, bias2] = &mut gradients;
        let into = FeedForwardGradients { input, weight1, bias1, weight2, bias2 };
        feed_forward_gradient(cpu, &self.shape, &self.input, self.weights(), &hidden, &self.gradient, into);
        [output, hidden].into_iter().chain(gradients).collect()
    }

    fn check(&self, cpus: impl Iterator<Item = Cpu>) {
        let (input, gradient) = (wide(&self.input), wide(&self.gradient));
        let weights = self.weights.each_ref().map(|weights| wide(weights));
        let (weights, factors) = (weights.each_ref().map(|weights| &weights[..]), wide(&self.factors()));
        let [hidden, _, output] = reference::feed_forward(&self.shape, &input, weights, &factors);
        let gradients = reference::gradients(&self.shape, &input, weights, &factors, &gradient);
        let expected: Vec<Vec<f64>> = [output, hidden].into_iter().chain(gradients).collect();
        let names = ["output", "hidden", "input", "weight1", "bias1", "weight2", "bias2"];
        for cpu in cpus {
            let found = self.run(cpu);
            for ((name, found), expected) in names.iter().zip(&found).zip(&expected) {
                assert_close(
                    found,
                    &narrow(expected),
                    5e-5,
                    format_args!("{name} of {:?} on {cpu:?}", self.shape),
                );
            }
            assert_eq!(found, self.run(cpu), "two runs differ");
        }
    }
}

fn shape(rows: usize, features: usize, inner: usize) -> FeedForward {
    FeedForward { rows, features, inner, gelu: true, dropout: None }
}

#[test]
fn agrees_with_the_definition_for_every_number_of_rows_up_to_64() {
    let mut random = Random::new(1);
    for rows in 0..=64 {
        let (features, inner) = (1 + random.below(20), 1 + random.below(40));
        let dropout = (rows % 3 == 0).then_some(Dropout { rate: 0.3, seed: rows as u64, first: 0 });
        let shape = FeedForward { gelu: rows % 2 == 0, dropout, ..shape(rows, features, inner) };
        Case::new(&mut random, shape).check(cpus());
    }
}

#[test]
fn agrees_with_the_definition_for_every_width_up_to_64_and_beyond() {
    let mut random = Random::new(2);
    for size in 1..=64 {
        let other = 1 + random.below(20);
        let [wide, narrow] = [shape(7, size, other), shape(7, other, size)];
        for shape in [wide, FeedForward { gelu: false, ..narrow }] {
            Case::new(&mut random, shape).check(cpus().filter(|cpu| cpu.threads < 3));
        }
    }
    Case::new(&mut random, shape(231, 67, 259)).check(cpus().filter(|cpu| cpu.threads < 3));
}

#[test]
fn the_reference_has_the_gradients_of_differences() {
    let mut random = Random::new(3);
    let dropout = Some(Dropout { rate: 0.4, seed: 5, first: 0 });
    for shape in [shape(3, 2, 4), FeedForward { dropout, ..shape(4, 3, 5) }] {
        let case = Case::new(&mut random, shape);
        let factors = wide(&case.factors());
        let parts: Vec<Vec<f64>> =
            std::iter::once(&case.input).chain(&case.weights).map(|values| wide(values)).collect();
        let gradient = wide(&case.gradient);
        let weights =
            |parts: &[Vec<f64>]| -> [Vec<f64>; 4] { std::array::from_fn(|at| parts[at + 1].clone()) };
        let own = weights(&parts);
        let gradients = reference::gradients(
            &shape,
            &parts[0],
            own.each_ref().map(|values| &values[..]),
            &factors,
            &gradient,
        );
        for (which, found) in gradients.iter().enumerate() {
            let expected = differences(&parts[which], &gradient, |values| {
                let mut parts = parts.clone();
                parts[which] = values.to_vec();
                let weights = weights(&parts);
                let [.., output] = reference::feed_forward(
                    &shape,
                    &parts[0],
                    weights.each_ref().map(|values| &values[..]),
                    &factors,
                );
                output
            });
            assert_close(
                &narrow(found),
                &narrow(&expected),
                1e-5,
                format_args!("gradient {which} of {shape:?}"),
            );
        }
    }
}

#[test]
#[should_panic(expected = "weights of")]
fn weights_of_another_network_are_refused() {
    let case = Case::new(&mut Random::new(4), shape(2, 3, 4));
    let mut output = [0.0; 6];
    let weights = FeedForwardWeights { bias1: &[0.0; 3], ..case.weights() };
    feed_forward(Cpu::best(1), &case.shape, &case.input, weights, &mut output, None);
}

#[test]
fn in_bf16_it_is_one_layer_after_the_other_however_many_inner_values() {
    let random = &mut Random::new(8);
    for (rows, features, inner) in [(20, 3, 64), (20, 70, 65), (7, 16, 67), (30, 33, 130), (13, 8, 259)] {
        let shape = FeedForward { rows, features, inner, gelu: false, dropout: None };
        let case = Case::new(random, shape);
        let [weight1, bias1, weight2, bias2] = &case.weights;
        for path in paths() {
            for threads in [1, 3] {
                let cpu = Cpu { threads, precision: Precision::Bf16, ..Cpu::single(path) };
                let first = DenseWeights::new(cpu, weight1, features, inner);
                let second = DenseWeights::new(cpu, weight2, inner, features);
                let mut output = vec![f32::NAN; rows * features];
                let biases = [&bias1[..], &bias2[..]];
                feed_forward_with(cpu, &shape, &case.input, [&first, &second], biases, &mut output);
                let (mut hidden, mut expected) =
                    (vec![f32::NAN; rows * inner], vec![f32::NAN; rows * features]);
                let dense = DenseShape { rows, in_features: features, out_features: inner, relu: true };
                dense_with(cpu, &dense, &case.input, &first, Some(bias1), &mut hidden);
                let dense = DenseShape { rows, in_features: inner, out_features: features, relu: false };
                dense_with(cpu, &dense, &hidden, &second, Some(bias2), &mut expected);
                assert_eq!(output, expected, "{shape:?} on {cpu:?}");
            }
        }
    }
}

use super::*;
use crate::check::{Random, assert_close, cpus, narrow, paths, wide};
use crate::cross_entropy::reference::{correct, gradient, mean};
use crate::dense::reference::{dense, gradients};
use crate::simd::bf16;
use crate::{DenseShape, Precision};

struct Case {
    shape: DenseCrossEntropyShape,
    input: Vec<f32>,
    /// `[features, classes]`
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    targets: Vec<u32>,
}

impl Case {
    fn new(random: &mut Random, shape: DenseCrossEntropyShape) -> Self {
        let DenseCrossEntropyShape { rows, features, classes, .. } = shape;
        Case {
            shape,
            input: random.numbers(rows * features),
            weight: random.numbers(features * classes),
            bias: (rows % 2 == 0).then(|| random.numbers(classes)),
            targets: (0..rows).map(|_| random.below(classes) as u32).collect(),
        }
    }

    fn turn(&self, weight: &[f32]) -> Vec<f32> {
        let DenseCrossEntropyShape { features, classes, turned, .. } = self.shape;
        match turned {
            false => weight.to_vec(),
            true => {
                (0..classes * features).map(|at| weight[at % features * classes + at / features]).collect()
            }
        }
    }

    /// The loss, and the gradients by input, weight (as the case has it) and bias.
    fn run(&self, cpu: Cpu, kind: CrossEntropy<'_>) -> (Loss, [Vec<f32>; 3]) {
        let DenseCrossEntropyShape { rows, features, classes, .. } = self.shape;
        let [mut input, mut weight, mut bias] =
            [rows * features, features * classes, classes].map(|len| vec![f32::NAN; len]);
        let into = DenseCrossEntropyGradients { input: &mut input, weight: &mut weight, bias: &mut bias };
        let turned = self.turn(&self.weight);
        let of_bias = self.bias.as_deref();
        let loss =
            dense_cross_entropy(cpu, kind, &self.shape, &self.input, &turned, of_bias, &self.targets, into);
        (loss, [input, weight, bias])
    }

    fn check(&self, cpu: Cpu, kind: CrossEntropy<'_>) {
        let DenseCrossEntropyShape { rows, features, classes, .. } = self.shape;
        let what = format!("{:?} on {cpu:?}", self.shape);
        let dense_shape = DenseShape { rows, in_features: features, out_features: classes, relu: false };
        let (input, weight) = (wide(&self.input), wide(&self.weight));
        let bias = self.bias.as_ref().map(|bias| wide(bias));
        let logits = dense(&dense_shape, &input, &weight, bias.as_deref());
        let expected = mean(kind, classes, &logits, &self.targets) as f32;
        let by_logits = gradient(kind, classes, &logits, &self.targets);
        let [by_input, by_weight, by_bias] = gradients(&dense_shape, &input, &weight, &[], &by_logits);
        let (loss, found) = self.run(cpu, kind);
        let is_bf16 = cpu.precision == Precision::Bf16;
        let tolerance = if is_bf16 { 2e-2 } else { 2e-5 };
        assert_close(&[loss.mean], &[expected], tolerance, format_args!("{what}: loss"));
        let right = correct(classes, &narrow(&logits), &self.targets);
        assert!(is_bf16 || loss.correct == right, "{what}: correct");
        let expected = [narrow(&by_input), self.turn(&narrow(&by_weight)), narrow(&by_bias)];
        for ((found, expected), name) in found.iter().zip(&expected).zip(["input", "weight", "bias"]) {
            // Of the greatest, as gradients are small.
            let greatest = expected.iter().fold(1e-2f32, |greatest, value| greatest.max(value.abs()));
            let [found, expected] =
                [found, expected].map(|of| of.iter().map(|x| x / greatest).collect::<Vec<_>>());
            assert_close(&found, &expected, tolerance, format_args!("{what}: {name}"));
        }
        let (again, gradients) = self.run(cpu, kind);
        // Of no rows the mean is not a number, which equals nothing.
        assert_eq!(again.mean.to_bits(), loss.mean.to_bits(), "{what}: two losses differ");
        assert_eq!((again.correct, gradients), (loss.correct, found), "{what}: two runs differ");
    }
}

fn shapes() -> impl Iterator<Item = DenseCrossEntropyShape> {
    let sizes = (1..=24).map(|size| (size, 1 + size % 7, 25 - size));
    let sizes = sizes.chain([(0, 3, 4), (61, 5, 1), (37, 40, 67), (13, 3, 301)]);
    sizes.flat_map(|(rows, features, classes)| {
        [false, true].map(|turned| DenseCrossEntropyShape { rows, features, classes, turned })
    })
}

#[test]
fn it_equals_a_dense_layer_and_a_cross_entropy() {
    let mut random = Random::new(3);
    for shape in shapes() {
        let case = Case::new(&mut random, shape);
        let weights: Vec<f32> = (0..shape.classes).map(|_| random.number() + 1.5).collect();
        let kinds =
            [CrossEntropy::default(), CrossEntropy { label_smoothing: 0.2, class_weights: Some(&weights) }];
        for (cpu, kind) in cpus().flat_map(|cpu| kinds.map(|kind| (cpu, kind))) {
            case.check(cpu, kind);
        }
    }
}

/// The exact result is near that of rounded factors: a bf16 has steps of 1 in 256.
#[test]
fn in_bf16_it_is_near() {
    let mut random = Random::new(4);
    for shape in shapes().filter(|shape| shape.rows > 8) {
        let mut case = Case::new(&mut random, shape);
        for values in [&mut case.input, &mut case.weight] {
            values.iter_mut().for_each(|value| *value = bf16::round(*value));
        }
        for path in paths() {
            let cpu = Cpu { threads: 2, precision: Precision::Bf16, ..Cpu::single(path) };
            case.check(cpu, CrossEntropy::default());
        }
    }
}

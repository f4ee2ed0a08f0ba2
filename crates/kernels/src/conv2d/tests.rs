use super::*;
use crate::check::{Random, assert_close, cpus, differences, narrow, wide};
use crate::{Cpu, Precision};

struct Case {
    shape: Conv2dShape,
    input: Vec<f32>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    gradient: Vec<f32>,
}

impl Case {
    fn new(random: &mut Random, shape: Conv2dShape) -> Self {
        let mut case = Case {
            input: random.numbers(shape.batch * shape.input_len()),
            weight: random.numbers(shape.weight_len()),
            bias: (random.below(3) > 0).then(|| random.numbers(shape.out_channels)),
            gradient: random.numbers(shape.batch * shape.output_len()),
            shape,
        };
        if shape.relu {
            // Rounding decides on which side of 0 such an output is, and so whether its gradient counts.
            let before_relu = Conv2dShape { relu: false, ..shape };
            let bias = case.bias.as_deref().map(wide);
            let convolved =
                reference::convolve(&before_relu, &wide(&case.input), &wide(&case.weight), bias.as_deref());
            let outputs = reference::maxima(&shape, &convolved);
            for (gradient, at) in case.gradient.iter_mut().zip(outputs) {
                *gradient = if convolved[at].abs() < 1e-3 { 0.0 } else { *gradient };
            }
        }
        case
    }

    /// Output and gradients by input, weight and bias.
    fn run(&self, cpu: Cpu) -> [Vec<f32>; 4] {
        let shape = &self.shape;
        let bias = self.bias.as_deref();
        let mut inferred = vec![f32::NAN; self.gradient.len()];
        conv2d(cpu, shape, &self.input, &self.weight, bias, &mut inferred);
        let mut output = vec![f32::NAN; self.gradient.len()];
        let tape = conv2d_for_training(cpu, shape, &self.input, &self.weight, bias, &mut output);
        assert_eq!(inferred, output, "inference and training differ: {shape:?}");
        if let Some(weights) = Conv2dWeights::new(cpu, shape, &self.weight) {
            let mut other = vec![f32::NAN; self.gradient.len()];
            conv2d_with(cpu, shape, &self.input, &weights, bias, &mut other);
            // What tiles of 4 by 4 outputs add up to is rounded as the root of its terms too.
            let tolerance = match winograd::side_prepared(cpu.precision, shape) {
                Some(4) => 3e-5f32.max(3e-6 * (shape.taps() as f32).sqrt()),
                _ => 3e-5,
            };
            assert_close(&other, &output, tolerance, format_args!("ordered weights of {shape:?} on {cpu:?}"));
        }
        let mut by_input = vec![f32::NAN; self.input.len()];
        let mut by_weight = vec![f32::NAN; self.weight.len()];
        let mut by_bias = vec![f32::NAN; shape.out_channels];
        let into = Conv2dGradients {
            input: Some(&mut by_input),
            weight: Some(&mut by_weight),
            bias: Some(&mut by_bias),
            squares: None,
        };
        conv2d_backward(cpu, shape, &self.input, &self.weight, &output, &tape, &self.gradient, into);
        self.check_squares(cpu, &output, &tape, &by_input);
        [output, by_input, by_weight, by_bias]
    }

    /// The squares of each image's gradients are those that it has alone.
    fn check_squares(&self, cpu: Cpu, output: &[f32], tape: &Conv2dTape, by_input: &[f32]) {
        let Case { shape, input, weight, gradient, .. } = self;
        let mut squares = vec![f64::NAN; shape.batch];
        let mut found = vec![f32::NAN; input.len()];
        let into = Conv2dGradients {
            input: Some(&mut found),
            squares: Some(ImageSquares { of_weight: true, of_bias: true, into: &mut squares }),
            ..Conv2dGradients::default()
        };
        conv2d_backward(cpu, shape, input, weight, output, tape, gradient, into);
        assert_close(&found, by_input, 1e-4, format_args!("input beside squares, {shape:?}"));
        // What is by image multiplies window by window, which stays in f32.
        let tolerance = if cpu.precision == Precision::F32 { 1e-4 } else { 1e-2 };
        let alone = Conv2dShape { batch: 1, ..*shape };
        for (image, square) in squares.into_iter().enumerate() {
            let of_input = image * shape.input_len()..(image + 1) * shape.input_len();
            let of_output = image * shape.output_len()..(image + 1) * shape.output_len();
            let maxima = tape.maxima.get(of_output.clone()).unwrap_or_default().to_vec();
            let mut by_weight = vec![f32::NAN; weight.len()];
            let mut by_bias = vec![f32::NAN; shape.out_channels];
            let into = Conv2dGradients {
                weight: Some(&mut by_weight),
                bias: Some(&mut by_bias),
                ..Conv2dGradients::default()
            };
            let (output, gradient) = (&output[of_output.clone()], &gradient[of_output]);
            let tape = Conv2dTape { maxima };
            conv2d_backward(cpu, &alone, &input[of_input], weight, output, &tape, gradient, into);
            let sum: f64 = by_weight.iter().chain(&by_bias).map(|value| f64::from(*value).powi(2)).sum();
            assert!(
                (square - sum).abs() <= tolerance * sum,
                "squares of image {image}: {square}, not {sum}; {shape:?}"
            );
        }
    }

    fn check(&self, cpus: impl Iterator<Item = Cpu>) {
        let (input, weight) = (wide(&self.input), wide(&self.weight));
        let bias = self.bias.as_deref().map(wide);
        let convolved = reference::convolve(&self.shape, &input, &weight, bias.as_deref());
        let output: Vec<f64> =
            reference::maxima(&self.shape, &convolved).into_iter().map(|at| convolved[at]).collect();
        let gradients =
            reference::gradients(&self.shape, &input, &weight, bias.as_deref(), &wide(&self.gradient));
        let [by_input, by_weight, by_bias] = gradients;
        // The maps of tiles add before they multiply, which rounds the larger the sums are: as the root of their terms; and those of
        // 4 by 4 outputs multiply as well.
        let tolerance = |terms: usize, each: f32| match winograd::suits(&self.shape) {
            true => 2e-5f32.max(each * (terms as f32).sqrt()),
            false => 2e-5,
        };
        let pixels = self.gradient.len() / self.shape.out_channels.max(1);
        let terms = pixels.max(self.shape.taps());
        let [of_output, of_input] = match winograd::suits(&self.shape) {
            true => winograd::sides(Precision::F32, &self.shape)
                .map(|side| tolerance(terms, if side == 4 { 3e-6 } else { 1e-6 })),
            false => [2e-5; 2],
        };
        let of_weights = tolerance(terms, 1e-6);
        let tolerances = [of_output, of_input, of_weights, of_weights];
        for cpu in cpus {
            let found = self.run(cpu);
            let names = ["output", "gradient by input", "gradient by weight", "gradient by bias"];
            let expected = [&output, &by_input, &by_weight, &by_bias];
            for (at, name) in names.into_iter().enumerate() {
                assert_close(
                    &found[at],
                    &narrow(expected[at]),
                    tolerances[at],
                    format_args!("{name} of {:?} on {cpu:?}", self.shape),
                );
            }
            assert_eq!(found, self.run(cpu), "two runs differ");
        }
    }
}

/// Sizes at random, mostly odd ones.
fn any_shape(random: &mut Random) -> Conv2dShape {
    let groups = [1, 1, 1, 2, 3][random.below(5)];
    let kernel_size = [1 + random.below(4), 1 + random.below(4)];
    let size = [1 + random.below(11), 1 + random.below(11)];
    let mut shape = Conv2dShape::new(
        random.below(5),
        groups * (1 + random.below(5)),
        groups * (1 + random.below(9)),
        size,
        kernel_size,
    );
    shape.groups = groups;
    shape.stride = [1 + random.below(3), 1 + random.below(3)];
    if random.below(2) == 0 {
        shape.stride = [1, 1];
    }
    shape.dilation = [1 + random.below(2), 1 + random.below(3)];
    if random.below(2) == 0 {
        shape.padding = [(); 4].map(|()| random.below(4));
    }
    shape.relu = random.below(2) == 0;
    if random.below(2) == 0 {
        shape.pool = Some(MaxPool {
            kernel_size: [1 + random.below(3), 1 + random.below(3)],
            stride: [1 + random.below(3), 1 + random.below(3)],
        });
    }
    shape
}

#[test]
fn agrees_with_the_definition_for_every_kind_of_convolution() {
    let mut random = Random::new(1);
    for _ in 0..300 {
        let shape = any_shape(&mut random);
        Case::new(&mut random, shape).check(cpus());
    }
}

#[test]
fn agrees_with_the_definition_for_every_number_of_channels_up_to_64() {
    let mut random = Random::new(2);
    for channels in 0..=64 {
        let few = 1 + random.below(4);
        for [inputs, outputs] in [[channels, few], [few, channels]] {
            let mut shape = Conv2dShape::new(2, inputs, outputs, [5, 4], [3, 2]);
            shape.relu = channels % 2 == 0;
            shape.pool = (channels % 3 == 0).then_some(MaxPool { kernel_size: [2, 2], stride: [2, 2] });
            Case::new(&mut random, shape).check(cpus().filter(|cpu| cpu.threads < 3));
        }
    }
}

#[test]
fn agrees_with_the_definition_at_the_sizes_of_networks() {
    let mut random = Random::new(3);
    let pool = Some(MaxPool { kernel_size: [2, 2], stride: [2, 2] });
    for (inputs, outputs, size) in [(1, 32, [28, 20]), (32, 64, [13, 11]), (64, 64, [5, 7])] {
        let shape = Conv2dShape { relu: true, pool, ..Conv2dShape::new(3, inputs, outputs, size, [3, 3]) };
        Case::new(&mut random, shape).check(cpus());
        let same = Conv2dShape { padding: [1; 4], pool: None, ..shape };
        Case::new(&mut random, same).check(cpus());
        let strided = Conv2dShape { stride: [2, 2], ..same };
        Case::new(&mut random, strided).check(cpus());
    }
}

#[test]
fn agrees_with_the_definition_where_multiplications_are_saved() {
    let mut random = Random::new(6);
    let (mut suited, mut large) = (0, [0; 2]);
    for _ in 0..120 {
        let channels = [(); 2].map(|()| 6 + random.below(40));
        let size = [(); 2].map(|()| 1 + random.below(12));
        let mut shape = Conv2dShape::new(1 + random.below(9), channels[0], channels[1], size, [3, 3]);
        shape.padding = [(); 4].map(|()| random.below(4));
        shape.relu = random.below(2) == 0;
        shape.pool = (random.below(3) == 0).then_some(MaxPool { kernel_size: [2, 2], stride: [2, 2] });
        suited += usize::from(winograd::suits(&shape));
        let sides = if winograd::suits(&shape) { winograd::sides(Precision::F32, &shape) } else { [0; 2] };
        for (large, side) in large.iter_mut().zip(sides) {
            *large += usize::from(side == 4);
        }
        Case::new(&mut random, shape).check(cpus());
    }
    assert!(suited > 80, "only {suited} of 120 are done so");
    assert!(large.iter().all(|large| *large > 20), "only {large:?} of 120 by tiles of 4 by 4");
}

#[test]
fn agrees_with_the_definition_in_deep_layers_of_small_images() {
    // Few tiles and many channels: the tiles of the whole batch are mapped before their products are summed.
    let mut random = Random::new(7);
    for (inputs, outputs, batch) in [(130, 70, 5), (65, 200, 3), (96, 96, 2)] {
        let shape =
            Conv2dShape { padding: [1; 4], ..Conv2dShape::new(batch, inputs, outputs, [4, 4], [3, 3]) };
        assert!(winograd::suits(&shape));
        Case::new(&mut random, shape).check(cpus());
    }
}

#[test]
fn tiles_of_4_by_4_are_off_by_few_times_what_sums_of_all_multiplications_are() {
    let mut random = Random::new(8);
    for channels in [32, 256] {
        let shape = Conv2dShape { padding: [1; 4], ..Conv2dShape::new(4, channels, 16, [8, 8], [3, 3]) };
        assert_eq!(winograd::side_prepared(Precision::F32, &shape), Some(4));
        let case = Case::new(&mut random, Conv2dShape { relu: false, pool: None, ..shape });
        let expected = reference::convolve(&case.shape, &wide(&case.input), &wide(&case.weight), None);
        // A fourth column of zeros is the same convolution, of which no multiplication is saved.
        let wider = Conv2dShape { kernel_size: [3, 4], padding: [1, 1, 1, 2], ..case.shape };
        let row = 3 * channels * shape.out_channels;
        let zeros = vec![0.0; row / 3];
        let wider_weight: Vec<f32> =
            case.weight.chunks_exact(row).flat_map(|row| row.iter().chain(&zeros).copied()).collect();
        assert_eq!(winograd::side_prepared(Precision::F32, &wider), None);
        for cpu in cpus() {
            let off = |shape: &Conv2dShape, weight: &[f32]| {
                let weights = Conv2dWeights::new(cpu, shape, weight).expect("no groups");
                let mut output = vec![f32::NAN; expected.len()];
                conv2d_with(cpu, shape, &case.input, &weights, None, &mut output);
                let squares = output.iter().zip(&expected).map(|(x, y)| (f64::from(*x) - y).powi(2));
                squares.sum::<f64>().sqrt()
            };
            let (by_tiles, direct) = (off(&case.shape, &case.weight), off(&wider, &wider_weight));
            assert!(by_tiles < 3.0 * direct, "{channels} channels on {cpu:?}: {by_tiles:e}, {direct:e}");
        }
    }
}

#[test]
fn the_reference_agrees_with_finite_differences() {
    let mut random = Random::new(4);
    for _ in 0..40 {
        let shape = Conv2dShape { relu: false, pool: None, ..any_shape(&mut random) };
        let case = Case::new(&mut random, shape);
        let (input, weight, gradient) = (wide(&case.input), wide(&case.weight), wide(&case.gradient));
        let [by_input, by_weight, _] = reference::gradients(&shape, &input, &weight, None, &gradient);
        let numeric =
            differences(&input, &gradient, |input| reference::convolve(&shape, input, &weight, None));
        assert_close(&narrow(&by_input), &narrow(&numeric), 1e-5, format_args!("by input, {shape:?}"));
        let numeric =
            differences(&weight, &gradient, |weight| reference::convolve(&shape, &input, weight, None));
        assert_close(&narrow(&by_weight), &narrow(&numeric), 1e-5, format_args!("by weight, {shape:?}"));
    }
}

#[test]
fn only_the_gradients_asked_for_are_written() {
    let mut random = Random::new(5);
    let shape = Conv2dShape { relu: true, ..Conv2dShape::new(2, 3, 4, [6, 5], [3, 2]) };
    let case = Case::new(&mut random, shape);
    let [output, by_input, by_weight, by_bias] = case.run(Cpu::best(1));
    for wanted in 0..3 {
        let mut found = vec![f32::NAN; [by_input.len(), by_weight.len(), by_bias.len()][wanted]];
        let mut into = Conv2dGradients::default();
        match wanted {
            0 => into.input = Some(&mut found),
            1 => into.weight = Some(&mut found),
            _ => into.bias = Some(&mut found),
        }
        let tape = Conv2dTape::default();
        let Case { input, weight, gradient, .. } = &case;
        conv2d_backward(Cpu::best(1), &shape, input, weight, &output, &tape, gradient, into);
        assert_eq!(found, *[&by_input, &by_weight, &by_bias][wanted]);
    }
}

/// In bf16 every path rounds where the plain one does, whose roundings are far from those of another method.
#[test]
fn in_bf16_all_paths_agree_with_the_plain_one_and_roughly_with_the_definition() {
    use crate::Path;

    let mut random = Random::new(8);
    for [batch, inside, outside, size] in
        [[2, 24, 32, 8], [3, 7, 9, 7], [5, 33, 65, 4], [9, 40, 40, 2], [2, 6, 16, 5], [7, 31, 24, 3]]
    {
        let mut shape = Conv2dShape::new(batch, inside, outside, [size, size + 1], [3, 3]);
        shape.padding = [1; 4];
        let case = Case::new(&mut random, shape);
        let bf16 = |cpu: Cpu| Cpu { precision: Precision::Bf16, ..cpu };
        let expected = case.run(bf16(Cpu::single(Path::Plain)));
        let definition = case.run(Cpu::single(Path::Plain));
        for cpu in cpus().map(bf16) {
            let found = case.run(cpu);
            for (found, expected) in found.iter().zip(&expected) {
                assert_close(found, expected, 3e-5, format_args!("{shape:?} on {cpu:?}"));
            }
            assert_eq!(found, case.run(cpu), "two runs differ");
        }
        if winograd::suits(&shape) {
            assert_ne!(definition[0], expected[0], "not in bf16: {shape:?}");
        }
        for (found, expected) in expected.iter().zip(&definition) {
            // A factor is off by at most 1/256, and errors of many add up as their root.
            let scale = expected.iter().fold(1.0f32, |most, x| most.max(x.abs()));
            let errors = found.iter().zip(expected).map(|(x, y)| (x - y).abs());
            let worst = errors.fold(0.0f32, f32::max);
            assert!(worst <= 0.02 * scale, "{shape:?}: {worst} of {scale}");
        }
    }
}

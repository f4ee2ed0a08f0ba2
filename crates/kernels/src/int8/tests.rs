use super::*;
use crate::check::{Random, cpus, paths};

fn scale(random: &mut Random) -> Int8Scale {
    let zero_point = [0, 128, 255, random.below(256) as u8][random.below(4)];
    Int8Scale { scale: 0.004 * (1.5 + random.number()), zero_point }
}

fn conv(random: &mut Random, in_channels: usize, out_channels: usize, kernel: [usize; 2]) -> Int8Conv2d {
    let terms = in_channels * kernel[0] * kernel[1];
    let weight = (0..out_channels * terms).map(|_| (random.below(255) as i16 - 127) as i8).collect();
    let mut weight_scale: Vec<f32> = (0..out_channels).map(|_| 0.01 * (1.1 + random.number())).collect();
    // A channel of which nothing but its bias is left, whose layer cannot have whole biases.
    if random.below(5) == 0 {
        weight_scale[random.below(out_channels)] = 1e-15;
    }
    Int8Conv2d {
        out_channels,
        kernel_size: kernel,
        stride: [1, 1],
        padding: [0; 4],
        dilation: [1, 1],
        weight,
        weight_scale,
        bias: random.numbers(out_channels),
        relu: random.below(2) == 0,
        output: Some(Int8Scale { scale: 0.02 * (terms as f32).sqrt(), ..scale(random) }),
    }
}

/// Compares all paths and threads with the reference, bit by bit.
#[track_caller]
fn check(dims: [usize; 3], layers: &[Int8Layer], random: &mut Random, batch: usize) {
    let input_scale = scale(random);
    let len: usize = dims.iter().product();
    let mut input = random.numbers(batch * len);
    if let Some(first) = input.first_mut() {
        *first = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30][random.below(4)];
    }
    let expected = reference::run(dims, input_scale, layers, &input);
    for cpu in cpus() {
        let network = Int8Network::new(cpu, dims, input_scale, layers);
        let mut output = vec![9.0; batch * network.out_len()];
        network.run(cpu, batch, &input, false, &mut output);
        let [channels, height, width] = dims;
        let mut turned = vec![0.0; input.len()];
        for (at, value) in input.iter().enumerate() {
            let (x, y) = (at % width, at / width % height);
            let (channel, image) = (at / width / height % channels, at / len);
            turned[((image * height + y) * width + x) * channels + channel] = *value;
        }
        let mut from_turned = vec![9.0; output.len()];
        network.run(cpu, batch, &turned, true, &mut from_turned);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        assert!(bits(&from_turned) == bits(&expected), "{cpu:?} {dims:?} channels last");
        assert!(bits(&output) == bits(&expected), "{cpu:?} {dims:?} batch {batch} {layers:?}");
    }
}

#[test]
fn dense_layers_of_every_size_agree_with_the_reference() {
    let mut random = Random::new(1);
    for size in (1..=65).chain([127, 255]) {
        let out = random.below(70) + 1;
        let hidden = conv(&mut random, size, out, [1, 1]);
        let last = Int8Conv2d { output: None, ..conv(&mut random, out, size, [1, 1]) };
        let batch = random.below(20);
        check([size, 1, 1], &[Int8Layer::Conv2d(hidden), Int8Layer::Conv2d(last)], &mut random, batch);
    }
}

#[test]
fn convolutions_agree_with_the_reference() {
    let mut random = Random::new(2);
    for case in 0..60 {
        let dims = [[1, 3, 4, 7, 16, 33][random.below(6)], random.below(9) + 3, random.below(9) + 3];
        let kernel = [random.below(3) + 1, random.below(3) + 1];
        let out_channels = random.below(70) + 1;
        let mut first = conv(&mut random, dims[0], out_channels, kernel);
        first.stride = [random.below(2) + 1, random.below(2) + 1];
        first.padding = std::array::from_fn(|_| random.below(3));
        if case % 4 == 0 && dims[1] > 4 && dims[2] > 4 {
            first.dilation = [2, 2];
        }
        let batch = random.below(5) + 1;
        check(dims, &[Int8Layer::Conv2d(first)], &mut random, batch);
    }
}

/// Windows of which most or all values meet the border, which no padding of one or two makes of larger images.
#[test]
fn convolutions_of_small_images_agree_with_the_reference() {
    let mut random = Random::new(7);
    let mut empty = 0;
    for _ in 0..80 {
        let dims = [[1, 3, 5, 16][random.below(4)], random.below(3) + 1, random.below(3) + 1];
        let kernel = [random.below(3) + 1, random.below(3) + 1];
        let out_channels = random.below(40) + 1;
        let mut only = conv(&mut random, dims[0], out_channels, kernel);
        only.stride = [(); 2].map(|()| random.below(3) + 1);
        only.dilation = [(); 2].map(|()| random.below(3) + 1);
        only.padding = [(); 4].map(|()| random.below(5) + 3);
        empty +=
            usize::from((0..2).any(|axis| only.padding[axis] > only.dilation[axis] * (kernel[axis] - 1)));
        let batch = random.below(17);
        check(dims, &[Int8Layer::Conv2d(only)], &mut random, batch);
    }
    assert!(empty > 20, "only {empty} have windows that meet nothing but the border");
}

/// Images of 1 by 1 under a kernel of 3 by 3, by threads too, which share out columns where there are few images.
#[test]
fn a_padded_convolution_may_be_the_last_layer() {
    let mut random = Random::new(8);
    for batch in 1..=17 {
        for padding in [[1; 4], [2, 0, 0, 2]] {
            let last = Int8Conv2d { padding, output: None, ..conv(&mut random, 24, 70, [3, 3]) };
            check([24, 1, 1], &[Int8Layer::Conv2d(last)], &mut random, batch);
        }
    }
}

#[test]
fn a_border_may_be_wider_than_the_padding_of_one_who_reads_it() {
    let mut random = Random::new(9);
    for [stride, size] in [[1, 4], [2, 4], [2, 7], [2, 1]] {
        let mut layer = |kernel: usize, padding| {
            let layer = conv(&mut random, 5, 20, [kernel; 2]);
            Int8Layer::Conv2d(Int8Conv2d { stride: [stride; 2], padding: [padding; 4], ..layer })
        };
        let [first, wide, shortcut] = [layer(3, 1), layer(5, 2), layer(1, 0)];
        for layers in [vec![first], vec![wide]] {
            let output = Int8Scale { scale: 0.3, ..scale(&mut random) };
            let residual =
                Int8Layer::Residual { layers, shortcut: vec![shortcut.clone()], relu: true, output };
            check([5, size, size], &[residual], &mut random, 3);
        }
    }
}

/// Each kind of windows has tables of its own, so that a file with a large kernel must not ask for thousands.
#[test]
fn windows_of_large_kernels_are_not_told_apart_by_their_border() {
    let mut random = Random::new(10);
    for (kernel, expected) in [(3, vec![9, 3, 1]), (9, vec![17, 1]), (27, vec![1])] {
        let mut only = conv(&mut random, 1, 4, [kernel; 2]);
        only.padding = [kernel - 1; 4];
        if kernel == 3 {
            only.padding = [1; 4];
        }
        let dims = [1, kernel, kernel];
        let network =
            Int8Network::new(Cpu::best(1), dims, scale(&mut random), &[Int8Layer::Conv2d(only.clone())]);
        let kinds = network.steps.iter().find_map(|step| match step {
            steps::Step::Product(product) => Some(product.windows.iter().map(Vec::len).collect::<Vec<_>>()),
            _ => None,
        });
        assert_eq!(kinds.unwrap(), expected);
        check(dims, &[Int8Layer::Conv2d(only)], &mut random, 2);
    }
}

#[test]
fn whole_networks_agree_with_the_reference() {
    let mut random = Random::new(3);
    for batch in [0, 1, 2, 5, 40] {
        let same = |conv: Int8Conv2d| Int8Layer::Conv2d(Int8Conv2d { padding: [1; 4], ..conv });
        let pool = Int8Pool { kernel_size: [2, 2], stride: [2, 2] };
        let small = Int8Pool { kernel_size: [1, 2], stride: [1, 1] };
        let overlapping = Int8Pool { kernel_size: [3, 2], stride: [1, 2] };
        let body = vec![
            Int8Layer::Relu,
            same(conv(&mut random, 20, 12, [3, 3])),
            same(conv(&mut random, 12, 20, [3, 3])),
        ];
        let other = vec![Int8Layer::Conv2d(conv(&mut random, 20, 20, [1, 1]))];
        let residual = |random: &mut Random, layers: Vec<Int8Layer>, shortcut: Vec<Int8Layer>, relu| {
            let output = Int8Scale { scale: 0.3, ..scale(random) };
            Int8Layer::Residual { layers, shortcut, relu, output }
        };
        let trunk = vec![
            same(conv(&mut random, 3, 20, [3, 3])),
            Int8Layer::MaxPool { pool, least: Vec::new() },
            Int8Layer::MaxPool { pool: small, least: (0..20).map(|_| random.below(2) == 0).collect() },
            residual(&mut random, body.clone(), Vec::new(), true),
            residual(&mut random, body, other, false),
            Int8Layer::AveragePool(overlapping),
        ];
        let flat = Int8Layer::Conv2d(conv(&mut random, 20, 9, [3, 3]));
        let last = Int8Layer::Conv2d(Int8Conv2d { output: None, ..conv(&mut random, 9, 10, [1, 1]) });
        check([3, 10, 14], &[&trunk[..], &[flat, last]].concat(), &mut random, batch);
        let last = Int8Layer::Conv2d(Int8Conv2d { output: None, ..conv(&mut random, 20, 10, [1, 1]) });
        check([3, 10, 14], &[&trunk[..], &[Int8Layer::GlobalAveragePool, last]].concat(), &mut random, batch);
        check([3, 10, 14], &[&trunk[..], &[Int8Layer::GlobalAveragePool]].concat(), &mut random, batch);
        check([3, 10, 14], &trunk, &mut random, batch);
    }
    check([2, 3, 4], &[], &mut random, 3);
}

/// Pixels begin at any byte, and lanes of four bytes with them.
#[test]
fn pooling_agrees_with_the_reference_for_any_number_of_channels() {
    let mut random = Random::new(5);
    for channels in 1..=37 {
        let pool = Int8Pool { kernel_size: [2, 2], stride: [2, 1] };
        let least = (0..channels).map(|_| random.below(2) == 0).collect();
        for layer in [Int8Layer::MaxPool { pool, least }, Int8Layer::AveragePool(pool)] {
            check([channels, 5, 4], &[layer], &mut random, 3);
        }
    }
}

#[test]
fn a_bias_is_whole_where_no_sum_can_leave_32_bits() {
    let mut random = Random::new(6);
    let mut dense = conv(&mut random, 2, 2, [1, 1]);
    (dense.weight, dense.weight_scale, dense.bias) =
        (vec![127, -127, 1, 0], vec![0.5, 0.25], vec![1.0, -0.3]);
    let input = Int8Scale { scale: 0.5, zero_point: 3 };
    assert_eq!(dense.whole_bias(input), Some(vec![4, -2]));
    // Both products of the first channel may be 255 · 127.
    let most = (i32::MAX - 2 * 255 * 127) as f32 * 0.25;
    dense.bias[0] = most * 0.999;
    assert!(dense.whole_bias(input).is_some());
    for bias in [most * 1.001, -most * 1.001, f32::NAN, f32::INFINITY] {
        dense.bias[0] = bias;
        assert_eq!(dense.whole_bias(input), None, "{bias}");
    }
    (dense.weight_scale[0], dense.bias[0]) = (0.0, 0.0);
    assert_eq!(dense.whole_bias(input), Some(vec![0, -2]));
}

/// Pairs of products that `vpmaddubsw` would cut off, and the longest sums there may be.
#[test]
fn extreme_bytes_are_not_cut_off() {
    for (weight, terms) in
        [(127, 64), (-127, 64), (127, Int8Conv2d::MOST_TERMS), (-127, Int8Conv2d::MOST_TERMS)]
    {
        let dense = Int8Conv2d {
            out_channels: 1,
            kernel_size: [1, 1],
            stride: [1, 1],
            padding: [0; 4],
            dilation: [1, 1],
            weight: vec![weight; terms],
            weight_scale: vec![1.0],
            bias: vec![0.0],
            relu: false,
            output: None,
        };
        for zero_point in [0, 255] {
            let scale = Int8Scale { scale: 1.0, zero_point };
            let number = if zero_point == 0 { 255.0 } else { -255.0 };
            for path in paths() {
                let cpu = Cpu::single(path);
                let layers = [Int8Layer::Conv2d(dense.clone())];
                let network = Int8Network::new(cpu, [terms, 1, 1], scale, &layers);
                let mut output = [0.0];
                network.run(cpu, 1, &vec![number; terms], false, &mut output);
                assert_eq!(output[0], number * f32::from(weight) * terms as f32, "{path}");
            }
        }
    }
}

#[test]
fn every_path_multiplies_bytes_alike() {
    use crate::simd::{Kernel, Simd};

    struct Quads<'a>([&'a [f32]; 3], &'a mut Vec<u32>);

    impl Kernel for Quads<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for at in (0..self.0[0].len()).step_by(S::LANES) {
                // SAFETY: all slices are as long, by whole vectors.
                let [a, b, c] = self.0.map(|values| unsafe { s.load(values[at..].as_ptr()) });
                let mut lanes = [0.0; 16];
                for result in [s.mul_add_quads(a, b, c), s.whole_to_numbers(c)] {
                    // SAFETY: no vector has more lanes.
                    unsafe { s.store(lanes.as_mut_ptr(), result) };
                    self.1.extend(lanes[..S::LANES].iter().map(|lane| lane.to_bits()));
                }
            }
        }
    }

    let mut random = Random::new(4);
    let mut bits = |of: &dyn Fn(&mut Random) -> u8| -> Vec<f32> {
        let quads = (0..64).map(|_| std::array::from_fn(|_| of(&mut random)));
        quads.map(|quad: [u8; 4]| f32::from_bits(u32::from_le_bytes(quad))).collect()
    };
    let extreme = |random: &mut Random| [0, 127, 128, 129, 255, random.below(256) as u8][random.below(6)];
    let [a, b, c] = std::array::from_fn(|_| bits(&extreme));
    let expected = |width: usize| -> Vec<u32> {
        let mut all = Vec::new();
        for at in (0..64).step_by(width) {
            for lane in at..at + width {
                let quads = a[lane].to_bits().to_le_bytes().into_iter().zip(b[lane].to_bits().to_le_bytes());
                let sum: i32 = quads.map(|(a, b)| i32::from(a) * i32::from(b as i8)).sum();
                all.push(c[lane].to_bits().wrapping_add(sum as u32));
            }
            all.extend((at..at + width).map(|lane| (c[lane].to_bits() as i32 as f32).to_bits()));
        }
        all
    };
    for path in paths() {
        for own in [false, true] {
            let mut found = Vec::new();
            let kernel = Quads([&a, &b, &c], &mut found);
            if own {
                path.run_int8(kernel)
            } else {
                path.run(kernel)
            }
            assert!(found == expected(path.lanes()), "{path}, its own instructions {own}");
        }
    }
}

#[test]
fn rows_in_bytes_of_their_own_agree_with_the_reference() {
    let mut random = Random::new(9);
    let sizes = (0..=66).map(|size| (random.below(20), size, random.below(150))).collect::<Vec<_>>();
    for (rows, in_features, out_features) in
        sizes.into_iter().chain([(130, 300, 200), (1, 500, 700), (70, 5, 0)])
    {
        let mut weight = random.numbers(in_features * out_features);
        for (at, value) in weight.iter_mut().enumerate() {
            // Columns of nothing, of nearly nothing and of a lot.
            *value *= [1.0, 0.0, 1e-38, 1e20, 1.0, 1.0][at % out_features % 6];
        }
        let mut input = random.numbers(rows * in_features);
        for (at, row) in input.chunks_exact_mut(in_features.max(1)).enumerate() {
            match at % 7 {
                1 => row.fill(0.0),
                2 => {
                    row[random.below(in_features)] =
                        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][random.below(3)]
                }
                3 => row.iter_mut().for_each(|x| *x *= 1e-37),
                4 => row.fill(-3e38),
                _ => {}
            }
        }
        let mut bias = random.numbers(out_features);
        if out_features > 3 {
            bias[2] = f32::NAN;
        }
        let (bias, relu) = ((random.below(2) == 0).then_some(&bias[..]), random.below(2) == 0);
        let sizes = [rows, in_features, out_features];
        let expected = dense::reference(&weight, sizes, &input, bias, relu);
        for cpu in cpus() {
            let weights = Int8DenseWeights::new(cpu, &weight, in_features, out_features).unwrap();
            let mut output = vec![9.0; rows * out_features];
            int8_dense(cpu, &weights, &input, rows, bias, relu, &mut output);
            let bits = |values: &[f32]| {
                values
                    .iter()
                    .map(|value| if value.is_nan() { 1 } else { (value + 0.0).to_bits() })
                    .collect::<Vec<_>>()
            };
            if let Some(at) =
                (0..output.len()).find(|at| bits(&output[*at..=*at]) != bits(&expected[*at..=*at]))
            {
                panic!(
                    "{cpu:?} {rows} x {in_features} x {out_features} {relu}: {at}: {} for {}, row {:?}",
                    output[at],
                    expected[at],
                    &input[at / out_features * in_features..][..in_features]
                );
            }
        }
    }
}

#[test]
fn a_feed_forward_network_is_its_layers() {
    let mut random = Random::new(11);
    for (rows, features, inner) in [(0, 5, 9), (1, 33, 70), (7, 16, 64), (100, 40, 90), (300, 9, 17)] {
        let [first, second] = [(); 2].map(|()| random.numbers(features * inner));
        let (bias1, bias2) = (random.numbers(inner), random.numbers(features));
        let mut input = random.numbers(rows * features);
        if rows > 1 {
            input[features] = f32::NAN;
        }
        for gelu in [true, false] {
            let hidden = dense::reference(&first, [rows, features, inner], &input, Some(&bias1), !gelu);
            for cpu in cpus() {
                let mut between = hidden.clone();
                if gelu {
                    crate::elementwise::gelu(cpu, &hidden, &mut between);
                }
                let expected =
                    dense::reference(&second, [rows, inner, features], &between, Some(&bias2), false);
                let [one, other] = [(&first, features, inner), (&second, inner, features)]
                    .map(|(weight, from, to)| Int8DenseWeights::new(cpu, weight, from, to).unwrap());
                let mut output = vec![9.0; rows * features];
                int8_feed_forward(cpu, [&one, &other], &input, rows, [&bias1, &bias2], gelu, &mut output);
                let same = |(found, expected): (&f32, &f32)| {
                    found == expected || (found.is_nan() && expected.is_nan())
                };
                assert!(output.iter().zip(&expected).all(same), "{cpu:?} {rows} x {features} x {inner}");
            }
        }
    }
}

#[test]
fn weights_that_are_not_finite_have_no_bytes() {
    for weight in [f32::NAN, f32::INFINITY] {
        assert!(Int8DenseWeights::new(Cpu::best(1), &[1.0, weight], 2, 1).is_none());
    }
}

#[test]
fn a_row_of_a_dense_layer_is_close_to_the_same_in_f32() {
    let mut random = Random::new(10);
    let (rows, in_features, out_features) = (9, 200, 50);
    let (weight, input) = (random.numbers(in_features * out_features), random.numbers(rows * in_features));
    let weights = Int8DenseWeights::new(Cpu::best(2), &weight, in_features, out_features).unwrap();
    let mut output = vec![0.0; rows * out_features];
    int8_dense(Cpu::best(2), &weights, &input, rows, None, false, &mut output);
    for (at, value) in output.iter().enumerate() {
        let (row, column) = (at / out_features, at % out_features);
        let exact: f32 =
            (0..in_features).map(|k| input[row * in_features + k] * weight[k * out_features + column]).sum();
        // Both factors are off by a 254th at most, at random.
        assert!((value - exact).abs() < 0.15, "{value} for {exact}");
    }
}

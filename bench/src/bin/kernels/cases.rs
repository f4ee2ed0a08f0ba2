//! Which kernels at which sizes: those of the workloads' layers.

use fireclay_kernels::optimizer::{Adam, AdamSlot, adam_step};
use fireclay_kernels::recurrent::{
    Int8RecurrentWeights, LstmBackward, LstmOutput, Projected, RecurrentOptions, RecurrentShape,
    RecurrentTape, lstm_backward, lstm_forward, lstm_inference,
};
use fireclay_kernels::{
    Attention, Conv2dGradients, Conv2dShape, Conv2dWeights, CrossEntropy, DenseCrossEntropyGradients,
    DenseCrossEntropyShape, DenseGradients, DenseShape, DenseWeights, FeedForward, FeedForwardGradients,
    FeedForwardWeights, Int8Conv2d, Int8DenseWeights, Int8Layer, Int8Network, Int8Scale, MaxPool, Values,
    conv2d, conv2d_backward, conv2d_for_training, conv2d_with, cross_entropy, dense, dense_backward,
    dense_cross_entropy, dense_with, feed_forward, feed_forward_gradient, int8_dense, int8_feed_forward,
    self_attention, self_attention_gradient,
};

use crate::{Case, Work};

pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    // Factors are packed from 64 rows and features on.
    for [rows, in_features, out_features] in [
        [128, 784, 128],
        [128, 128, 128],
        [64, 576, 64],
        [63, 256, 256],
        [64, 256, 256],
        // Of one row, threads share the columns from 256 on.
        [1, 784, 128],
        [1, 1024, 64],
        [1, 256, 256],
        [1, 1024, 1024],
        [3, 512, 512],
        [4, 512, 512],
        [4000, 128, 512],
        [1024, 1024, 1024],
        [16_384, 256, 768],
        [16_384, 256, 1024],
        [4096, 128, 10_004],
    ] {
        cases.extend(dense_cases(DenseShape { rows, in_features, out_features, relu: true }));
    }
    let pool = Some(MaxPool { kernel_size: [2, 2], stride: [2, 2] });
    for (batch, in_channels, out_channels, side, pool) in [
        (64, 1, 32, 28, pool),
        (64, 32, 64, 13, pool),
        (64, 64, 64, 5, None),
        (64, 3, 32, 32, pool),
        (64, 32, 64, 15, pool),
        (64, 64, 64, 6, None),
        (1, 32, 64, 15, pool),
        // Multiplications are saved from 24 channels on.
        (64, 16, 16, 34, None),
        (64, 23, 24, 34, None),
        (64, 24, 24, 34, None),
        (64, 64, 64, 34, None),
        (64, 128, 128, 18, None),
        (64, 256, 256, 10, None),
        (64, 512, 512, 6, None),
    ] {
        let shape = Conv2dShape::new(batch, in_channels, out_channels, [side, side], [3, 3]);
        cases.extend(conv2d_cases(Conv2dShape { relu: true, pool, ..shape }));
    }
    // Ordered weights pay from 4 rows on, and mapped ones from 12 tiles on.
    for [rows, in_features, out_features] in
        [[1, 784, 128], [3, 512, 512], [4, 512, 512], [256, 256, 1024], [256, 1024, 256]]
    {
        cases.push(ordered_dense_case(DenseShape { rows, in_features, out_features, relu: true }));
    }
    // In bytes, beside the same ordered in f32; threads share the columns of fewer than 8 rows each.
    for [rows, in_features, out_features] in [
        [1, 256, 1024],
        [1, 256, 10_004],
        [15, 256, 1024],
        [16, 256, 1024],
        [256, 64, 64],
        [256, 64, 192],
        [16_384, 64, 192],
        [2048, 128, 384],
        [2048, 256, 1024],
        [2048, 1024, 256],
    ] {
        cases.push(ordered_dense_case(DenseShape { rows, in_features, out_features, relu: true }));
        cases.push(int8_dense_case(rows, in_features, out_features));
    }
    // Ordered weights are multiplied by tiles of 2 by 2 from 12 on, and of 4 by 4 from 9 on.
    for (batch, in_channels, out_channels, side) in [
        (1, 32, 64, 13),
        (1, 64, 64, 5),
        (1, 64, 64, 6),
        (1, 96, 96, 8),
        (1, 96, 96, 10),
        (1, 32, 32, 18),
        (1, 64, 64, 18),
        (1, 64, 64, 34),
        (1, 128, 128, 18),
        (1, 256, 256, 10),
        (1, 512, 512, 6),
        (2, 256, 256, 10),
        (3, 256, 256, 10),
        (8, 512, 512, 6),
        (9, 512, 512, 6),
        (32, 512, 512, 6),
        (64, 16, 16, 34),
        (64, 24, 24, 34),
        (64, 32, 32, 18),
        (64, 32, 64, 13),
        (64, 32, 64, 15),
        (64, 64, 64, 5),
        (64, 64, 64, 6),
        (64, 64, 64, 10),
        (64, 64, 64, 34),
        (64, 128, 128, 18),
        (64, 256, 256, 10),
        (64, 512, 512, 6),
    ] {
        let shape = Conv2dShape::new(batch, in_channels, out_channels, [side, side], [3, 3]);
        cases.push(ordered_conv2d_case(shape));
    }
    // The smaller an image, the more of what a window covers is its border.
    for (batch, channels, side) in [
        (64, 16, 32),
        (64, 64, 32),
        (64, 128, 16),
        (64, 64, 8),
        (64, 256, 8),
        (64, 512, 4),
        (1, 64, 8),
        (1, 256, 8),
        (1, 512, 4),
    ] {
        cases.push(int8_conv2d_case(batch, channels, side));
    }
    cases.extend([(64, 8, 256, 32), (1, 8, 256, 32)].map(attention_cases).into_iter().flatten());
    // Both layers at once pay from 64 on.
    for [rows, features, inner] in [[64, 64, 256], [64, 256, 1024], [16_384, 256, 1024]] {
        cases.extend(feed_forward_cases(rows, features, inner));
    }
    for batch in [64, 1] {
        cases.extend(lstm_cases(RecurrentShape { batch, steps: 250, hidden: 128 }));
    }
    cases.extend([118_282, 20_000 * 128].map(adam_case));
    cases.push(cross_entropy_case());
    // A layer and its loss at once pay from 2,048 classes and 512 rows on.
    for [rows, features, classes] in [
        [4096, 128, 512],
        [4096, 128, 2048],
        [4096, 128, 10_004],
        [64, 128, 10_004],
        [512, 128, 10_004],
        [4096, 64, 50_000],
    ] {
        let turned = true;
        let shape = DenseCrossEntropyShape { rows, features, classes, turned };
        cases.extend(dense_cross_entropy_cases(shape));
    }
    cases
}

fn case(name: String, work: Work, call: impl FnMut(fireclay_kernels::Cpu) + 'static) -> Case {
    Case { name, work, call: Box::new(call) }
}

fn dense_cases(shape: DenseShape) -> Vec<Case> {
    let DenseShape { rows, in_features, out_features, .. } = shape;
    let name = |what: &str| format!("dense {rows}x{in_features}x{out_features} {what}");
    let flops = || Work::Flops(2 * (rows * in_features * out_features) as u64);
    let input = vec![0.5; rows * in_features];
    let weight = vec![0.01; in_features * out_features];
    let output = vec![0.1; rows * out_features];
    let bias = vec![0.1; out_features];
    let forward = {
        let (input, weight, mut output) = (input.clone(), weight.clone(), output.clone());
        case(name("forward"), flops(), move |cpu| {
            dense(cpu, &shape, &input, &weight, Some(&bias), &mut output)
        })
    };
    let by_weight = {
        let (input, weight, output, mut into) =
            (input.clone(), weight.clone(), output.clone(), weight.clone());
        case(name("by weight"), flops(), move |cpu| {
            let into = DenseGradients { weight: Some(&mut into), ..DenseGradients::default() };
            dense_backward(cpu, &shape, &input, &weight, &output, &output, into);
        })
    };
    let mut into = input.clone();
    let by_input = case(name("by input"), flops(), move |cpu| {
        let into = DenseGradients { input: Some(&mut into), ..DenseGradients::default() };
        dense_backward(cpu, &shape, &input, &weight, &output, &output, into);
    });
    vec![forward, by_weight, by_input]
}

fn conv2d_cases(shape: Conv2dShape) -> Vec<Case> {
    let Conv2dShape { batch, in_channels, out_channels, size, .. } = shape;
    let name =
        |what: &str| format!("conv2d {batch}x{}x{}x{in_channels}-{out_channels} {what}", size[0], size[1]);
    let flops = || Work::Flops(shape.flops());
    let input = vec![0.5; batch * shape.input_len()];
    let weight = vec![0.01; shape.weight_len()];
    let bias = vec![0.1; out_channels];
    let mut output = vec![0.0; batch * shape.output_len()];
    let tape = conv2d_for_training(
        fireclay_kernels::Cpu::best(1),
        &shape,
        &input,
        &weight,
        Some(&bias),
        &mut output,
    );
    let forward = {
        let (input, weight, mut output) = (input.clone(), weight.clone(), output.clone());
        case(name("forward"), flops(), move |cpu| {
            conv2d(cpu, &shape, &input, &weight, Some(&bias), &mut output)
        })
    };
    let by_weight = {
        let (input, weight, output, tape) = (input.clone(), weight.clone(), output.clone(), tape.clone());
        let mut into = weight.clone();
        case(name("by weight"), flops(), move |cpu| {
            let into = Conv2dGradients { weight: Some(&mut into), ..Conv2dGradients::default() };
            conv2d_backward(cpu, &shape, &input, &weight, &output, &tape, &output, into);
        })
    };
    let mut into = input.clone();
    let by_input = case(name("by input"), flops(), move |cpu| {
        let into = Conv2dGradients { input: Some(&mut into), ..Conv2dGradients::default() };
        conv2d_backward(cpu, &shape, &input, &weight, &output, &tape, &output, into);
    });
    vec![forward, by_weight, by_input]
}

fn ordered_dense_case(shape: DenseShape) -> Case {
    let DenseShape { rows, in_features, out_features, .. } = shape;
    let (input, mut output) = (vec![0.5; rows * in_features], vec![0.0; rows * out_features]);
    let weight = vec![0.01; in_features * out_features];
    let weights = DenseWeights::new(fireclay_kernels::Cpu::best(1), &weight, in_features, out_features);
    let flops = Work::Flops(2 * (rows * in_features * out_features) as u64);
    case(format!("dense {rows}x{in_features}x{out_features} ordered"), flops, move |cpu| {
        dense_with(cpu, &shape, &input, &weights, None, &mut output)
    })
}

fn int8_dense_case(rows: usize, in_features: usize, out_features: usize) -> Case {
    let (input, mut output) = (vec![0.5; rows * in_features], vec![0.0; rows * out_features]);
    let weight = vec![0.01; in_features * out_features];
    let cpu = fireclay_kernels::Cpu::best(1);
    let weights = Int8DenseWeights::new(cpu, &weight, in_features, out_features).expect("few terms");
    let operations = Work::Flops(2 * (rows * in_features * out_features) as u64);
    case(format!("dense {rows}x{in_features}x{out_features} int8"), operations, move |cpu| {
        int8_dense(cpu, &weights, &input, rows, None, true, &mut output)
    })
}

fn ordered_conv2d_case(shape: Conv2dShape) -> Case {
    let Conv2dShape { batch, in_channels, out_channels, size, .. } = shape;
    let (input, mut output) = (vec![0.5; batch * shape.input_len()], vec![0.0; batch * shape.output_len()]);
    let weight = vec![0.01; shape.weight_len()];
    let weights = Conv2dWeights::new(fireclay_kernels::Cpu::best(1), &shape, &weight);
    let weights = weights.expect("these have no groups");
    let name = format!("conv2d {batch}x{}x{}x{in_channels}-{out_channels} ordered", size[0], size[1]);
    case(name, Work::Flops(shape.flops()), move |cpu| {
        conv2d_with(cpu, &shape, &input, &weights, None, &mut output)
    })
}

/// Four layers, so that what enters and leaves weighs little.
fn int8_conv2d_case(batch: usize, channels: usize, side: usize) -> Case {
    let (layers, dims) = (4, [channels, side, side]);
    let scale = Int8Scale { scale: 0.01, zero_point: 0 };
    let layer = Int8Conv2d {
        out_channels: channels,
        kernel_size: [3, 3],
        stride: [1, 1],
        padding: [1; 4],
        dilation: [1, 1],
        weight: vec![1; 9 * channels * channels],
        weight_scale: vec![0.001; channels],
        bias: vec![0.1; channels],
        relu: true,
        output: Some(scale),
    };
    let mut all = vec![Int8Layer::Conv2d(layer); layers];
    all.push(Int8Layer::GlobalAveragePool);
    let network = Int8Network::new(fireclay_kernels::Cpu::best(1), dims, scale, &all);
    let (input, mut output) = (vec![0.5; batch * network.in_len()], vec![0.0; batch * channels]);
    let operations = 2 * 9 * layers * batch * side * side * channels * channels;
    let name = format!("conv2d {batch}x{side}x{side}x{channels}-{channels} int8, {layers} layers");
    case(name, Work::Flops(operations as u64), move |cpu| network.run(cpu, batch, &input, false, &mut output))
}

fn attention_cases((batch, num_heads, tokens, dim): (usize, usize, usize, usize)) -> [Case; 2] {
    let sizes = Attention {
        batch,
        num_heads,
        queries: tokens,
        keys: tokens,
        dim,
        scale: 1.0 / (dim as f32).sqrt(),
        causal: false,
        key_lengths: None,
        dropout: None,
    };
    let name = |what: &str| format!("attention {batch}x{num_heads}x{tokens}x{dim} {what}");
    let product = 2 * (batch * num_heads * tokens * tokens * dim) as u64;
    let values = batch * num_heads * tokens * dim;
    let projected: Vec<f32> = (0..3 * values).map(|at| (at % 17) as f32 * 0.1 - 0.8).collect();
    let (mut output, mut log_sums) = (vec![0.0; values], vec![0.0; batch * num_heads * tokens]);
    self_attention(fireclay_kernels::Cpu::best(1), &sizes, &projected, &mut output, &mut log_sums);
    let forward = {
        let (projected, mut output, mut log_sums) = (projected.clone(), output.clone(), log_sums.clone());
        case(name("forward"), Work::Flops(2 * product), move |cpu| {
            self_attention(cpu, &sizes, &projected, &mut output, &mut log_sums)
        })
    };
    let mut into = projected.clone();
    let backward = case(name("backward"), Work::Flops(5 * product), move |cpu| {
        self_attention_gradient(cpu, &sizes, &projected, &output, &log_sums, &output, &mut into)
    });
    [forward, backward]
}

fn feed_forward_cases(rows: usize, features: usize, inner: usize) -> [Case; 3] {
    let shape = FeedForward { rows, features, inner, gelu: true, dropout: None };
    let name = |what: &str| format!("feed forward {rows}x{features}x{inner} {what}");
    let product = 2 * (rows * features * inner) as u64;
    let (input, mut output) = (vec![0.5; rows * features], vec![0.0; rows * features]);
    let weights = [features * inner, inner, inner * features, features].map(|len| vec![0.01; len]);
    let hidden = vec![0.1; rows * inner];
    let forward = {
        let (input, weights) = (input.clone(), weights.clone());
        case(name("forward"), Work::Flops(2 * product), move |cpu| {
            feed_forward(cpu, &shape, &input, of(&weights), &mut output, None)
        })
    };
    let int8 = {
        let (input, weights, mut output) = (input.clone(), weights.clone(), vec![0.0; rows * features]);
        let cpu = fireclay_kernels::Cpu::best(1);
        let [first, second] = [(0, features, inner), (2, inner, features)]
            .map(|(at, from, to)| Int8DenseWeights::new(cpu, &weights[at], from, to).expect("few terms"));
        case(name("int8"), Work::Flops(2 * product), move |cpu| {
            let biases = [&weights[1][..], &weights[3][..]];
            int8_feed_forward(cpu, [&first, &second], &input, rows, biases, true, &mut output)
        })
    };
    let mut by_input = input.clone();
    let mut into = weights.clone();
    let backward = case(name("backward"), Work::Flops(4 * product), move |cpu| {
        let [weight1, bias1, weight2, bias2] = &mut into;
        let into = FeedForwardGradients { input: &mut by_input, weight1, bias1, weight2, bias2 };
        feed_forward_gradient(cpu, &shape, &input, of(&weights), &hidden, &input, into);
    });
    [forward, int8, backward]
}

fn of(weights: &[Vec<f32>; 4]) -> FeedForwardWeights<'_> {
    let [weight1, bias1, weight2, bias2] = weights;
    FeedForwardWeights { weight1, bias1, weight2, bias2 }
}

/// The steps alone; the product with the input is a dense layer.
fn lstm_cases(shape: RecurrentShape) -> Vec<Case> {
    let RecurrentShape { batch, steps, hidden } = shape;
    let name = |what: &str| format!("lstm {batch}x{steps}x{hidden} {what}");
    let product = 2 * (batch * steps * hidden * 4 * hidden) as u64;
    let rows = vec![0.01; batch * steps * 4 * hidden];
    let weight = vec![0.01; hidden * 4 * hidden];
    let state = vec![0.0; batch * hidden];
    let inference = {
        let (rows, weight, mut h, mut c) = (rows.clone(), weight.clone(), state.clone(), state.clone());
        case(name("inference"), Work::Flops(product), move |cpu| {
            let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
            let projected = Projected { rows: &rows, index: None };
            lstm_inference(cpu, shape, projected, &weight, None, &RecurrentOptions::default(), output);
        })
    };
    let int8 = {
        let (rows, weight, mut h, mut c) = (rows.clone(), weight.clone(), state.clone(), state.clone());
        let weights = Int8RecurrentWeights::new(fireclay_kernels::Cpu::best(1), &weight, hidden, 4);
        case(name("inference int8"), Work::Flops(product), move |cpu| {
            let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
            let projected = Projected { rows: &rows, index: None };
            let options = RecurrentOptions { int8: weights.as_ref(), ..RecurrentOptions::default() };
            lstm_inference(cpu, shape, projected, &weight, None, &options, output);
        })
    };
    let mut tape = RecurrentTape::default();
    let (mut h, mut c) = (state.clone(), state);
    let (mut d_projected, mut d_w_hh) = (rows.clone(), weight.clone());
    let training = case(name("there and back"), Work::Flops(3 * product), move |cpu| {
        let output = LstmOutput { outputs: None, h: &mut h, c: &mut c };
        let projected = Projected { rows: &rows, index: None };
        let options = RecurrentOptions::default();
        lstm_forward(cpu, shape, projected, &weight, None, &options, output, &mut tape);
        let gradients = LstmBackward {
            d_outputs: None,
            d_h: Some(&h),
            d_c: None,
            d_projected: &mut d_projected,
            d_w_hh: &mut d_w_hh,
            d_initial_h: None,
            d_initial_c: None,
        };
        lstm_backward(&mut tape, &weight, gradients);
    });
    vec![inference, int8, training]
}

fn adam_case(len: usize) -> Case {
    let settings = Adam {
        learning_rate: 1e-3,
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        weight_decay: 0.0,
        decoupled: false,
        amsgrad: false,
    };
    let [mut parameter, gradient, mut first_moment, mut second_moment] = [(); 4].map(|()| vec![0.1; len]);
    let mut step = 0;
    // Four arrays are read and three written.
    case(format!("adam {len}"), Work::Bytes(7 * 4 * len as u64), move |cpu| {
        step += 1;
        let slot = AdamSlot {
            step,
            parameter: &mut parameter,
            gradient: &gradient,
            first_moment: &mut first_moment,
            second_moment: &mut second_moment,
            greatest_second_moment: &mut [],
        };
        adam_step(cpu, &settings, &mut [slot]);
    })
}

fn cross_entropy_case() -> Case {
    let (rows, classes) = (128, 10);
    let logits = vec![0.5; rows * classes];
    let targets = vec![3u32; rows];
    let mut gradient = logits.clone();
    let bytes = 2 * 4 * (rows * classes) as u64;
    case(format!("cross-entropy {rows}x{classes} there and back"), Work::Bytes(bytes), move |cpu| {
        let kind = CrossEntropy { label_smoothing: 0.0, class_weights: None };
        cross_entropy(cpu, kind, classes, &logits, &targets, Some(&mut gradient));
    })
}

/// A last layer, its loss and all gradients: at once, and one after the other.
fn dense_cross_entropy_cases(shape: DenseCrossEntropyShape) -> Vec<Case> {
    let DenseCrossEntropyShape { rows, features, classes, .. } = shape;
    let name = |how: &str| format!("dense and cross-entropy {rows}x{features}x{classes} {how}");
    let flops = || Work::Flops(6 * (rows * features * classes) as u64);
    let (input, weight, bias) =
        (vec![0.5; rows * features], vec![0.01; features * classes], vec![0.1; classes]);
    let targets = vec![3u32; rows];
    let (mut by_input, mut by_weight, mut by_bias) = (input.clone(), weight.clone(), bias.clone());
    let kind = CrossEntropy::default();
    let at_once = {
        let (input, weight, bias, targets) = (input.clone(), weight.clone(), bias.clone(), targets.clone());
        case(name("at once"), flops(), move |cpu| {
            let into = DenseCrossEntropyGradients {
                input: &mut by_input,
                weight: &mut by_weight,
                bias: &mut by_bias,
            };
            dense_cross_entropy(cpu, kind, &shape, &input, &weight, Some(&bias), &targets, into);
        })
    };
    let (mut by_input, mut by_weight, mut by_bias) = (input.clone(), weight.clone(), bias.clone());
    let one_by_one = case(name("one by one"), flops(), move |cpu| {
        let dense_shape = DenseShape { rows, in_features: features, out_features: classes, relu: false };
        let mut logits = Values::unspecified(rows * classes);
        let mut gradient = Values::unspecified(rows * classes);
        dense(cpu, &dense_shape, &input, &weight, Some(&bias), &mut logits);
        cross_entropy(cpu, kind, classes, &logits, &targets, Some(&mut gradient));
        let into = DenseGradients {
            input: Some(&mut by_input),
            weight: Some(&mut by_weight),
            bias: Some(&mut by_bias),
        };
        dense_backward(cpu, &dense_shape, &input, &weight, &[], &gradient, into);
    });
    vec![at_once, one_by_one]
}

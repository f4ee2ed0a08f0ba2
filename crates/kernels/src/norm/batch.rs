//! Batch normalisation of channels-last images or of rows.

use std::ops::Range;

use super::{Relu, Slopes, column_gradients, column_squares, input_gradients, normalise};
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{column_sums, over_rows};

/// What a batch normalisation keeps ([Ioffe and Szegedy](https://arxiv.org/abs/1502.03167)).
#[derive(Clone, Copy, Debug)]
pub struct BatchNorm<'a> {
    /// What each normalised channel is multiplied by; as many as there are channels.
    pub weight: &'a [f32],
    /// What is added to it then.
    pub bias: &'a [f32],
    /// Added to the variance.
    pub epsilon: f32,
    /// Whether a ReLU follows, in the same pass.
    pub relu: bool,
}

impl BatchNorm<'_> {
    #[track_caller]
    fn check(&self, values: usize, mean: usize, variance: usize) -> usize {
        let channels = self.weight.len();
        assert!(
            [self.bias.len(), mean, variance] == [channels; 3],
            "weight, bias, mean and variance differ in length"
        );
        assert!(
            values.is_multiple_of(channels.max(1)) && (channels > 0 || values == 0),
            "rows of {channels} channels"
        );
        values / channels.max(1)
    }
}

/// Normalises each channel by the mean and the variance of the batch.
///
/// # Shapes
/// - input, output: `[rows, channels]`, where an image's pixels are rows
/// - mean, variance: `[channels]`, overwritten; the variance is the biased one, divided by `rows`
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{BatchNorm, Cpu, batch_norm_train};
/// let norm = BatchNorm { weight: &[2.0], bias: &[1.0], epsilon: 0.0, relu: false };
/// let (mut output, mut mean, mut variance) = ([0.0; 2], [0.0], [0.0]);
/// batch_norm_train(Cpu::best(1), norm, &[4.0, 8.0], &mut output, &mut mean, &mut variance);
/// assert_eq!((output, mean, variance), ([-1.0, 3.0], [6.0], [4.0]));
/// ```
pub fn batch_norm_train(
    cpu: Cpu,
    norm: BatchNorm<'_>,
    input: &[f32],
    output: &mut [f32],
    mean: &mut [f32],
    variance: &mut [f32],
) {
    let rows = norm.check(input.len(), mean.len(), variance.len());
    assert_eq!(input.len(), output.len(), "input and output of a normalisation");
    let channels = norm.weight.len();
    let sums = block_sums(cpu, rows, channels, |rows, first, second| {
        let x = &input[rows.start * channels..rows.end * channels];
        cpu.path.run(Moments { x, mean: first, squares: second });
    });
    // The spread of the blocks' means around that of all joins the spread within the blocks.
    let all = rows.max(1) as f64;
    for channel in 0..channels {
        let block_means = || sums.of(channel).map(|(rows, mean, _)| (rows, f64::from(mean)));
        let center = block_means().map(|(rows, mean)| rows * mean).sum::<f64>() / all;
        let between: f64 = block_means().map(|(rows, mean)| rows * (mean - center).powi(2)).sum();
        let within: f64 = sums.of(channel).map(|(_, _, squares)| f64::from(squares)).sum();
        mean[channel] = center as f32;
        variance[channel] = ((within + between) / all) as f32;
    }
    let scale: Vec<f32> =
        norm.weight.iter().zip(&*variance).map(|(w, v)| w * rstd(*v, norm.epsilon)).collect();
    apply(cpu, input, mean, &scale, norm.bias, norm.relu, output);
}

/// The gradient of [`batch_norm_train`], through the mean and the variance too.
///
/// # Shapes
/// - input, output_gradient: `[rows, channels]`
/// - mean, variance: `[channels]`, as given by [`batch_norm_train`]
/// - input_gradient: `[rows, channels]`, overwritten
/// - weight_gradient, bias_gradient: `[channels]`, overwritten
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{BatchNorm, Cpu, batch_norm_gradient};
/// let norm = BatchNorm { weight: &[2.0], bias: &[1.0], epsilon: 0.0, relu: false };
/// let (mut input, mut weight, mut bias) = ([9.0; 2], [9.0], [9.0]);
/// batch_norm_gradient(
///     Cpu::best(1), norm, &[4.0, 8.0], &[6.0], &[4.0], &[1.0, 1.0], &mut input, &mut weight, &mut bias,
/// );
/// // A constant added to all outputs is the bias, and no input makes it.
/// assert_eq!((input, weight, bias), ([0.0, 0.0], [0.0], [2.0]));
/// ```
#[allow(clippy::too_many_arguments, reason = "as many as a gradient has inputs and outputs")]
pub fn batch_norm_gradient(
    cpu: Cpu,
    norm: BatchNorm<'_>,
    input: &[f32],
    mean: &[f32],
    variance: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let rows = norm.check(input.len(), mean.len(), variance.len());
    norm.check(input.len(), weight_gradient.len(), bias_gradient.len());
    assert_eq!(input.len(), output_gradient.len(), "values of the output's gradient");
    assert_eq!(input.len(), input_gradient.len(), "values of the input's gradient");
    let channels = norm.weight.len();
    // As the forward pass had it.
    let scale: Vec<f32> =
        (0..channels).map(|channel| norm.weight[channel] * rstd(variance[channel], norm.epsilon)).collect();
    let relu = norm.relu.then_some(Relu { scale: &scale, shift: norm.bias });
    let sums = block_sums(cpu, rows, channels, |rows, first, second| {
        let places = rows.start * channels..rows.end * channels;
        let (x, dy) = (&input[places.clone()], &output_gradient[places]);
        cpu.path.run(Sums { x, dy, relu, mean, sums: first, products: second });
    });
    let (mut direct, mut along, mut level) = (vec![0.0; channels], vec![0.0; channels], vec![0.0; channels]);
    let all = rows.max(1) as f64;
    for channel in 0..channels {
        let bias: f64 = sums.of(channel).map(|(_, sum, _)| f64::from(sum)).sum();
        let product: f64 = sums.of(channel).map(|(_, _, product)| f64::from(product)).sum();
        let rstd = 1.0 / (f64::from(variance[channel]) + f64::from(norm.epsilon)).sqrt();
        let slope = f64::from(norm.weight[channel]) * rstd;
        bias_gradient[channel] = bias as f32;
        weight_gradient[channel] = (product * rstd) as f32;
        direct[channel] = slope as f32;
        along[channel] = (-slope * rstd * rstd * product / all) as f32;
        level[channel] = (-slope * bias / all) as f32;
    }
    let slopes = Slopes { center: mean, direct: &direct, along: &along, level: &level };
    let shared = Shared::new(input_gradient);
    over_rows(cpu, rows, input.len(), |rows| {
        let places = rows.start * channels..rows.end * channels;
        // SAFETY: the parts share no row.
        let dx = unsafe { shared.part(places.clone()) };
        let (x, dy) = (&input[places.clone()], &output_gradient[places]);
        cpu.path.run(InputGradient { x, dy, relu, slopes: &slopes, dx });
    });
}

/// Normalises each channel by a mean and a variance that are known.
///
/// # Shapes
/// - input, output: `[rows, channels]`
/// - mean, variance: `[channels]`
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{BatchNorm, Cpu, batch_norm_inference};
/// let norm = BatchNorm { weight: &[2.0], bias: &[1.0], epsilon: 0.0, relu: true };
/// let mut output = [0.0; 2];
/// batch_norm_inference(Cpu::best(1), norm, &[6.0], &[4.0], &[4.0, 8.0], &mut output);
/// assert_eq!(output, [0.0, 3.0]);
/// ```
pub fn batch_norm_inference(
    cpu: Cpu,
    norm: BatchNorm<'_>,
    mean: &[f32],
    variance: &[f32],
    input: &[f32],
    output: &mut [f32],
) {
    norm.check(input.len(), mean.len(), variance.len());
    assert_eq!(input.len(), output.len(), "input and output of a normalisation");
    let channels = norm.weight.len();
    let mut scale = vec![0.0; channels];
    for (channel, scale) in scale.iter_mut().enumerate() {
        *scale = norm.weight[channel] * rstd(variance[channel], norm.epsilon);
    }
    // The mean is taken away first: folded into the bias, a large one would drown what is left.
    apply(cpu, input, mean, &scale, norm.bias, norm.relu, output);
}

/// One over the standard deviation.
#[inline(always)]
fn rstd(variance: f32, epsilon: f32) -> f32 {
    (1.0 / (f64::from(variance) + f64::from(epsilon)).sqrt()) as f32
}

fn apply(
    cpu: Cpu,
    input: &[f32],
    center: &[f32],
    scale: &[f32],
    shift: &[f32],
    relu: bool,
    output: &mut [f32],
) {
    let channels = center.len();
    let shared = Shared::new(output);
    over_rows(cpu, input.len() / channels.max(1), input.len(), |rows| {
        let places = rows.start * channels..rows.end * channels;
        // SAFETY: the parts share no row.
        let output = unsafe { shared.part(places.clone()) };
        cpu.path.run(Apply { x: &input[places], center, scale, shift, relu, output });
    });
}

/// Two numbers for each channel of each block of rows.
struct BlockSums {
    rows: usize,
    block: usize,
    channels: usize,
    pairs: Vec<f32>,
}

impl BlockSums {
    /// For each block, its rows and the two numbers of a channel.
    fn of(&self, channel: usize) -> impl Iterator<Item = (f64, f32, f32)> {
        self.pairs.chunks_exact(2 * self.channels).enumerate().map(move |(at, pair)| {
            let rows = self.block.min(self.rows - at * self.block);
            (rows as f64, pair[channel], pair[self.channels + channel])
        })
    }
}

/// Calls `work` with each block of rows and the places of its two numbers for each channel.
fn block_sums(
    cpu: Cpu,
    rows: usize,
    channels: usize,
    work: impl Fn(Range<usize>, &mut [f32], &mut [f32]) + Sync,
) -> BlockSums {
    // What fits the nearest cache, and not so few rows that the sums are as long as the input.
    let block = (8192 / channels.max(1)).max(16);
    let blocks = if channels == 0 { 0 } else { rows.div_ceil(block) };
    let mut pairs = vec![0.0; blocks * 2 * channels];
    let shared = Shared::new(&mut pairs);
    over_rows(cpu, blocks, rows * channels, |range| {
        for at in range {
            // SAFETY: the parts share no block.
            let pair = unsafe { shared.part(at * 2 * channels..(at + 1) * 2 * channels) };
            let (first, second) = pair.split_at_mut(channels);
            work(at * block..((at + 1) * block).min(rows), first, second);
        }
    });
    BlockSums { rows, block, channels, pairs }
}

/// The mean of each column, and the squared distances from it.
struct Moments<'a> {
    x: &'a [f32],
    mean: &'a mut [f32],
    squares: &'a mut [f32],
}

impl Kernel for Moments<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let columns = self.mean.len();
        column_sums(s, columns, self.x, self.mean);
        let share = 1.0 / (self.x.len() / columns) as f32;
        for mean in &mut *self.mean {
            *mean *= share;
        }
        column_squares(s, columns, self.x, self.mean, self.squares);
    }
}

struct Sums<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    relu: Option<Relu<'a>>,
    mean: &'a [f32],
    sums: &'a mut [f32],
    products: &'a mut [f32],
}

impl Kernel for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Sums { x, dy, relu, mean, sums, products } = self;
        match relu {
            Some(_) => column_gradients(s, mean.len(), x, dy, relu, mean, sums, products),
            None => column_gradients(s, mean.len(), x, dy, None, mean, sums, products),
        }
    }
}

struct Apply<'a> {
    x: &'a [f32],
    center: &'a [f32],
    scale: &'a [f32],
    shift: &'a [f32],
    relu: bool,
    output: &'a mut [f32],
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Apply { x, center, scale, shift, relu, output } = self;
        if center.is_empty() {
            return;
        }
        if relu {
            normalise(s, center.len(), x, center, scale, shift, true, output);
        } else {
            normalise(s, center.len(), x, center, scale, shift, false, output);
        }
    }
}

struct InputGradient<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    relu: Option<Relu<'a>>,
    slopes: &'a Slopes<'a>,
    dx: &'a mut [f32],
}

impl Kernel for InputGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let InputGradient { x, dy, relu, slopes, dx } = self;
        let columns = slopes.center.len();
        if columns == 0 {
            return;
        }
        match relu {
            Some(_) => input_gradients(s, columns, x, dy, relu, slopes, dx),
            None => input_gradients(s, columns, x, dy, None, slopes, dx),
        }
    }
}

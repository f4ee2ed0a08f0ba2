//! Group normalisation of channels-last images; an image stays in the second cache from pass to pass.

use super::{Slopes, column_gradients, column_squares, input_gradients, normalise};
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{column_sums, over_rows};

/// Normalises groups of neighbouring channels of each image by their mean and variance over all its pixels
/// ([Wu and He](https://arxiv.org/abs/1803.08494)). One group is the layer normalisation of images, as many groups as
/// channels the instance normalisation.
///
/// # Shapes
/// - weight, bias: `[channels]`
/// - input, output: `[batch, positions, channels]`, where `positions` is `height * width`
///
/// # Panics
/// If a slice has the wrong length, or the groups do not divide the channels.
#[allow(clippy::too_many_arguments, reason = "slices and their sizes")]
pub fn group_norm(
    cpu: Cpu,
    positions: usize,
    groups: usize,
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    input: &[f32],
    output: &mut [f32],
) {
    let batch = check(positions, groups, weight, input.len());
    assert_eq!(bias.len(), weight.len(), "weight and bias of a normalisation");
    assert_eq!(input.len(), output.len(), "input and output of a normalisation");
    let size = positions * weight.len();
    let shared = Shared::new(output);
    over_rows(cpu, batch, input.len(), |images| {
        let places = images.start * size..images.end * size;
        // SAFETY: the parts share no image.
        let output = unsafe { shared.part(places.clone()) };
        cpu.path.run(Forward { size, groups, weight, bias, epsilon, x: &input[places], output });
    });
}

/// The gradient of [`group_norm`]; mean and variance are computed again, as the image must be read anyway.
///
/// # Shapes
/// - weight: `[channels]`
/// - input, output_gradient: `[batch, positions, channels]`
/// - input_gradient: `[batch, positions, channels]`, overwritten
/// - weight_gradient, bias_gradient: `[channels]`, overwritten
///
/// # Panics
/// If a slice has the wrong length, or the groups do not divide the channels.
#[allow(clippy::too_many_arguments, reason = "as many as a gradient has inputs and outputs")]
pub fn group_norm_gradient(
    cpu: Cpu,
    positions: usize,
    groups: usize,
    weight: &[f32],
    epsilon: f32,
    input: &[f32],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
    weight_gradient: &mut [f32],
    bias_gradient: &mut [f32],
) {
    let batch = check(positions, groups, weight, input.len());
    let channels = weight.len();
    assert_eq!(input.len(), output_gradient.len(), "values of the output's gradient");
    assert_eq!(input.len(), input_gradient.len(), "values of the input's gradient");
    assert!(weight_gradient.len() == channels && bias_gradient.len() == channels, "gradients of {channels}");
    let size = positions * channels;
    let mut sums = vec![0.0; 2 * batch * channels];
    let (shared, shared_sums) = (Shared::new(input_gradient), Shared::new(&mut sums));
    over_rows(cpu, batch, input.len(), |images| {
        let places = images.start * size..images.end * size;
        // SAFETY: the parts share no image.
        let (dx, sums) = unsafe {
            (
                shared.part(places.clone()),
                shared_sums.part(2 * images.start * channels..2 * images.end * channels),
            )
        };
        let (x, dy) = (&input[places.clone()], &output_gradient[places]);
        cpu.path.run(Gradient { size, groups, weight, epsilon, x, dy, dx, sums });
    });
    for channel in 0..channels {
        let sum = |from: usize| -> f64 {
            (0..batch).map(|image| f64::from(sums[(2 * image + from) * channels + channel])).sum()
        };
        bias_gradient[channel] = sum(0) as f32;
        weight_gradient[channel] = sum(1) as f32;
    }
}

#[track_caller]
fn check(positions: usize, groups: usize, weight: &[f32], values: usize) -> usize {
    let channels = weight.len();
    assert!(groups > 0 && channels.is_multiple_of(groups), "{groups} groups of {channels} channels");
    let size = positions * channels;
    assert!(
        values.is_multiple_of(size.max(1)) && (size > 0 || values == 0),
        "{values} values in images of {size}"
    );
    values / size.max(1)
}

/// The mean and one over the standard deviation of each group, written to each of its channels.
#[inline(always)]
fn moments<S: Simd>(
    s: S,
    groups: usize,
    epsilon: f32,
    x: &[f32],
    sums: &mut [f32],
    mean: &mut [f32],
    rstd: &mut [f32],
) {
    let channels = mean.len();
    let width = channels / groups;
    let values = (x.len() / groups) as f64;
    column_sums(s, channels, x, sums);
    for (sums, mean) in sums.chunks_exact(width).zip(mean.chunks_exact_mut(width)) {
        mean.fill((sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() / values) as f32);
    }
    column_squares(s, channels, x, mean, sums);
    for (sums, rstd) in sums.chunks_exact(width).zip(rstd.chunks_exact_mut(width)) {
        let variance = sums.iter().map(|&sum| f64::from(sum)).sum::<f64>() / values;
        rstd.fill((1.0 / (variance + f64::from(epsilon)).sqrt()) as f32);
    }
}

struct Forward<'a> {
    size: usize,
    groups: usize,
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
    x: &'a [f32],
    output: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Forward { size, groups, weight, bias, epsilon, x, output } = self;
        let channels = weight.len();
        let mut scratch = vec![0.0; 3 * channels];
        let (sums, rest) = scratch.split_at_mut(channels);
        let (mean, scale) = rest.split_at_mut(channels);
        for (x, output) in x.chunks_exact(size.max(1)).zip(output.chunks_exact_mut(size.max(1))) {
            moments(s, groups, epsilon, x, sums, mean, scale);
            for (scale, weight) in scale.iter_mut().zip(weight) {
                *scale *= weight;
            }
            normalise(s, channels, x, mean, scale, bias, false, output);
        }
    }
}

struct Gradient<'a> {
    size: usize,
    groups: usize,
    weight: &'a [f32],
    epsilon: f32,
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    /// For each image, what it adds to the gradients of bias and weight.
    sums: &'a mut [f32],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gradient { size, groups, weight, epsilon, x, dy, dx, sums } = self;
        let channels = weight.len();
        let width = channels / groups;
        let mut scratch = vec![0.0; 6 * channels];
        let mut parts = scratch.chunks_exact_mut(channels.max(1));
        let mut part = || parts.next().unwrap_or_default();
        let (scratch, mean, rstd, direct, along, level) = (part(), part(), part(), part(), part(), part());
        let images = x.chunks_exact(size.max(1)).zip(dy.chunks_exact(size.max(1)));
        let images =
            images.zip(dx.chunks_exact_mut(size.max(1))).zip(sums.chunks_exact_mut(2 * channels.max(1)));
        for (((x, dy), dx), sums) in images {
            moments(s, groups, epsilon, x, scratch, mean, rstd);
            let (bias, product) = sums.split_at_mut(channels);
            column_gradients(s, channels, x, dy, None, mean, bias, product);
            let values = (x.len() / groups) as f64;
            for group in 0..groups {
                let group = group * width..(group + 1) * width;
                let weighted = |sums: &[f32]| -> f64 {
                    let pairs = sums[group.clone()].iter().zip(&weight[group.clone()]);
                    pairs.map(|(sum, weight)| f64::from(*sum) * f64::from(*weight)).sum()
                };
                let rstd = f64::from(rstd[group.start]);
                along[group.clone()].fill((-rstd.powi(3) * weighted(product) / values) as f32);
                level[group.clone()].fill((-rstd * weighted(bias) / values) as f32);
            }
            for channel in 0..channels {
                direct[channel] = rstd[channel] * weight[channel];
                product[channel] *= rstd[channel];
            }
            let slopes = Slopes { center: mean, direct, along, level };
            input_gradients(s, channels, x, dy, None, &slopes, dx);
        }
    }
}

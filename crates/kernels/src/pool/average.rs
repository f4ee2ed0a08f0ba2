//! The mean value of each window.

use std::ops::Range;

use super::{Pool, Windows, two_by_two};
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{column_sums, each_vector, get, over_rows, put};

/// Takes the mean of each window.
///
/// With `count_include_pad`, padding counts as zeros; without, only pixels of the image count.
///
/// # Shapes
/// - input: `[batch, height, width, channels]`
/// - output: `[batch, out_height, out_width, channels]`
///
/// # Panics
/// If a slice has the wrong length, the kernel size or the stride is 0, or the dilation is not 1.
///
/// ```
/// use fireclay_kernels::{Cpu, Pool, average_pool};
/// let mut output = [0.0];
/// average_pool(Cpu::best(1), &Pool::square(1, 2, 2, 1, 2), false, &[1.0, 5.0, 2.0, 0.0], &mut output);
/// assert_eq!(output, [2.0]);
/// ```
pub fn average_pool(cpu: Cpu, pool: &Pool, count_include_pad: bool, input: &[f32], output: &mut [f32]) {
    check(pool, input.len(), output.len());
    if output.is_empty() {
        return;
    }
    let values = input.len() + output.len();
    let row = pool.out_width() * pool.channels;
    let taps = pool.axis(1).all_taps();
    let shares = [shares(pool, 0, count_include_pad), shares(pool, 1, count_include_pad)];
    let shared = Shared::new(output);
    over_rows(cpu, pool.batch * pool.out_height(), values, |rows| {
        // SAFETY: the parts share no row.
        let output = unsafe { shared.part(rows.start * row..rows.end * row) };
        cpu.path.run(Forward { pool, input, output, rows, taps: &taps, shares: &shares });
    });
}

/// The gradient of [`average_pool`].
///
/// # Shapes
/// - output_gradient: `[batch, out_height, out_width, channels]`
/// - input_gradient: `[batch, height, width, channels]`, overwritten
///
/// # Panics
/// As [`average_pool`].
///
/// ```
/// use fireclay_kernels::{Cpu, Pool, average_pool_gradient};
/// let mut gradient = [9.0; 4];
/// average_pool_gradient(Cpu::best(1), &Pool::square(1, 2, 2, 1, 2), false, &[2.0], &mut gradient);
/// assert_eq!(gradient, [0.5; 4]);
/// ```
pub fn average_pool_gradient(
    cpu: Cpu,
    pool: &Pool,
    count_include_pad: bool,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    check(pool, input_gradient.len(), output_gradient.len());
    if input_gradient.is_empty() {
        return;
    }
    if pool.is_2x2() {
        return two_by_two::gradient(cpu, pool, None, output_gradient, input_gradient);
    }
    let values = input_gradient.len() + output_gradient.len();
    let row = pool.width * pool.channels;
    let (across, down) = (pool.axis(1).all_windows(), pool.axis(0).all_windows());
    let shares = [shares(pool, 0, count_include_pad), shares(pool, 1, count_include_pad)];
    let shared = Shared::new(input_gradient);
    over_rows(cpu, pool.batch * pool.height, values, |rows| {
        // SAFETY: the parts share no row.
        let input_gradient = unsafe { shared.part(rows.start * row..rows.end * row) };
        let (across, down, shares) = (&across, &down, &shares);
        cpu.path.run(Gradient { pool, output_gradient, input_gradient, rows, across, down, shares });
    });
}

/// Takes the mean of each channel of each image.
///
/// # Shapes
/// - input: `[batch, positions, channels]`, where `positions` is `height * width`
/// - output: `[batch, channels]`; of no positions, the mean is not a number
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{Cpu, global_average_pool};
/// // One image of two pixels and two channels.
/// let mut output = [0.0; 2];
/// global_average_pool(Cpu::best(1), 1, 2, 2, &[1.0, 10.0, 3.0, 20.0], &mut output);
/// assert_eq!(output, [2.0, 15.0]);
/// ```
pub fn global_average_pool(
    cpu: Cpu,
    batch: usize,
    positions: usize,
    channels: usize,
    input: &[f32],
    output: &mut [f32],
) {
    assert_eq!(input.len(), batch * positions * channels, "values of the input");
    assert_eq!(output.len(), batch * channels, "values of the output");
    let shared = Shared::new(output);
    over_rows(cpu, batch, input.len(), |images| {
        let input = &input[images.start * positions * channels..images.end * positions * channels];
        // SAFETY: the parts share no image.
        let output = unsafe { shared.part(images.start * channels..images.end * channels) };
        cpu.path.run(Global { input, output, positions, channels });
    });
}

/// The gradient of [`global_average_pool`].
///
/// # Shapes
/// - output_gradient: `[batch, channels]`
/// - input_gradient: `[batch, positions, channels]`, overwritten
///
/// # Panics
/// If a slice has the wrong length.
///
/// ```
/// use fireclay_kernels::{Cpu, global_average_pool_gradient};
/// let mut gradient = [9.0; 4];
/// global_average_pool_gradient(Cpu::best(1), 1, 2, 2, &[1.0, 4.0], &mut gradient);
/// assert_eq!(gradient, [0.5, 2.0, 0.5, 2.0]);
/// ```
pub fn global_average_pool_gradient(
    cpu: Cpu,
    batch: usize,
    positions: usize,
    channels: usize,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    assert_eq!(output_gradient.len(), batch * channels, "values of the output's gradient");
    assert_eq!(input_gradient.len(), batch * positions * channels, "values of the input's gradient");
    let values = input_gradient.len();
    let shared = Shared::new(input_gradient);
    over_rows(cpu, batch, values, |images| {
        let size = positions * channels;
        let output_gradient = &output_gradient[images.start * channels..images.end * channels];
        // SAFETY: the parts share no image.
        let input_gradient = unsafe { shared.part(images.start * size..images.end * size) };
        cpu.path.run(GlobalGradient { output_gradient, input_gradient, positions, channels });
    });
}

#[track_caller]
fn check(pool: &Pool, input: usize, output: usize) {
    assert_eq!(pool.dilation, [1; 2], "the dilation of an average pooling");
    pool.check(input, output);
}

/// What the sum of each window is multiplied by, along one axis; a window in the padding altogether has the mean 0.
fn shares(pool: &Pool, axis: usize, count_include_pad: bool) -> Vec<f32> {
    let axis = pool.axis(axis);
    let counted = |out| if count_include_pad { axis.kernel } else { axis.taps(out).len() };
    (0..axis.out).map(|out| 1.0 / counted(out).max(1) as f32).collect()
}

/// The output rows `rows`, counted through all images; `output` holds just them.
struct Forward<'a> {
    pool: &'a Pool,
    input: &'a [f32],
    output: &'a mut [f32],
    rows: Range<usize>,
    taps: &'a [Range<usize>],
    shares: &'a [Vec<f32>; 2],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Forward { pool, input, output, rows, taps, shares } = self;
        let (down, across) = (pool.axis(0), pool.axis(1));
        let channels = pool.channels;
        for (output, out_row) in output.chunks_exact_mut(taps.len() * channels).zip(rows) {
            let (image, out_row) = (out_row / down.out, out_row % down.out);
            if pool.is_2x2() {
                let in_row = pool.width * channels;
                let pair = &input[(image * pool.height + 2 * out_row) * in_row..][..2 * in_row];
                two_by_two::mean(s, channels, &pair[..in_row], &pair[in_row..], output);
                continue;
            }
            let vertical = down.taps(out_row);
            for (out, (horizontal, output)) in taps.iter().zip(output.chunks_exact_mut(channels)).enumerate()
            {
                let share = shares[0][out_row] * shares[1][out];
                each_vector!(S::LANES, channels, |at, count| {
                    let mut sum = s.splat(0.0);
                    for i in vertical.clone() {
                        let row = (image * pool.height + down.place(out_row, i)) * pool.width;
                        for j in horizontal.clone() {
                            let from = (row + across.place(out, j)) * channels + at;
                            sum = s.add(sum, get(s, input, from, count));
                        }
                    }
                    put(s, output, at, count, s.mul(sum, s.splat(share)));
                });
            }
        }
    }
}

/// The input rows `rows`, counted through all images.
struct Gradient<'a> {
    pool: &'a Pool,
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
    rows: Range<usize>,
    across: &'a Windows,
    down: &'a Windows,
    shares: &'a [Vec<f32>; 2],
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gradient { pool, output_gradient, input_gradient, rows, across, down, shares } = self;
        let channels = pool.channels;
        let (out_height, out_width) = (pool.out_height(), pool.out_width());
        for (here, row) in input_gradient.chunks_exact_mut(pool.width * channels).zip(rows) {
            let (image, row) = (row / pool.height, row % pool.height);
            for (column, here) in here.chunks_exact_mut(channels).enumerate() {
                each_vector!(S::LANES, channels, |at, count| {
                    let mut sum = s.splat(0.0);
                    for &(out_row, _) in down.of(row) {
                        for &(out, _) in across.of(column) {
                            let from = ((image * out_height + out_row) * out_width + out) * channels + at;
                            let share = s.splat(shares[0][out_row] * shares[1][out]);
                            sum = s.mul_add(get(s, output_gradient, from, count), share, sum);
                        }
                    }
                    put(s, here, at, count, sum);
                });
            }
        }
    }
}

struct Global<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
    positions: usize,
    channels: usize,
}

impl Kernel for Global<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Global { input, output, positions, channels } = self;
        if output.is_empty() {
            return;
        }
        let share = 1.0 / positions as f32;
        for (image, output) in output.chunks_exact_mut(channels).enumerate() {
            column_sums(s, channels, &input[image * positions * channels..][..positions * channels], output);
            for y in output {
                *y *= share;
            }
        }
    }
}

struct GlobalGradient<'a> {
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
    positions: usize,
    channels: usize,
}

impl Kernel for GlobalGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let GlobalGradient { output_gradient, input_gradient, positions, channels } = self;
        if input_gradient.is_empty() {
            return;
        }
        let share = s.splat(1.0 / positions as f32);
        for (here, gradient) in
            input_gradient.chunks_exact_mut(positions * channels).zip(output_gradient.chunks_exact(channels))
        {
            for here in here.chunks_exact_mut(channels) {
                each_vector!(S::LANES, channels, |at, count| {
                    put(s, here, at, count, s.mul(get(s, gradient, at, count), share));
                });
            }
        }
    }
}

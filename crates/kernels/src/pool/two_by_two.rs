//! Windows of 2 by 2, side by side: what most networks have. They share no pixel, so their gradient is scattered, not
//! gathered, and both ways run as fast as memory.

use std::ops::Range;

use super::Pool;
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, get_u8, over_rows, put, put_u8};

/// The maxima of one row of windows, and where they are.
#[inline(always)]
pub(super) fn greatest<S: Simd, const INDEX: bool>(
    s: S,
    channels: usize,
    top: &[f32],
    bottom: &[f32],
    output: &mut [f32],
    index: &mut [u8],
) {
    let above = top.chunks_exact(2 * channels);
    let below = bottom.chunks_exact(2 * channels);
    for (out, ((above, below), output)) in above.zip(below).zip(output.chunks_exact_mut(channels)).enumerate()
    {
        let ((a, b), (c, d)) = (above.split_at(channels), below.split_at(channels));
        each_vector!(S::LANES, channels, |at, count| {
            let (a, b) = (get(s, a, at, count), get(s, b, at, count));
            let (c, d) = (get(s, c, at, count), get(s, d, at, count));
            let (upper, lower) = (s.select_gt_or_nan(b, a, b, a), s.select_gt_or_nan(d, c, d, c));
            put(s, output, at, count, s.select_gt_or_nan(lower, upper, lower, upper));
            if INDEX {
                let first = s.select_gt_or_nan(b, a, s.splat(1.0), s.splat(0.0));
                let second = s.select_gt_or_nan(d, c, s.splat(3.0), s.splat(2.0));
                let place = s.select_gt_or_nan(lower, upper, second, first);
                put_u8(s, index, out * channels + at, count, place);
            }
        });
    }
}

/// The means of one row of windows.
#[inline(always)]
pub(super) fn mean<S: Simd>(s: S, channels: usize, top: &[f32], bottom: &[f32], output: &mut [f32]) {
    let windows = top.chunks_exact(2 * channels).zip(bottom.chunks_exact(2 * channels));
    for ((above, below), output) in windows.zip(output.chunks_exact_mut(channels)) {
        let ((a, b), (c, d)) = (above.split_at(channels), below.split_at(channels));
        each_vector!(S::LANES, channels, |at, count| {
            let upper = s.add(get(s, a, at, count), get(s, b, at, count));
            let lower = s.add(get(s, c, at, count), get(s, d, at, count));
            put(s, output, at, count, s.mul(s.add(upper, lower), s.splat(0.25)));
        });
    }
}

/// The gradient of the maxima, given where they are, or of the means.
pub(super) fn gradient(
    cpu: Cpu,
    pool: &Pool,
    index: Option<&[u8]>,
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    let values = input_gradient.len() + output_gradient.len();
    let shared = Shared::new(input_gradient);
    let row = pool.width * pool.channels;
    let pairs = pool.height.div_ceil(2);
    let start = |pair: usize| (pair / pairs * pool.height + pair % pairs * 2) * row;
    over_rows(cpu, pool.batch * pairs, values, |range| {
        // SAFETY: pairs of rows do not overlap, and the parts share none of them.
        let input_gradient = unsafe { shared.part(start(range.start)..start(range.end)) };
        cpu.path.run(Gradient { pool, index, output_gradient, input_gradient, pairs: range });
    });
}

/// Pairs of input rows of windows of 2 by 2, counted through all images; the last pair of an image may be one row.
struct Gradient<'a> {
    pool: &'a Pool,
    index: Option<&'a [u8]>,
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
    pairs: Range<usize>,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gradient { pool, index, output_gradient, mut input_gradient, pairs } = self;
        let channels = pool.channels;
        let (out_height, out_width) = (pool.out_height(), pool.out_width());
        let (in_row, row) = (pool.width * channels, out_width * channels);
        let in_pairs = pool.height.div_ceil(2);
        for pair in pairs {
            let (image, pair) = (pair / in_pairs, pair % in_pairs);
            let left_over = pair == out_height;
            let here;
            (here, input_gradient) = input_gradient.split_at_mut(if left_over { in_row } else { 2 * in_row });
            if left_over {
                here.fill(0.0);
                continue;
            }
            let place = (image * out_height + pair) * row;
            let gradient = &output_gradient[place..][..row];
            let (top, bottom) = here.split_at_mut(in_row);
            top[2 * row..].fill(0.0);
            bottom[2 * row..].fill(0.0);
            match index {
                Some(index) => to_greatest(s, channels, &index[place..][..row], gradient, top, bottom),
                None => to_all(s, channels, gradient, top, bottom),
            }
        }
    }
}

/// Each window's gradient goes to where its maximum was.
#[inline(always)]
fn to_greatest<S: Simd>(
    s: S,
    channels: usize,
    index: &[u8],
    gradient: &[f32],
    top: &mut [f32],
    bottom: &mut [f32],
) {
    let windows = top.chunks_exact_mut(2 * channels).zip(bottom.chunks_exact_mut(2 * channels));
    let sources = index.chunks_exact(channels).zip(gradient.chunks_exact(channels));
    for ((above, below), (index, gradient)) in windows.zip(sources) {
        let ((a, b), (c, d)) = (above.split_at_mut(channels), below.split_at_mut(channels));
        each_vector!(S::LANES, channels, |at, count| {
            let place = get_u8(s, index, at, count);
            let g = get(s, gradient, at, count);
            let zero = s.splat(0.0);
            put(s, a, at, count, s.select_eq(place, zero, g, zero));
            put(s, b, at, count, s.select_eq(place, s.splat(1.0), g, zero));
            put(s, c, at, count, s.select_eq(place, s.splat(2.0), g, zero));
            put(s, d, at, count, s.select_eq(place, s.splat(3.0), g, zero));
        });
    }
}

/// A quarter of each window's gradient goes to each of its pixels.
#[inline(always)]
fn to_all<S: Simd>(s: S, channels: usize, gradient: &[f32], top: &mut [f32], bottom: &mut [f32]) {
    let windows = top.chunks_exact_mut(2 * channels).zip(bottom.chunks_exact_mut(2 * channels));
    for ((above, below), gradient) in windows.zip(gradient.chunks_exact(channels)) {
        let ((a, b), (c, d)) = (above.split_at_mut(channels), below.split_at_mut(channels));
        each_vector!(S::LANES, channels, |at, count| {
            let g = s.mul(get(s, gradient, at, count), s.splat(0.25));
            put(s, a, at, count, g);
            put(s, b, at, count, g);
            put(s, c, at, count, g);
            put(s, d, at, count, g);
        });
    }
}

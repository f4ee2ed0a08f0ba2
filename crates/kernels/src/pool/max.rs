//! The greatest value of each window.

use std::ops::Range;

use super::{Pool, Windows, two_by_two};
use crate::Cpu;
use crate::cpu::Shared;
use crate::simd::{Kernel, Simd};
use crate::vectors::{each_vector, get, get_u8, over_rows, put, put_u8};

/// Takes the greatest value of each window; what is not a number is greater than any number.
///
/// A window that lies in the padding altogether gives minus infinity.
///
/// # Shapes
/// - input: `[batch, height, width, channels]`
/// - output: `[batch, out_height, out_width, channels]`
///
/// # Panics
/// If a slice has the wrong length, or if the kernel size, the stride or the dilation is 0.
///
/// ```
/// use fireclay_kernels::{Cpu, Pool, max_pool};
/// let pool = Pool::square(1, 2, 4, 1, 2);
/// let mut output = [0.0; 2];
/// max_pool(Cpu::best(1), &pool, &[1.0, 5.0, 2.0, 0.0, 3.0, 4.0, 8.0, 7.0], &mut output);
/// assert_eq!(output, [5.0, 8.0]);
/// ```
pub fn max_pool(cpu: Cpu, pool: &Pool, input: &[f32], output: &mut [f32]) {
    forward::<false>(cpu, pool, input, output, &mut []);
}

/// As [`max_pool`], and says where each maximum was, for [`max_pool_gradient`].
///
/// The index is the position within the window, `row * kernel_size[1] + column`: a byte, so that the gradient needs
/// neither the input nor the output. The first of equal values counts, the last of values that are not numbers.
///
/// # Shapes
/// - input: `[batch, height, width, channels]`
/// - output, index: `[batch, out_height, out_width, channels]`
///
/// # Panics
/// As [`max_pool`], and if the window has more than 256 positions.
///
/// ```
/// use fireclay_kernels::{Cpu, Pool, max_pool_with_index};
/// let (mut output, mut index) = ([0.0], [9]);
/// max_pool_with_index(Cpu::best(1), &Pool::square(1, 2, 2, 1, 2), &[1.0, 5.0, 2.0, 0.0], &mut output, &mut index);
/// assert_eq!((output, index), ([5.0], [1]));
/// ```
pub fn max_pool_with_index(cpu: Cpu, pool: &Pool, input: &[f32], output: &mut [f32], index: &mut [u8]) {
    check_index(pool, index.len());
    forward::<true>(cpu, pool, input, output, index);
}

/// The gradient of [`max_pool`]: each window's goes to where its maximum was.
///
/// # Shapes
/// - index, output_gradient: `[batch, out_height, out_width, channels]`
/// - input_gradient: `[batch, height, width, channels]`, overwritten
///
/// # Panics
/// As [`max_pool_with_index`].
///
/// ```
/// use fireclay_kernels::{Cpu, Pool, max_pool_gradient};
/// let mut gradient = [9.0; 4];
/// max_pool_gradient(Cpu::best(1), &Pool::square(1, 2, 2, 1, 2), &[1], &[3.0], &mut gradient);
/// assert_eq!(gradient, [0.0, 3.0, 0.0, 0.0]);
/// ```
pub fn max_pool_gradient(
    cpu: Cpu,
    pool: &Pool,
    index: &[u8],
    output_gradient: &[f32],
    input_gradient: &mut [f32],
) {
    check_index(pool, index.len());
    pool.check(input_gradient.len(), output_gradient.len());
    if input_gradient.is_empty() {
        return;
    }
    if pool.is_2x2() {
        return two_by_two::gradient(cpu, pool, Some(index), output_gradient, input_gradient);
    }
    let values = input_gradient.len() + output_gradient.len();
    let shared = Shared::new(input_gradient);
    let row = pool.width * pool.channels;
    let (across, down) = (pool.axis(1).all_windows(), pool.axis(0).all_windows());
    over_rows(cpu, pool.batch * pool.height, values, |rows| {
        // SAFETY: the parts share no row.
        let input_gradient = unsafe { shared.part(rows.start * row..rows.end * row) };
        let (across, down) = (&across, &down);
        cpu.path.run(Gradient { pool, index, output_gradient, input_gradient, rows, across, down });
    });
}

#[track_caller]
fn check_index(pool: &Pool, index: usize) {
    assert!(
        pool.kernel_size[0] * pool.kernel_size[1] <= 256,
        "a window of more than 256 positions: {pool:?}"
    );
    assert_eq!(index, pool.out_len(), "values of the index of {pool:?}");
}

fn forward<const INDEX: bool>(cpu: Cpu, pool: &Pool, input: &[f32], output: &mut [f32], index: &mut [u8]) {
    pool.check(input.len(), output.len());
    if output.is_empty() {
        return;
    }
    let values = input.len() + output.len();
    let (shared, shared_index) = (Shared::new(output), Shared::new(index));
    let row = pool.out_width() * pool.channels;
    let taps = pool.axis(1).all_taps();
    over_rows(cpu, pool.batch * pool.out_height(), values, |rows| {
        let places = rows.start * row..rows.end * row;
        // SAFETY: the parts share no row; the index is as long as the output, or not touched.
        let (output, index) =
            unsafe { (shared.part(places.clone()), shared_index.part(if INDEX { places } else { 0..0 })) };
        cpu.path.run(Forward::<INDEX> { pool, input, output, index, rows, taps: &taps });
    });
}

/// The output rows `rows`, counted through all images; `output` and `index` hold just them.
struct Forward<'a, const INDEX: bool> {
    pool: &'a Pool,
    input: &'a [f32],
    output: &'a mut [f32],
    index: &'a mut [u8],
    rows: Range<usize>,
    taps: &'a [Range<usize>],
}

impl<const INDEX: bool> Kernel for Forward<'_, INDEX> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Forward { pool, input, output, index, rows, taps } = self;
        let down = pool.axis(0);
        let in_row = pool.width * pool.channels;
        let row = taps.len() * pool.channels;
        for (at, out_row) in rows.enumerate() {
            let (image, out_row) = (out_row / down.out, out_row % down.out);
            let image = &input[image * pool.height * in_row..][..pool.height * in_row];
            let output = &mut output[at * row..][..row];
            let index = if INDEX { &mut index[at * row..][..row] } else { &mut [] };
            if pool.is_2x2() {
                let (top, bottom) = image[2 * out_row * in_row..][..2 * in_row].split_at(in_row);
                two_by_two::greatest::<S, INDEX>(s, pool.channels, top, bottom, output, index);
            } else {
                one_row::<S, INDEX>(s, pool, image, out_row, taps, output, index);
            }
        }
    }
}

/// One row of windows of any kind.
#[inline(always)]
fn one_row<S: Simd, const INDEX: bool>(
    s: S,
    pool: &Pool,
    image: &[f32],
    out_row: usize,
    taps: &[Range<usize>],
    output: &mut [f32],
    index: &mut [u8],
) {
    let (down, across) = (pool.axis(0), pool.axis(1));
    let vertical = down.taps(out_row);
    let channels = pool.channels;
    for (out, horizontal) in taps.iter().enumerate() {
        each_vector!(S::LANES, channels, |at, count| {
            let mut best = s.splat(f32::NEG_INFINITY);
            // A window full of minus infinity has its first pixel for a maximum, as any other.
            let mut place = s.splat((vertical.start * across.kernel + horizontal.start) as f32);
            for i in vertical.clone() {
                let row = down.place(out_row, i) * pool.width;
                for j in horizontal.clone() {
                    let x = get(s, image, (row + across.place(out, j)) * channels + at, count);
                    if INDEX {
                        place = s.select_gt_or_nan(x, best, s.splat((i * across.kernel + j) as f32), place);
                    }
                    best = s.select_gt_or_nan(x, best, x, best);
                }
            }
            put(s, output, out * channels + at, count, best);
            if INDEX {
                put_u8(s, index, out * channels + at, count, place);
            }
        });
    }
}

/// The input rows `rows`, counted through all images.
struct Gradient<'a> {
    pool: &'a Pool,
    index: &'a [u8],
    output_gradient: &'a [f32],
    input_gradient: &'a mut [f32],
    rows: Range<usize>,
    across: &'a Windows,
    down: &'a Windows,
}

impl Kernel for Gradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Gradient { pool, index, output_gradient, input_gradient, rows, across, down } = self;
        let channels = pool.channels;
        let (out_height, out_width) = (pool.out_height(), pool.out_width());
        for (here, row) in input_gradient.chunks_exact_mut(pool.width * channels).zip(rows) {
            let (image, row) = (row / pool.height, row % pool.height);
            for (column, here) in here.chunks_exact_mut(channels).enumerate() {
                each_vector!(S::LANES, channels, |at, count| {
                    let mut sum = s.splat(0.0);
                    for &(out_row, i) in down.of(row) {
                        for &(out, j) in across.of(column) {
                            let from = ((image * out_height + out_row) * out_width + out) * channels + at;
                            let tap = s.splat((i * pool.kernel_size[1] + j) as f32);
                            let place = get_u8(s, index, from, count);
                            let g = get(s, output_gradient, from, count);
                            sum = s.add(sum, s.select_eq(place, tap, g, s.splat(0.0)));
                        }
                    }
                    put(s, here, at, count, sum);
                });
            }
        }
    }
}

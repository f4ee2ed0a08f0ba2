//! The steps of a network of bytes, for a few images at a time on one thread.

use std::ops::Range;

use super::tensor::{SLACK, Tensor};
use super::tile::{Into, Quad, Tiles};
use super::{Int8Network, Int8Pool, Int8Scale};
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_pieces, piece_of};
use crate::product::offset;
use crate::simd::{Kernel, Path, Simd, load_up_to, store_up_to};
use crate::vectors::{each_vector, get, get_u8, put_u8};
use crate::{Cpu, Values};

/// Runs the body for each row of each image. No closure: within a kernel it would be compiled without the path's instructions.
macro_rules! each_row {
    ($images:expr, $tensor:expr, |$image:ident, $y:ident| $body:block) => {
        for $image in 0..$images {
            for $y in 0..$tensor.dims[1] $body
        }
    };
}

/// Runs the body for each output pixel of a pooling: its bytes, and where its window begins in the input.
macro_rules! each_window {
    ($images:expr, $from:ident, $to:ident, $into:ident, $pool:ident, |$pixel:ident, $begin:ident| $body:block) => {
        each_row!($images, $to, |image, y| {
            let row = image * $from.image() + $from.place(y * $pool.stride[0], 0);
            let step = $pool.stride[1] * $from.dims[0];
            let pixels = row_mut($to, $into, image, y).chunks_exact_mut($to.dims[0]);
            for (x, $pixel) in pixels.enumerate() {
                let $begin = row + x * step;
                $body
            }
        })
    };
}

/// What is done one after another; each reads and writes slots of the arena.
#[derive(Debug)]
pub(super) enum Step {
    /// Writes the byte of 0 everywhere, so that it is in the border.
    Fill {
        to: Tensor,
    },
    /// A convolution or a dense layer.
    Product(Box<Product>),
    MaxPool {
        from: Tensor,
        to: Tensor,
        pool: Int8Pool,
        /// For each channel which bits of its bytes are turned over before the greatest is found, and after: all where the least is
        /// asked for.
        flips: Vec<u8>,
    },
    AveragePool {
        from: Tensor,
        to: Tensor,
        pool: Int8Pool,
    },
    /// Without a slot to write to, the numbers leave.
    GlobalAverage {
        from: Tensor,
        to: Option<Tensor>,
    },
    Relu {
        from: Tensor,
        to: Tensor,
    },
    Add {
        one: Tensor,
        other: Tensor,
        to: Tensor,
        relu: bool,
    },
    /// Bytes leave as numbers, channel after channel.
    Numbers {
        from: Tensor,
    },
}

/// A product of windows and weights.
#[derive(Debug)]
pub(super) struct Product {
    pub(super) from: Tensor,
    /// Without it the numbers leave.
    pub(super) to: Option<Tensor>,
    pub(super) out_channels: usize,
    /// Columns of a panel, but that the last may have fewer.
    pub(super) width: usize,
    /// All windows, in ever fewer kinds.
    pub(super) windows: Vec<Vec<Windows>>,
    /// Rows of a panel.
    pub(super) quads: usize,
    pub(super) panels: Buffer,
    pub(super) factor: Buffer,
    pub(super) addend: Buffer,
    pub(super) least: f32,
    pub(super) most: f32,
    pub(super) zero: f32,
}

/// Windows of which at most some values of the kernel meet the image. The others meet its border, and what they add up to is what the
/// sums start from.
#[derive(Debug)]
pub(super) struct Windows {
    /// Of one image.
    pub(super) count: usize,
    /// Where each window of an image begins, then those of the next images of a group.
    pub(super) rows: Vec<u32>,
    /// Where its results go, likewise.
    pub(super) places: Vec<u32>,
    /// What of a window is not only border.
    pub(super) quads: Vec<Quad>,
    pub(super) start: Buffer,
}

impl Step {
    /// Makes tables of one image those of a group.
    pub(super) fn repeat_tables(&mut self, group: usize) {
        let Step::Product(product) = self else { return };
        let repeat = |table: &[u32], image: usize| -> Vec<u32> {
            (0..group).flat_map(|at| table.iter().map(move |place| place + offset(at * image))).collect()
        };
        for windows in product.windows.iter_mut().flatten() {
            windows.places = repeat(&windows.places, product.to.map_or(0, |to| to.image()));
            windows.rows = repeat(&windows.rows, product.from.image());
        }
    }
}

pub(super) fn run(
    network: &Int8Network,
    cpu: Cpu,
    batch: usize,
    (input, channels_last): (&[f32], bool),
    output: &mut [f32],
) {
    if batch == 0 {
        return;
    }
    let (in_len, out_len) = (network.in_len(), network.out_len);
    let output = Shared::new(output);
    // Images are spread over the threads, or the windows of one.
    let threads = if batch == 1 { cpu.threads } else { 1 };
    // At most a group; half of one still reads the weights seldom enough.
    let size = piece_of(batch, cpu.threads, network.group.div_ceil(2)).min(network.group);
    let own = || Arena::new(network, size);
    in_pieces((batch, 1), cpu.threads, size, own, |arena, part| {
        // SAFETY: each piece has outputs of its own, all inside the slice.
        let output = unsafe { output.part(part.start * out_len..part.end * out_len) };
        let input = &input[part.start * in_len..part.end * in_len];
        let images = part.len();
        network.path.run_int8(Images { network, threads, images, arena, input, channels_last, output });
    });
}

/// Memory for what lies between two layers.
struct Arena {
    bytes: Buffer,
    /// Where each slot begins.
    slots: Vec<usize>,
}

impl Arena {
    fn new(network: &Int8Network, images: usize) -> Self {
        let images = images.min(network.group);
        let mut end = 0;
        let slots = network.slots.iter().map(|slot| {
            let begin = end;
            end += (images * slot + SLACK).next_multiple_of(64);
            begin
        });
        let slots = slots.collect();
        Arena { bytes: Buffer::unspecified(end.div_ceil(4)), slots }
    }

    /// The bytes of a tensor of so many images, and those behind it that may be read.
    fn of(&self, tensor: Tensor, images: usize) -> &[u8] {
        let begin = self.slots[tensor.slot];
        let all = self.bytes.slice();
        let len = images * tensor.image() + SLACK;
        assert!(begin + len <= size_of_val(all), "a slot outside the arena");
        // SAFETY: the range lies inside the buffer, of which all bytes may be read as such.
        unsafe { std::slice::from_raw_parts(all.as_ptr().cast::<u8>().add(begin), len) }
    }

    fn of_mut(&mut self, tensor: Tensor, images: usize) -> &mut [u8] {
        let begin = self.slots[tensor.slot];
        let all = self.bytes.slice_mut();
        let len = images * tensor.image();
        assert!(begin + len <= size_of_val(all), "a slot outside the arena");
        // SAFETY: the range lies inside the buffer, which takes any bytes.
        unsafe { std::slice::from_raw_parts_mut(all.as_mut_ptr().cast::<u8>().add(begin), len) }
    }

    /// Bytes of a tensor, and those of another to write.
    fn read_and_write(&mut self, from: Tensor, to: Tensor, images: usize) -> (&[u8], &mut [u8]) {
        assert_ne!(from.slot, to.slot, "a step reads and writes different slots");
        let to: *mut [u8] = self.of_mut(to, images);
        // SAFETY: another slot, so other bytes than those that are read; both live as long as the arena is borrowed. What may be
        // read behind a slot is slack, which nobody writes.
        (self.of(from, images), unsafe { &mut *to })
    }
}

/// Some images through all steps.
struct Images<'a> {
    network: &'a Int8Network,
    threads: usize,
    images: usize,
    arena: &'a mut Arena,
    input: &'a [f32],
    channels_last: bool,
    output: &'a mut [f32],
}

impl Kernel for Images<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Images { network, threads, images, arena, input, channels_last, output } = self;
        let path = network.path;
        // The input's border is the first thing to fill.
        let mut steps = network.steps.iter();
        if network.input.has_border() {
            steps.next();
            fill(arena, network.input, images);
        }
        enter(s, network, images, arena, input, channels_last);
        for step in steps {
            match step {
                Step::Fill { to } => fill(arena, *to, images),
                Step::Product(product) => product.run(path, threads, images, arena, output),
                Step::MaxPool { from, to, pool, flips } => {
                    let (values, into) = arena.read_and_write(*from, *to, images);
                    max_pool(s, images, (*from, values), (*to, into), pool, flips);
                }
                Step::AveragePool { from, to, pool } => {
                    let (values, into) = arena.read_and_write(*from, *to, images);
                    average_pool(images, (*from, values), (*to, into), pool);
                }
                Step::GlobalAverage { from, to } => {
                    let channels = from.dims[0];
                    let mut means = Values::unspecified(images * channels);
                    means_of(images, *from, arena.of(*from, images), &mut means);
                    match to {
                        Some(to) => {
                            let into = arena.of_mut(*to, images);
                            for (image, means) in means.chunks_exact(channels).enumerate() {
                                for (channel, mean) in means.iter().enumerate() {
                                    into[image * to.image() + to.place(0, 0) + channel] =
                                        nearest(*mean, from.scale);
                                }
                            }
                        }
                        None => {
                            for (to, mean) in output.iter_mut().zip(means.iter()) {
                                *to = (mean - f32::from(from.scale.zero_point)) * from.scale.scale;
                            }
                        }
                    }
                }
                Step::Relu { from, to } => {
                    let least = from.scale.zero_point;
                    let (values, into) = arena.read_and_write(*from, *to, images);
                    each_row!(images, *to, |image, y| {
                        let (values, into) = (row(*from, values, image, y), row_mut(*to, into, image, y));
                        for (to, from) in into.iter_mut().zip(values) {
                            *to = (*from).max(least);
                        }
                    });
                }
                Step::Add { one, other, to, relu } => add(s, images, arena, [*one, *other], *to, *relu),
                Step::Numbers { from } => {
                    let [channels, height, width] = from.dims;
                    let values = arena.of(*from, images);
                    let (scale, zero) = (from.scale.scale, f32::from(from.scale.zero_point));
                    for (image, planes) in output.chunks_exact_mut(channels * height * width).enumerate() {
                        for (at, row) in planes.chunks_exact_mut(width).enumerate() {
                            let (channel, y) = (at / height, at % height);
                            let bytes = &values[image * from.image() + from.place(y, 0)..];
                            for (to, pixel) in row.iter_mut().zip(bytes.chunks_exact(channels)) {
                                *to = (f32::from(pixel[channel]) - zero) * scale;
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Bytes of one row of an image, without its border.
#[inline(always)]
fn row(tensor: Tensor, values: &[u8], image: usize, y: usize) -> &[u8] {
    let [channels, _, width] = tensor.dims;
    &values[image * tensor.image() + tensor.place(y, 0)..][..width * channels]
}

#[inline(always)]
fn row_mut(tensor: Tensor, values: &mut [u8], image: usize, y: usize) -> &mut [u8] {
    let [channels, _, width] = tensor.dims;
    &mut values[image * tensor.image() + tensor.place(y, 0)..][..width * channels]
}

#[inline(always)]
fn fill(arena: &mut Arena, to: Tensor, images: usize) {
    arena.of_mut(to, images).fill(to.scale.zero_point);
}

/// Numbers `[channels, height, width]` become bytes `[height, width, channels]`.
#[inline(always)]
fn enter<S: Simd>(
    s: S,
    network: &Int8Network,
    images: usize,
    arena: &mut Arena,
    input: &[f32],
    channels_last: bool,
) {
    let to = network.input;
    let [channels, height, width] = to.dims;
    let values = arena.of_mut(to, images);
    let scale = network.input_scale;
    if channels_last || channels == 1 || height * width == 1 {
        // As bytes lie.
        each_row!(images, to, |image, y| {
            let from = &input[(image * height + y) * width * channels..][..width * channels];
            quantize(s, scale, from, row_mut(to, values, image, y));
        });
        return;
    }
    let mut planes = vec![0u8; channels * width];
    each_row!(images, to, |image, y| {
        let into = row_mut(to, values, image, y);
        for channel in 0..channels {
            let from = &input[((image * channels + channel) * height + y) * width..][..width];
            quantize(s, scale, from, &mut planes[channel * width..][..width]);
        }
        if channels == 3 {
            let (red, rest) = planes.split_at(width);
            let (green, blue) = rest.split_at(width);
            let pixels = into.as_chunks_mut::<3>().0;
            for (pixel, ((red, green), blue)) in pixels.iter_mut().zip(red.iter().zip(green).zip(blue)) {
                *pixel = [*red, *green, *blue];
            }
        } else {
            for (channel, plane) in planes.chunks_exact(width).enumerate() {
                for (x, byte) in plane.iter().enumerate() {
                    into[x * channels + channel] = *byte;
                }
            }
        }
    });
}

/// Numbers to bytes; what is not a number becomes the least one.
#[inline(always)]
fn quantize<S: Simd>(s: S, of: Int8Scale, from: &[f32], into: &mut [u8]) {
    let (scale, zero) = (s.splat(of.scale), f32::from(of.zero_point));
    each_vector!(S::LANES, from.len(), |at, count| {
        // In this order what is not a number becomes the least byte.
        let whole = s.round(s.max(s.div(get(s, from, at, count), scale), s.splat(-zero)));
        put_u8(s, into, at, count, s.min(s.add(whole, s.splat(zero)), s.splat(255.0)));
    });
}

/// Multiplications of a product that are worth another thread.
const WORTH_A_THREAD: usize = if cfg!(test) { 1 } else { 3 << 19 };

/// Rows of a kind of windows from which it is a product by itself: fewer take as long as these, as a tile's sums wait for each other, and
/// a panel is read for each kind.
const ROWS_OF_KIND: usize = 4;

impl Product {
    fn run(&self, path: Path, threads: usize, images: usize, arena: &mut Arena, output: &mut [f32]) {
        let are_enough = |kinds: &&Vec<Windows>| kinds.iter().all(|kind| images * kind.count >= ROWS_OF_KIND);
        let windows =
            self.windows.iter().find(are_enough).or(self.windows.last()).expect("all windows alike");
        let rows = images * windows.iter().map(|windows| windows.count).sum::<usize>();
        let panels = self.out_channels.div_ceil(self.width);
        let quads: usize = windows.iter().map(|windows| windows.count * windows.quads.len()).sum();
        let work = 4 * images * quads * self.out_channels;
        let (a, to) = match self.to {
            Some(to) => {
                let (a, to) = arena.read_and_write(self.from, to, images);
                (a, To::Bytes(Shared::new(to)))
            }
            None => (arena.of(self.from, images), To::Numbers(Shared::new(output))),
        };
        let threads = threads.min(work / WORTH_A_THREAD).max(1);
        if threads == 1 {
            return self.tiles(path, (windows, images), (a, to), 0..rows, 0..panels);
        }
        // Rows, or where there are few of them panels of columns.
        let by_rows = rows >= 2 * ROWS * threads;
        let (all, least) = if by_rows { ((rows, ROWS), 8 * ROWS) } else { ((panels, 1), 1) };
        in_pieces(
            all,
            threads,
            piece_of(all.0, threads, least),
            || (),
            |(), part| match by_rows {
                true => self.tiles(path, (windows, images), (a, to), part, 0..panels),
                false => self.tiles(path, (windows, images), (a, to), 0..rows, part),
            },
        );
    }

    /// The results of some rows, which are all windows of a kind in all images after those of another, in some panels of columns.
    fn tiles(
        &self,
        path: Path,
        (windows, images): (&[Windows], usize),
        (a, to): (&[u8], To),
        rows: Range<usize>,
        panels: Range<usize>,
    ) {
        for panel in panels {
            let first = panel * self.width;
            let mut begin = 0;
            for windows in windows {
                let len = images * windows.count;
                let part =
                    rows.start.clamp(begin, begin + len) - begin..rows.end.clamp(begin, begin + len) - begin;
                begin += len;
                if part.is_empty() {
                    continue;
                }
                let to = match to {
                    To::Bytes(to) => Into::Bytes {
                        to: to.ptr().wrapping_add(first),
                        places: &windows.places[part.clone()],
                    },
                    // There is one window in an image then.
                    To::Numbers(to) => {
                        let stride = self.out_channels;
                        let to = to.ptr().wrapping_add(part.start * stride + first);
                        Into::Numbers { to, stride, scales: None }
                    }
                };
                path.run_int8(Tiles {
                    a,
                    rows: &windows.rows[part],
                    quads: &windows.quads,
                    panel: &self.panels.slice()[first * self.quads..],
                    start: &windows.start.slice()[first..],
                    factor: &self.factor.slice()[first..],
                    addend: &self.addend.slice()[first..],
                    least: self.least,
                    most: self.most,
                    zero: self.zero,
                    columns: self.width.min(self.out_channels - first),
                    to,
                });
            }
        }
    }
}

/// Rows that a thread takes at least.
const ROWS: usize = 6;

/// Where the results of a product go.
#[derive(Clone, Copy)]
enum To {
    Bytes(Shared<u8>),
    Numbers(Shared<f32>),
}

#[inline(always)]
fn max_pool<S: Simd>(
    s: S,
    images: usize,
    (from, values): (Tensor, &[u8]),
    (to, into): (Tensor, &mut [u8]),
    pool: &Int8Pool,
    flips: &[u8],
) {
    let channels = from.dims[0];
    assert_eq!(flips.len(), channels, "which bits of each channel are turned over");
    let [height, width] = pool.kernel_size;
    let window = (height - 1) * from.row() + width * channels;
    each_window!(images, from, to, into, pool, |pixel, begin| {
        let values = &values[begin..begin + window];
        // Four bytes are a lane.
        each_vector!(S::LANES, channels / 4, |at, count| {
            let mut greatest = s.splat(0.0);
            // SAFETY: there is a byte for each channel.
            let flip = unsafe { load_up_to(s, flips.as_ptr().add(4 * at).cast(), count) };
            for y in 0..height {
                for x in 0..width {
                    let place = y * from.row() + x * channels + 4 * at;
                    // SAFETY: a window holds all of its pixels, and a pixel `4 · (at + count)` bytes and more.
                    let bytes = unsafe { load_up_to(s, values.as_ptr().add(place).cast(), count) };
                    greatest = s.max_quads(greatest, s.xor(bytes, flip));
                }
            }
            // SAFETY: the output's pixel has as many bytes.
            unsafe { store_up_to(s, pixel.as_mut_ptr().add(4 * at).cast(), s.xor(greatest, flip), count) };
        });
        for (channel, to) in pixel.iter_mut().enumerate().skip(channels / 4 * 4) {
            *to = 0;
            for y in 0..height {
                for x in 0..width {
                    *to = (*to).max(values[y * from.row() + x * channels + channel] ^ flips[channel]);
                }
            }
            *to ^= flips[channel];
        }
    });
}

#[inline(always)]
fn average_pool(
    images: usize,
    (from, values): (Tensor, &[u8]),
    (to, into): (Tensor, &mut [u8]),
    pool: &Int8Pool,
) {
    let channels = from.dims[0];
    let share = 1.0 / (pool.kernel_size[0] * pool.kernel_size[1]) as f32;
    let mut sums = vec![0u32; channels];
    each_window!(images, from, to, into, pool, |pixel, begin| {
        sums.fill(0);
        for y in 0..pool.kernel_size[0] {
            for x in 0..pool.kernel_size[1] {
                let values = &values[begin + y * from.row() + x * channels..][..channels];
                for (sum, byte) in sums.iter_mut().zip(values) {
                    *sum += u32::from(*byte);
                }
            }
        }
        for (to, sum) in pixel.iter_mut().zip(&sums) {
            *to = nearest(*sum as f32 * share, from.scale);
        }
    });
}

/// The byte for a mean of bytes: the nearest whole number of steps from that of 0.
#[inline(always)]
fn nearest(mean: f32, scale: Int8Scale) -> u8 {
    let zero = f32::from(scale.zero_point);
    ((mean - zero).round_ties_even() + zero) as u8
}

/// The mean byte of each channel.
#[inline(always)]
fn means_of(images: usize, from: Tensor, values: &[u8], means: &mut [f32]) {
    let [channels, height, width] = from.dims;
    let share = 1.0 / (height * width) as f32;
    let mut sums = vec![0u32; channels];
    for (image, means) in means.chunks_exact_mut(channels).enumerate().take(images) {
        sums.fill(0);
        for y in 0..height {
            for pixel in row(from, values, image, y).chunks_exact(channels) {
                for (sum, byte) in sums.iter_mut().zip(pixel) {
                    *sum += u32::from(*byte);
                }
            }
        }
        for (mean, sum) in means.iter_mut().zip(&sums) {
            *mean = *sum as f32 * share;
        }
    }
}

#[inline(always)]
fn add<S: Simd>(s: S, images: usize, arena: &mut Arena, [one, other]: [Tensor; 2], to: Tensor, relu: bool) {
    let [by_one, by_other] = [one, other].map(|side| side.scale.scale / to.scale.scale);
    let zero = |side: Tensor| f32::from(side.scale.zero_point);
    let addend = s.splat(zero(to) - (zero(one) * by_one + zero(other) * by_other));
    let [by_one, by_other] = [by_one, by_other].map(|factor| s.splat(factor));
    let least = s.splat(if relu { f32::from(to.scale.zero_point) } else { 0.0 });
    let into: *mut [u8] = arena.read_and_write(one, to, images).1;
    let (one_values, other_values) = (arena.of(one, images), arena.of(other, images));
    assert_ne!(other.slot, to.slot, "a step reads and writes different slots");
    // SAFETY: a slot that neither side is in; the arena stays borrowed for as long.
    let into = unsafe { &mut *into };
    each_row!(images, to, |image, y| {
        let (a, b) = (row(one, one_values, image, y), row(other, other_values, image, y));
        let into = row_mut(to, into, image, y);
        each_vector!(S::LANES, into.len(), |at, count| {
            let other = s.add(s.mul(get_u8(s, b, at, count), by_other), addend);
            let sum = s.add(s.mul(get_u8(s, a, at, count), by_one), other);
            let value = s.min(s.max(sum, least), s.splat(255.0));
            put_u8(s, into, at, count, s.round(value));
        });
    });
}

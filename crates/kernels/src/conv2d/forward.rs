//! From images to images.

use std::ops::Range;

use super::geometry::{bordered, terms};
use super::winograd::{self, Winograd};
use super::{Conv2dShape, Conv2dTape};
use crate::cpu::{Shared, in_parallel, in_pieces, piece_of, ranges};
use crate::memory::Values;
use crate::pool::{max_pool, max_pool_with_index};
use crate::product::{Packed, Product, Start, Term, offset};
use crate::{Cpu, Precision};

/// Multiplications of an image from which threads share it.
const WORTH_THREADS: usize = if cfg!(test) { 1000 } else { 200_000 };

/// Windows for each thread below which the threads share the channels instead.
const FEW_WINDOWS: usize = 12;

/// The convolution of a batch of images.
///
/// # Shapes
/// - `input`: `[batch, height, width, in_channels]`
/// - `weight`: `[kernel height, kernel width, in_channels / groups, out_channels]`
/// - `bias`: `[out_channels]`
/// - `output`: `[batch, out_height, out_width, out_channels]`, see [`Conv2dShape::output`]
///
/// # Panics
/// If a length is not that of the shape, or a size is 0 that must not be.
///
/// ```
/// use fireclay_kernels::{Conv2dShape, Cpu, conv2d};
/// // One image of 2 x 3, one channel in and out, a kernel of 2 x 2.
/// let shape = Conv2dShape::new(1, 1, 1, [2, 3], [2, 2]);
/// let mut output = [0.0; 2];
/// conv2d(Cpu::best(1), &shape, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1.0; 4], Some(&[0.5]), &mut output);
/// assert_eq!(output, [12.5, 16.5]);
/// ```
pub fn conv2d(
    cpu: Cpu,
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    let method = Method::new(cpu, shape, weight);
    Forward::new(cpu, shape, &method, bias).run(input, output, None);
}

/// The weights of a convolution in the order in which they are multiplied, for calls that have them in common.
#[derive(Debug)]
pub struct Conv2dWeights {
    key: Conv2dWeightsKey,
    method: Method<'static>,
}

/// What convolutions that share ordered weights have in common: all of their shape but the number of images, and what follows the
/// convolution; and how they are multiplied, which depends on that number and on the precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2dWeightsKey {
    /// Of no images.
    shape: Conv2dShape,
    /// Rows and columns of the outputs of a tile, and the precision of its products, where there are tiles.
    tiles: Option<(usize, Precision)>,
}

impl Conv2dWeights {
    /// What two convolutions must have in common, beside their weights, to share them so.
    pub fn key(precision: Precision, shape: &Conv2dShape) -> Conv2dWeightsKey {
        let tiles = winograd::side_prepared(precision, shape).map(|side| (side, precision));
        Conv2dWeightsKey { shape: Conv2dShape { batch: 0, relu: false, pool: None, ..*shape }, tiles }
    }

    /// Orders them; or nothing, where that gains nothing: in groups, or if there are none.
    ///
    /// # Panics
    /// If `weight` is not that of the shape.
    pub fn new(cpu: Cpu, shape: &Conv2dShape, weight: &[f32]) -> Option<Self> {
        shape.check();
        assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
        if shape.groups > 1 || weight.is_empty() {
            return None;
        }
        let key = Self::key(cpu.precision, shape);
        let method = match key.tiles {
            Some((side, _)) => Method::Winograd(Winograd::forward_by(cpu, shape, side, weight)),
            None => {
                let cpu = Cpu { precision: Precision::F32, ..cpu };
                let packed = Packed::new(cpu, weight, shape.taps(), shape.out_channels);
                let values = shape.values_of_window();
                let terms = packed.terms(values.iter().map(|value| *value as usize));
                Method::Panels { windows: shape.windows(), terms, packed }
            }
        };
        Some(Conv2dWeights { key, method })
    }
}

/// As [`conv2d`], with weights that were ordered before.
///
/// # Panics
/// As [`conv2d`], and if they were ordered for another convolution.
///
/// ```
/// use fireclay_kernels::{Conv2dShape, Conv2dWeights, Cpu, conv2d_with};
/// let (cpu, shape) = (Cpu::best(1), Conv2dShape::new(1, 1, 1, [2, 3], [2, 2]));
/// let weights = Conv2dWeights::new(cpu, &shape, &[1.0; 4]).unwrap();
/// let mut output = [0.0; 2];
/// conv2d_with(cpu, &shape, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &weights, Some(&[0.5]), &mut output);
/// assert_eq!(output, [12.5, 16.5]);
/// ```
pub fn conv2d_with(
    cpu: Cpu,
    shape: &Conv2dShape,
    input: &[f32],
    weights: &Conv2dWeights,
    bias: Option<&[f32]>,
    output: &mut [f32],
) {
    assert_eq!(
        Conv2dWeights::key(cpu.precision, shape),
        weights.key,
        "weights ordered for another convolution"
    );
    Forward::new(cpu, shape, &weights.method, bias).run(input, output, None);
}

/// The same, which also keeps what [`super::conv2d_backward`] needs.
///
/// # Panics
/// As [`conv2d`].
///
/// ```
/// use fireclay_kernels::{Conv2dShape, Cpu, conv2d_for_training};
/// let shape = Conv2dShape::new(1, 1, 1, [1, 3], [1, 2]);
/// let mut output = [0.0; 2];
/// let tape = conv2d_for_training(Cpu::best(1), &shape, &[1.0, 2.0, 3.0], &[10.0, 20.0], None, &mut output);
/// assert_eq!(output, [50.0, 80.0]);
/// # drop(tape);
/// ```
pub fn conv2d_for_training(
    cpu: Cpu,
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    bias: Option<&[f32]>,
    output: &mut [f32],
) -> Conv2dTape {
    let mut maxima = match shape.pool {
        Some(_) => vec![0; shape.batch * shape.output_len()],
        None => Vec::new(),
    };
    let keep = shape.pool.map(|_| maxima.as_mut_slice());
    let method = Method::new(cpu, shape, weight);
    Forward::new(cpu, shape, &method, bias).run(input, output, keep);
    Conv2dTape { maxima }
}

/// What all images of a batch share.
struct Forward<'a> {
    cpu: Cpu,
    shape: &'a Conv2dShape,
    bias: Option<&'a [f32]>,
    method: &'a Method<'a>,
}

/// How the sums are made.
#[derive(Debug)]
enum Method<'a> {
    /// One product over all values of a window, image by image.
    Direct { windows: Vec<u32>, terms: Vec<Term>, weight: &'a [f32] },
    /// The same with weights in panels, without groups.
    Panels { windows: Vec<u32>, terms: Vec<Term>, packed: Packed },
    /// Fewer multiplications, over tiles of as many images as make a product worth its while.
    Winograd(Winograd),
}

impl<'a> Method<'a> {
    /// The best one where the weights are put in order for this call alone.
    fn new(cpu: Cpu, shape: &Conv2dShape, weight: &'a [f32]) -> Self {
        shape.check();
        assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
        if winograd::suits(shape) {
            return Method::Winograd(Winograd::forward(cpu, shape, weight));
        }
        let rows = (0..shape.taps()).map(|tap| offset(tap * shape.out_channels));
        let terms = terms(&shape.values_of_window(), rows);
        Method::Direct { windows: shape.windows(), terms, weight }
    }
}

impl<'a> Forward<'a> {
    fn new(cpu: Cpu, shape: &'a Conv2dShape, method: &'a Method<'a>, bias: Option<&'a [f32]>) -> Self {
        shape.check();
        if let Some(bias) = bias {
            assert_eq!(bias.len(), shape.out_channels, "a bias of another convolution");
        }
        Forward { cpu, shape, bias, method }
    }

    fn run(&self, input: &[f32], output: &mut [f32], maxima: Option<&mut [u8]>) {
        let shape = self.shape;
        assert_eq!(input.len(), shape.batch * shape.input_len(), "images of another size");
        assert_eq!(output.len(), shape.batch * shape.output_len(), "an output of another size");
        let (output_len, keeps) = (shape.output_len(), maxima.is_some());
        if output_len == 0 {
            return;
        }
        let is_small = shape.batch < self.cpu.threads;
        match self.method {
            Method::Winograd(winograd) if shape.pool.is_none() || is_small => {
                return self
                    .run_then_pool(output, maxima, |output| self.convolve_tiles(winograd, input, output));
            }
            Method::Direct { windows, .. } | Method::Panels { windows, .. }
                if is_small && windows.len() * shape.weight_len() >= WORTH_THREADS =>
            {
                return self
                    .run_then_pool(output, maxima, |output| self.convolve_parts(windows, input, output));
            }
            _ => {}
        }
        let at_once = match self.method {
            Method::Winograd(winograd) => winograd.images_at_once(self.cpu, shape.batch),
            _ => 1,
        };
        let threads = self.cpu.threads;
        let size = piece_of(shape.batch, threads, at_once);
        let output = Shared::new(output);
        let maxima = Shared::new(maxima.unwrap_or_default());
        let pooled = if shape.pool.is_some() { at_once * shape.convolved_len() } else { 0 };
        let own = || (Scratch::default(), Values::unspecified(pooled));
        in_pieces((shape.batch, at_once), threads, size, own, |(scratch, convolved), part| {
            for first in part.clone().step_by(at_once) {
                let images = first..(first + at_once).min(part.end);
                let place = images.start * output_len..images.end * output_len;
                // SAFETY: each image belongs to one part, and the parts end before the output does.
                let (output, maxima) =
                    unsafe { (output.part(place.clone()), if keeps { maxima.part(place) } else { &mut [] }) };
                let input = &input[images.start * shape.input_len()..images.end * shape.input_len()];
                match shape.pool {
                    None => self.convolve(input, output, scratch),
                    Some(pool) => {
                        let convolved = &mut convolved[..images.len() * shape.convolved_len()];
                        self.convolve(input, convolved, scratch);
                        let pool = pool.of_images(images.len(), shape.convolved(), shape.out_channels);
                        let cpu = self.cpu.alone();
                        match keeps {
                            true => max_pool_with_index(cpu, &pool, convolved, output, maxima),
                            false => max_pool(cpu, &pool, convolved, output),
                        }
                    }
                }
            }
        });
    }

    /// Convolves all images with threads that share each one, and pools afterwards.
    fn run_then_pool(&self, output: &mut [f32], maxima: Option<&mut [u8]>, convolve: impl Fn(&mut [f32])) {
        let shape = self.shape;
        let Some(pool) = shape.pool else { return convolve(output) };
        let mut convolved = Values::unspecified(shape.batch * shape.convolved_len());
        convolve(&mut convolved);
        let pool = pool.of_images(shape.batch, shape.convolved(), shape.out_channels);
        match maxima {
            Some(maxima) => max_pool_with_index(self.cpu, &pool, &convolved, output, maxima),
            None => max_pool(self.cpu, &pool, &convolved, output),
        }
    }

    /// Spreads the tiles over the threads, whichever images they belong to.
    fn convolve_tiles(&self, winograd: &Winograd, input: &[f32], output: &mut [f32]) {
        let shape = self.shape;
        let tiles = shape.batch * winograd.tiles();
        let size = winograd.tiles_of_run();
        let threads = winograd.threads(self.cpu, tiles);
        let output = Shared::new(output);
        in_pieces((tiles, 1), threads, size, winograd::Scratch::default, |scratch, tiles| {
            // SAFETY: the output has all images, and the pieces have different tiles.
            unsafe { winograd.run(input, tiles, self.bias, shape.relu, output.ptr(), scratch) };
        });
    }

    /// Spreads the windows of one image after another over the threads, or the channels where the windows are few.
    fn convolve_parts(&self, windows: &[u32], input: &[f32], output: &mut [f32]) {
        let (shape, threads) = (self.shape, self.cpu.threads);
        let mut padded = vec![0.0; if shape.is_padded() { shape.padded_len() } else { 0 }];
        let images = input.chunks_exact(shape.input_len());
        for (image, output) in images.zip(output.chunks_exact_mut(shape.convolved_len())) {
            let image = bordered(shape, image, &mut padded);
            let few = windows.len() < FEW_WINDOWS * threads;
            if let Method::Panels { terms, packed, .. } = self.method
                && few
                && packed.panels() >= threads
            {
                let factor = (image, windows, &terms[..]);
                packed.multiply_by_columns(self.cpu, factor, self.start(0), shape.relu, output);
                continue;
            }
            // Six windows are a tile; few are shared out evenly.
            let parts: Vec<_> = ranges(windows.len(), threads, if few { 1 } else { 6 }).collect();
            let output = Shared::new(output);
            in_parallel(parts.len(), |part| {
                let windows = parts[part].clone();
                let places = windows.start * shape.out_channels..windows.end * shape.out_channels;
                // SAFETY: the parts have different windows, all of them inside the output.
                self.convolve_image(image, windows, unsafe { output.part(places) });
            });
        }
    }

    /// Convolves some images, with bias and ReLU, on the caller's thread.
    fn convolve(&self, images: &[f32], output: &mut [f32], scratch: &mut Scratch) {
        let shape = self.shape;
        match self.method {
            Method::Direct { windows, .. } | Method::Panels { windows, .. } => {
                if shape.is_padded() {
                    scratch.padded.resize(shape.padded_len(), 0.0);
                }
                for (index, output) in output.chunks_exact_mut(shape.convolved_len()).enumerate() {
                    let image = &images[index * shape.input_len()..(index + 1) * shape.input_len()];
                    let image = bordered(shape, image, &mut scratch.padded);
                    self.convolve_image(image, 0..windows.len(), output);
                }
            }
            Method::Winograd(winograd) => {
                let tiles = 0..output.len() / shape.convolved_len() * winograd.tiles();
                // SAFETY: the output has these images, and is the caller's.
                unsafe {
                    winograd.run(
                        images,
                        tiles,
                        self.bias,
                        shape.relu,
                        output.as_mut_ptr(),
                        &mut scratch.tiles,
                    );
                }
            }
        }
    }

    /// Convolves some windows of an image; never by tiles.
    fn convolve_image(&self, image: &[f32], part: Range<usize>, output: &mut [f32]) {
        let (shape, path) = (self.shape, self.cpu.path);
        match self.method {
            Method::Winograd(_) => unreachable!("tiles are no windows"),
            Method::Panels { windows, terms, packed } => {
                let factor = (image, &windows[part], &terms[..]);
                packed.multiply_tables(path, factor, self.start(0), shape.relu, 0..packed.panels(), output);
            }
            Method::Direct { windows, terms, weight } => {
                let (channels, out_channels) = (shape.channels_in_group(), shape.out_channels_in_group());
                for group in 0..shape.groups {
                    let first = group * out_channels;
                    Product {
                        a: &image[group * channels..],
                        rows: &windows[part.clone()],
                        terms,
                        b: &weight[first..],
                        columns: out_channels,
                        pairs: false,
                        start: self.start(group),
                        relu: shape.relu,
                        output: &mut output[first..],
                        output_stride: shape.out_channels,
                        ahead: &[],
                    }
                    .run(path);
                }
            }
        }
    }

    /// What the sums of a group start from.
    fn start(&self, group: usize) -> Start<'a> {
        let out_channels = self.shape.out_channels_in_group();
        self.bias.map_or(Start::Zero, |bias| Start::Row(&bias[group * out_channels..][..out_channels]))
    }
}

/// What one thread uses for one image after another.
#[derive(Default)]
struct Scratch {
    /// An image with its padding, which stays 0.
    padded: Vec<f32>,
    tiles: winograd::Scratch,
}

//! From images to images.

use super::geometry::{bordered, terms};
use super::winograd::{self, Winograd};
use super::{Conv2dShape, Conv2dTape};
use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::memory::Values;
use crate::pool::{max_pool, max_pool_with_index};
use crate::product::{Product, Start, Term, offset};

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
    Forward::new(cpu, shape, weight, bias).run(input, output, None);
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
    Forward::new(cpu, shape, weight, bias).run(input, output, keep);
    Conv2dTape { maxima }
}

/// What all images of a batch share.
struct Forward<'a> {
    cpu: Cpu,
    shape: &'a Conv2dShape,
    bias: Option<&'a [f32]>,
    method: Method<'a>,
}

/// How the sums are made.
enum Method<'a> {
    /// One product over all values of a window, image by image.
    Direct { windows: Vec<u32>, terms: Vec<Term>, weight: &'a [f32] },
    /// Fewer multiplications, over tiles of as many images as make a product worth its while.
    Winograd(Winograd),
}

impl<'a> Forward<'a> {
    fn new(cpu: Cpu, shape: &'a Conv2dShape, weight: &'a [f32], bias: Option<&'a [f32]>) -> Self {
        shape.check();
        assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), shape.out_channels, "a bias of another convolution");
        }
        let method = match winograd::suits(shape) {
            true => Method::Winograd(Winograd::forward(cpu, shape, weight)),
            false => {
                let rows = (0..shape.taps()).map(|tap| offset(tap * shape.out_channels));
                let terms = terms(&shape.values_of_window(), rows);
                Method::Direct { windows: shape.windows(), terms, weight }
            }
        };
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
        if let Method::Winograd(winograd) = &self.method
            && (shape.pool.is_none() || shape.batch < self.cpu.threads)
        {
            return self.run_by_tiles(winograd, input, output, maxima);
        }
        let at_once = winograd::images_at_once(self.cpu, shape);
        let parts: Vec<_> = ranges(shape.batch, self.cpu.threads, 1).collect();
        let output = Shared::new(output);
        let maxima = Shared::new(maxima.unwrap_or_default());
        in_parallel(parts.len(), |part| {
            let mut scratch = Scratch::default();
            let part = parts[part].clone();
            let pooled = if shape.pool.is_some() { at_once * shape.convolved_len() } else { 0 };
            let mut convolved = Values::unspecified(pooled);
            for first in part.clone().step_by(at_once) {
                let images = first..(first + at_once).min(part.end);
                let place = images.start * output_len..images.end * output_len;
                // SAFETY: each image belongs to one part, and the parts end before the output does.
                let (output, maxima) =
                    unsafe { (output.part(place.clone()), if keeps { maxima.part(place) } else { &mut [] }) };
                let input = &input[images.start * shape.input_len()..images.end * shape.input_len()];
                match shape.pool {
                    None => self.convolve(input, output, &mut scratch),
                    Some(pool) => {
                        let convolved = &mut convolved[..images.len() * shape.convolved_len()];
                        self.convolve(input, convolved, &mut scratch);
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

    /// Spreads the tiles over the threads, whichever images they belong to, and pools afterwards.
    fn run_by_tiles(
        &self,
        winograd: &Winograd,
        input: &[f32],
        output: &mut [f32],
        maxima: Option<&mut [u8]>,
    ) {
        let shape = self.shape;
        let parts: Vec<_> = ranges(shape.batch * winograd.tiles(), self.cpu.threads, 1).collect();
        let convolve = |output: &mut [f32]| {
            let output = Shared::new(output);
            in_parallel(parts.len(), |part| {
                let mut scratch = winograd::Scratch::default();
                // SAFETY: the output has all images, and the parts have different tiles.
                unsafe {
                    let tiles = parts[part].clone();
                    winograd.run(input, tiles, self.bias, shape.relu, output.ptr(), &mut scratch);
                }
            });
        };
        let Some(pool) = shape.pool else { return convolve(output) };
        let mut convolved = Values::unspecified(shape.batch * shape.convolved_len());
        convolve(&mut convolved);
        let pool = pool.of_images(shape.batch, shape.convolved(), shape.out_channels);
        match maxima {
            Some(maxima) => max_pool_with_index(self.cpu, &pool, &convolved, output, maxima),
            None => max_pool(self.cpu, &pool, &convolved, output),
        }
    }

    /// Convolves some images, with bias and ReLU, on the caller's thread.
    fn convolve(&self, images: &[f32], output: &mut [f32], scratch: &mut Scratch) {
        let shape = self.shape;
        match &self.method {
            Method::Direct { windows, terms, weight } => {
                if shape.is_padded() {
                    scratch.padded.resize(shape.padded_len(), 0.0);
                }
                for (index, output) in output.chunks_exact_mut(shape.convolved_len()).enumerate() {
                    let image = &images[index * shape.input_len()..(index + 1) * shape.input_len()];
                    let image = bordered(shape, image, &mut scratch.padded);
                    self.convolve_image(image, windows, terms, weight, output);
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

    fn convolve_image(
        &self,
        image: &[f32],
        windows: &[u32],
        terms: &[Term],
        weight: &[f32],
        output: &mut [f32],
    ) {
        let shape = self.shape;
        let (channels, out_channels) = (shape.channels_in_group(), shape.out_channels_in_group());
        for group in 0..shape.groups {
            let first = group * out_channels;
            Product {
                a: &image[group * channels..],
                rows: windows,
                terms,
                b: &weight[first..],
                columns: out_channels,
                start: match self.bias {
                    Some(bias) => Start::Row(&bias[first..first + out_channels]),
                    None => Start::Zero,
                },
                relu: shape.relu,
                output: &mut output[first..],
                output_stride: shape.out_channels,
            }
            .run(self.cpu.path);
        }
    }
}

/// What one thread uses for one image after another.
#[derive(Default)]
struct Scratch {
    /// An image with its padding, which stays 0.
    padded: Vec<f32>,
    tiles: winograd::Scratch,
}

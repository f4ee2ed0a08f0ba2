//! From images to images.

use super::geometry::{copy_into_border, terms};
use super::{Conv2dShape, Conv2dTape};
use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
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
    windows: Vec<u32>,
    terms: Vec<Term>,
    weight: &'a [f32],
    bias: Option<&'a [f32]>,
}

impl<'a> Forward<'a> {
    fn new(cpu: Cpu, shape: &'a Conv2dShape, weight: &'a [f32], bias: Option<&'a [f32]>) -> Self {
        shape.check();
        assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
        if let Some(bias) = bias {
            assert_eq!(bias.len(), shape.out_channels, "a bias of another convolution");
        }
        let rows = (0..shape.taps()).map(|tap| offset(tap * shape.out_channels));
        Forward {
            cpu,
            shape,
            windows: shape.windows(),
            terms: terms(&shape.values_of_window(), rows),
            weight,
            bias,
        }
    }

    fn run(&self, input: &[f32], output: &mut [f32], maxima: Option<&mut [u8]>) {
        let shape = self.shape;
        assert_eq!(input.len(), shape.batch * shape.input_len(), "images of another size");
        assert_eq!(output.len(), shape.batch * shape.output_len(), "an output of another size");
        let (output_len, keeps) = (shape.output_len(), maxima.is_some());
        if output_len == 0 {
            return;
        }
        let parts: Vec<_> = ranges(shape.batch, self.cpu.threads, 1).collect();
        let output = Shared::new(output);
        let maxima = Shared::new(maxima.unwrap_or_default());
        in_parallel(parts.len(), |part| {
            let mut padded = vec![0.0; if shape.is_padded() { shape.padded_len() } else { 0 }];
            let mut convolved = vec![0.0; if shape.pool.is_some() { shape.convolved_len() } else { 0 }];
            for image in parts[part].clone() {
                let place = image * output_len..(image + 1) * output_len;
                // SAFETY: each image belongs to one part, and the parts end before the output does.
                let (output, maxima) =
                    unsafe { (output.part(place.clone()), if keeps { maxima.part(place) } else { &mut [] }) };
                let image = &input[image * shape.input_len()..(image + 1) * shape.input_len()];
                let image = self.bordered(image, &mut padded);
                match shape.pool {
                    None => self.convolve(image, output),
                    Some(pool) => {
                        self.convolve(image, &mut convolved);
                        let pool = pool.of_image(shape.convolved(), shape.out_channels);
                        let cpu = self.cpu.alone();
                        match keeps {
                            true => max_pool_with_index(cpu, &pool, &convolved, output, maxima),
                            false => max_pool(cpu, &pool, &convolved, output),
                        }
                    }
                }
            }
        });
    }

    /// The image with its border, if it has one.
    fn bordered<'b>(&self, image: &'b [f32], padded: &'b mut [f32]) -> &'b [f32] {
        let shape = self.shape;
        if !shape.is_padded() {
            return image;
        }
        let channels = shape.in_channels;
        let (row, bordered_row) = (shape.size[1] * channels, shape.padded()[1] * channels);
        copy_into_border(image, padded, row, bordered_row, shape.padding[0], shape.padding[1] * channels);
        padded
    }

    fn convolve(&self, image: &[f32], output: &mut [f32]) {
        let shape = self.shape;
        let (channels, out_channels) = (shape.channels_in_group(), shape.out_channels_in_group());
        for group in 0..shape.groups {
            let first = group * out_channels;
            Product {
                a: &image[group * channels..],
                rows: &self.windows,
                terms: &self.terms,
                b: &self.weight[first..],
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

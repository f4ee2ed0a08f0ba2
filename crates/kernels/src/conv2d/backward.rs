//! From the output's gradient to those of input, weights and bias.

use std::ops::Range;

use super::Conv2dShape;
use super::geometry::{bordered, terms};
use super::weights::transpose_weights;
use super::winograd::{self, ByWeight, Winograd};
use crate::Cpu;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::elementwise::{add, column_sums, relu_gradient};
use crate::memory::Values;
use crate::pool::max_pool_gradient;
use crate::product::{Product, Start, Term, offset};

/// What the forward pass keeps for the gradients.
#[derive(Clone, Debug, Default)]
pub struct Conv2dTape {
    /// Which value of its window each output is, row by row from 0; empty without pooling.
    pub maxima: Vec<u8>,
}

/// Where gradients are written; what is `None` is not computed.
#[derive(Debug, Default)]
pub struct Conv2dGradients<'a> {
    /// `[batch, height, width, in_channels]`
    pub input: Option<&'a mut [f32]>,
    /// `[kernel height, kernel width, in_channels / groups, out_channels]`
    pub weight: Option<&'a mut [f32]>,
    /// `[out_channels]`
    pub bias: Option<&'a mut [f32]>,
    /// Of each image, instead of those of weight and bias.
    pub squares: Option<ImageSquares<'a>>,
}

/// Where the squared norm of each image's own gradient by weight and bias is written.
#[derive(Debug)]
pub struct ImageSquares<'a> {
    /// Whether the weight's counts.
    pub of_weight: bool,
    /// Whether the bias' counts.
    pub of_bias: bool,
    /// `[batch]`
    pub into: &'a mut [f64],
}

/// The gradients of a convolution with its ReLU and pooling.
///
/// # Shapes
/// - `input`, `weight`: as the forward pass had them
/// - `output`: what it gave; only read if `shape.relu`
/// - `gradient`: of the output, the same shape
///
/// # Panics
/// If a length is not that of the shape, and if `squares` are asked for beside the gradients by weight or bias.
///
/// ```
/// use fireclay_kernels::{Conv2dGradients, Conv2dShape, Cpu, conv2d_backward, conv2d_for_training};
/// let shape = Conv2dShape::new(1, 1, 1, [1, 3], [1, 2]);
/// let (input, weight, mut output) = ([1.0, 2.0, 3.0], [10.0, 20.0], [0.0; 2]);
/// let tape = conv2d_for_training(Cpu::best(1), &shape, &input, &weight, None, &mut output);
/// assert_eq!(output, [50.0, 80.0]);
/// let (mut by_input, mut by_weight) = ([0.0; 3], [0.0; 2]);
/// let into =
///     Conv2dGradients { input: Some(&mut by_input), weight: Some(&mut by_weight), ..Conv2dGradients::default() };
/// conv2d_backward(Cpu::best(1), &shape, &input, &weight, &output, &tape, &[1.0, 1.0], into);
/// assert_eq!((by_input, by_weight), ([10.0, 30.0, 20.0], [3.0, 5.0]));
/// ```
#[expect(clippy::too_many_arguments, reason = "each is another thing, and all are needed")]
pub fn conv2d_backward(
    cpu: Cpu,
    shape: &Conv2dShape,
    input: &[f32],
    weight: &[f32],
    output: &[f32],
    tape: &Conv2dTape,
    gradient: &[f32],
    into: Conv2dGradients<'_>,
) {
    shape.check();
    assert_eq!(weight.len(), shape.weight_len(), "weights of another convolution");
    assert_eq!(input.len(), shape.batch * shape.input_len(), "images of another size");
    assert_eq!(gradient.len(), shape.batch * shape.output_len(), "a gradient of another size");
    assert!(!shape.relu || output.len() == gradient.len(), "an output of another size");
    assert!(shape.pool.is_none() || tape.maxima.len() == gradient.len(), "a tape of another size");
    let Conv2dGradients { input: by_input, weight: by_weight, bias: by_bias, squares } = into;
    assert!(
        squares.is_none() || (by_weight.is_none() && by_bias.is_none()),
        "the gradients of all images and squares of each"
    );
    assert!(
        squares.as_ref().is_none_or(|squares| squares.into.len() == shape.batch),
        "squares of another number of images"
    );
    let lens = [(&by_input, input.len()), (&by_weight, weight.len()), (&by_bias, shape.out_channels)];
    for (slice, len) in lens {
        assert!(slice.as_ref().is_none_or(|slice| slice.len() == len), "room for a gradient of another size");
    }

    if gradient.is_empty() {
        // No window fits, or there are no images.
        [by_input, by_weight, by_bias].into_iter().flatten().for_each(|slice| slice.fill(0.0));
        if let Some(squares) = squares {
            squares.into.fill(0.0);
        }
        return;
    }

    let parts: Vec<_> = ranges(shape.batch, cpu.threads, 1).collect();
    // Each thread sums its images' gradients by itself; then the sums are added in the order of the images.
    let [of_weight, of_bias] = match &squares {
        Some(squares) => [squares.of_weight, squares.of_bias],
        None => [by_weight.is_some(), by_bias.is_some()],
    };
    let is_by_image = squares.is_some();
    let plan = Backward::new(cpu, shape, weight, by_input.is_some(), of_weight, is_by_image);
    let weight_len = plan.weight_sums_len();
    let bias_len = if of_bias { shape.out_channels } else { 0 };
    let len = weight_len + bias_len;
    let at_once = if is_by_image { 1 } else { plan.images_at_once() };
    let mut sums = Values::zeros(parts.len() * len);
    {
        let all_sums = Shared::new(&mut sums);
        let by_input = Shared::new(by_input.unwrap_or_default());
        let squares = Shared::new(squares.map_or(&mut [][..], |squares| squares.into));
        in_parallel(parts.len(), |part| {
            // SAFETY: each part has its own sums.
            let sums = unsafe { all_sums.part(part * len..(part + 1) * len) };
            let (weight_sums, bias_sums) = sums.split_at_mut(weight_len);
            let part = parts[part].clone();
            let most = at_once.min(part.len());
            let mut scratch = Scratch::new(shape, &plan, most);
            let changes = shape.relu || shape.pool.is_some();
            let mut room = Values::unspecified(if changes { most * shape.convolved_len() } else { 0 });
            for first in part.clone().step_by(at_once) {
                let images = first..(first + at_once).min(part.end);
                let count = images.len();
                let place = images.start * shape.output_len()..images.end * shape.output_len();
                let out = if shape.relu { &output[place.clone()] } else { &[] };
                let maxima = if shape.pool.is_some() { &tape.maxima[place.clone()] } else { &[] };
                let gradient =
                    plan.to_convolution(count, &gradient[place], out, maxima, &mut room, &mut scratch.passed);
                let image_place = images.start * shape.input_len()..images.end * shape.input_len();
                plan.by_weight(&input[image_place.clone()], gradient, images, &mut scratch, weight_sums);
                if bias_len > 0 {
                    column_sums(cpu.alone(), gradient, &mut scratch.sums);
                    add(cpu.alone(), &scratch.sums, bias_sums);
                }
                if is_by_image {
                    // SAFETY: each image belongs to one part.
                    let square = unsafe { squares.part(first..first + 1) };
                    square[0] = sum_of_squares(weight_sums) + sum_of_squares(bias_sums);
                    weight_sums.fill(0.0);
                    bias_sums.fill(0.0);
                }
                if plan.by_input.is_some() {
                    // SAFETY: each image belongs to one part.
                    let to = unsafe { by_input.part(image_place) };
                    plan.by_input(gradient, &mut scratch, to);
                }
            }
        });
    }
    let sums: Vec<&[f32]> = (0..parts.len()).map(|part| &sums[part * len..(part + 1) * len]).collect();
    if let Some(into) = by_weight {
        plan.finish_weight(&sums, into);
    }
    if let Some(into) = by_bias {
        add_up(sums.iter().map(|sums| &sums[weight_len..]), into);
    }
}

fn sum_of_squares(values: &[f32]) -> f64 {
    // Some sums side by side, which is as fast as the memory.
    let mut sums = [0.0f64; 8];
    let chunks = values.chunks_exact(sums.len());
    let rest: f64 = chunks.remainder().iter().map(|value| f64::from(*value).powi(2)).sum();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(*value) * f64::from(*value);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The sum of slices, added in their order.
fn add_up<'a>(parts: impl Iterator<Item = &'a [f32]>, into: &mut [f32]) {
    into.fill(0.0);
    for part in parts {
        for (sum, value) in into.iter_mut().zip(part) {
            *sum += value;
        }
    }
}

/// What one thread uses for some images after others.
struct Scratch {
    /// The output's gradient where ReLU let it pass, if it is pooled.
    passed: Values,
    /// The sum of each channel of that.
    sums: Vec<f32>,
    /// An input image with its padding.
    padded: Values,
    /// The gradient by a padded input image.
    by_padded: Values,
    /// The gradient by each window's values, where windows are gathered back.
    columns: Values,
    tiles: winograd::Scratch,
}

impl Scratch {
    fn new(shape: &Conv2dShape, plan: &Backward<'_>, images: usize) -> Self {
        let [height, width] = shape.convolved();
        let is_padded = matches!(plan.by_weight, Some(WeightMethod::Direct { .. })) && shape.is_padded();
        let by_columns = matches!(plan.by_input, Some(InputMethod::Columns(_)));
        let passed = shape.relu && shape.pool.is_some();
        Scratch {
            sums: vec![0.0; shape.out_channels],
            passed: Values::unspecified(if passed { images * shape.output_len() } else { 0 }),
            padded: Values::zeros(if is_padded { shape.padded_len() } else { 0 }),
            by_padded: Values::unspecified(if by_columns { shape.padded_len() } else { 0 }),
            columns: Values::unspecified(if by_columns { height * width * shape.taps() } else { 0 }),
            tiles: winograd::Scratch::default(),
        }
    }
}

/// What all images of a batch share.
struct Backward<'a> {
    cpu: Cpu,
    shape: &'a Conv2dShape,
    by_weight: Option<WeightMethod>,
    by_input: Option<InputMethod>,
}

/// How the gradient by weights is made.
enum WeightMethod {
    /// One product for each image: rows are the values of a window, terms go over the windows.
    Direct { values: Vec<u32>, windows: Vec<Term> },
    /// Fewer multiplications, over tiles of several images.
    Winograd(Box<ByWeight>),
}

/// How the gradient by input is made.
enum InputMethod {
    /// One product for each image gives the gradient of each window, and windows are summed.
    Columns(Columns),
    /// Fewer multiplications, over tiles of several images.
    Winograd(Winograd),
}

/// The gradient by input as a product that gives each window's gradient, and a sum over windows.
struct Columns {
    rows: Vec<u32>,
    terms: Vec<Term>,
    weight: Vec<f32>,
    windows: Vec<u32>,
    values: Vec<u32>,
}

impl<'a> Backward<'a> {
    /// What is by image has its weights' gradient directly: tiles would have to be taken back for each image.
    fn new(
        cpu: Cpu,
        shape: &'a Conv2dShape,
        weight: &[f32],
        by_input: bool,
        by_weight: bool,
        is_by_image: bool,
    ) -> Self {
        let by_tiles = winograd::suits(shape);
        if by_tiles && !is_by_image {
            return Backward {
                cpu,
                shape,
                by_input: by_input.then(|| InputMethod::Winograd(Winograd::by_input(cpu, shape, weight))),
                by_weight: by_weight.then(|| WeightMethod::Winograd(Box::new(ByWeight::new(cpu, shape)))),
            };
        }
        let windows = shape.windows();
        let values = shape.values_of_window();
        let places_of_gradient = (0..windows.len()).map(|place| offset(place * shape.out_channels));
        Backward {
            cpu,
            shape,
            by_input: by_input.then(|| match by_tiles {
                true => InputMethod::Winograd(Winograd::by_input(cpu, shape, weight)),
                false => InputMethod::Columns(Columns::new(shape, weight, &windows, &values)),
            }),
            by_weight: by_weight
                .then(|| WeightMethod::Direct { windows: terms(&windows, places_of_gradient), values }),
        }
    }

    /// Values of the sums that a part of the batch adds its gradient by weights to.
    fn weight_sums_len(&self) -> usize {
        match &self.by_weight {
            None => 0,
            Some(WeightMethod::Direct { .. }) => self.shape.weight_len(),
            Some(WeightMethod::Winograd(method)) => method.sums_len(),
        }
    }

    /// Takes the gradient of some images back through pooling and ReLU, if there are any: to the gradient of the
    /// convolution's own output.
    fn to_convolution<'g>(
        &self,
        images: usize,
        gradient: &'g [f32],
        output: &[f32],
        maxima: &[u8],
        room: &'g mut [f32],
        passed: &mut [f32],
    ) -> &'g [f32] {
        let (cpu, shape) = (self.cpu.alone(), self.shape);
        if !shape.relu && shape.pool.is_none() {
            return gradient;
        }
        let into = &mut room[..images * shape.convolved_len()];
        match (shape.pool, shape.relu) {
            (None, _) => relu_gradient(cpu, output, gradient, into),
            (Some(pool), relu) => {
                let pool = pool.of_images(images, shape.convolved(), shape.out_channels);
                let passed = match relu {
                    true => {
                        let passed = &mut passed[..gradient.len()];
                        relu_gradient(cpu, output, gradient, passed);
                        passed
                    }
                    false => gradient,
                };
                max_pool_gradient(cpu, &pool, maxima, passed, into);
            }
        }
        into
    }

    /// Adds what some images give to the sums of their part.
    fn by_weight(
        &self,
        input: &[f32],
        gradient: &[f32],
        images: Range<usize>,
        scratch: &mut Scratch,
        sums: &mut [f32],
    ) {
        let shape = self.shape;
        match &self.by_weight {
            None => {}
            Some(WeightMethod::Winograd(method)) => {
                // SAFETY: each image belongs to one part.
                unsafe { method.run(input, gradient, images, sums, &mut scratch.tiles) };
            }
            Some(WeightMethod::Direct { values, windows }) => {
                for image in 0..images.len() {
                    let gradient = &gradient[image * shape.convolved_len()..];
                    let image = &input[image * shape.input_len()..(image + 1) * shape.input_len()];
                    let image = bordered(shape, image, &mut scratch.padded);
                    let (channels, out_channels) = (shape.channels_in_group(), shape.out_channels_in_group());
                    for group in 0..shape.groups {
                        Product {
                            a: &image[group * channels..],
                            rows: values,
                            terms: windows,
                            b: &gradient[group * out_channels..],
                            columns: out_channels,
                            pairs: false,
                            start: Start::Output,
                            relu: false,
                            output: &mut sums[group * out_channels..],
                            output_stride: shape.out_channels,
                            ahead: &[],
                        }
                        .run(self.cpu.path);
                    }
                }
            }
        }
    }

    /// Writes the gradient by weights from the sums of all parts.
    fn finish_weight(&self, sums: &[&[f32]], into: &mut [f32]) {
        match &self.by_weight {
            Some(WeightMethod::Winograd(method)) => method.finish(sums, into),
            _ => add_up(sums.iter().copied(), into),
        }
    }

    /// Images of a batch that a thread takes at a time.
    fn images_at_once(&self) -> usize {
        let by_input = match &self.by_input {
            Some(InputMethod::Winograd(method)) => method.images_at_once(self.cpu, self.shape.batch),
            _ => 1,
        };
        let by_weight = match &self.by_weight {
            Some(WeightMethod::Winograd(method)) => method.images_at_once(self.shape.batch),
            _ => 1,
        };
        by_input.max(by_weight)
    }

    /// Writes the gradient of some images from that of the convolution's output.
    fn by_input(&self, gradient: &[f32], scratch: &mut Scratch, into: &mut [f32]) {
        let shape = self.shape;
        match &self.by_input {
            None => {}
            Some(InputMethod::Columns(columns)) => columns.run(self.cpu, shape, gradient, scratch, into),
            Some(InputMethod::Winograd(winograd)) => {
                let images = into.len() / shape.input_len().max(1);
                let tiles = 0..images * winograd.tiles();
                // SAFETY: the room has these images, and is the caller's.
                unsafe { winograd.run(gradient, tiles, None, false, into.as_mut_ptr(), &mut scratch.tiles) };
            }
        }
    }
}

impl Columns {
    fn new(shape: &Conv2dShape, weight: &[f32], windows: &[u32], values: &[u32]) -> Self {
        let out_channels = shape.out_channels_in_group();
        let taps = shape.taps();
        Columns {
            rows: (0..windows.len()).map(|place| offset(place * shape.out_channels)).collect(),
            terms: (0..out_channels).map(|out| Term { a: offset(out), b: offset(out * taps) }).collect(),
            weight: transpose_weights(shape, weight),
            windows: windows.to_vec(),
            values: values.to_vec(),
        }
    }

    fn run(&self, cpu: Cpu, shape: &Conv2dShape, gradient: &[f32], scratch: &mut Scratch, into: &mut [f32]) {
        let (out_channels, channels, taps) =
            (shape.out_channels_in_group(), shape.channels_in_group(), shape.taps());
        scratch.by_padded.fill(0.0);
        for group in 0..shape.groups {
            Product {
                a: &gradient[group * out_channels..],
                rows: &self.rows,
                terms: &self.terms,
                b: &self.weight[group * out_channels * taps..(group + 1) * out_channels * taps],
                columns: taps,
                pairs: false,
                start: Start::Zero,
                relu: false,
                output: &mut scratch.columns,
                output_stride: taps,
                ahead: &[],
            }
            .run(cpu.path);
            let first = group * channels;
            for (window, values) in self.windows.iter().zip(scratch.columns.chunks_exact(taps.max(1))) {
                let begin = *window as usize + first;
                for (at, values) in
                    self.values.chunks_exact(channels.max(1)).zip(values.chunks_exact(channels))
                {
                    let start = begin + at[0] as usize;
                    for (sum, value) in scratch.by_padded[start..start + channels].iter_mut().zip(values) {
                        *sum += value;
                    }
                }
            }
        }
        let [top, left, ..] = shape.padding;
        let (row, padded_row) = (shape.size[1] * shape.in_channels, shape.padded()[1] * shape.in_channels);
        for (y, to) in into.chunks_exact_mut(row.max(1)).enumerate() {
            let start = (y + top) * padded_row + left * shape.in_channels;
            to.copy_from_slice(&scratch.by_padded[start..start + row]);
        }
    }
}

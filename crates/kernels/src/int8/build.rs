//! From layers to steps: places in memory, tables, and weights in the order in which tiles read them.

use std::ops::Range;

use super::steps::{Product, Step, Windows};
use super::tensor::Tensor;
use super::tile::{Quad, vectors_of};
use super::{Int8Conv2d, Int8Layer, Int8Network, Int8Pool, Int8Scale};
use crate::buffer::Buffer;
use crate::product::offset;
use crate::simd::{Kernel, Simd};
use crate::{Cpu, Path};

/// Bytes that the arena of a group of images should take, so that it stays in a core's second cache.
const ARENA: usize = 1024 * 1024;

/// More images are not taken together: weights are read seldom enough then.
const MOST_IMAGES: usize = 16;

/// Kinds of windows above which they are not told apart: each has tables of its own, and a large kernel has thousands.
const MOST_KINDS: usize = 25;

/// How many vectors a panel of the path holds.
pub(super) struct PanelVectors;

impl Kernel for PanelVectors {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> usize {
        const { vectors_of::<S>() }
    }
}

/// What is known while steps are made.
#[derive(Default)]
struct Builder {
    lanes: usize,
    vectors: usize,
    steps: Vec<Step>,
    slots: Vec<usize>,
    free: Vec<usize>,
}

/// See [`Int8Network::new`].
pub(super) fn network(
    cpu: Cpu,
    dims: [usize; 3],
    input_scale: Int8Scale,
    layers: &[Int8Layer],
) -> Int8Network {
    let path = if cpu.path.is_available() { cpu.path } else { Path::Plain };
    let (lanes, vectors) = (path.lanes(), path.run(PanelVectors));
    let mut builder = Builder { lanes, vectors, ..Builder::default() };
    let input = builder.tensor(dims, input_scale, border_for(layers));
    let out_len = builder.all_layers(layers, input);
    let Builder { mut steps, slots, .. } = builder;
    let images = ARENA / slots.iter().sum::<usize>().max(1);
    let group = images.clamp(1, MOST_IMAGES);
    steps.iter_mut().for_each(|step| step.repeat_tables(group));
    Int8Network { path, input, input_scale, steps, slots, group, out_len }
}

/// What the next layer reads around its input.
fn border_for(layers: &[Int8Layer]) -> [usize; 4] {
    match layers.first() {
        Some(Int8Layer::Conv2d(conv)) => conv.padding,
        Some(Int8Layer::Residual { layers, shortcut, .. }) => {
            let (one, other) = (border_for(layers), border_for(shortcut));
            std::array::from_fn(|side| one[side].max(other[side]))
        }
        _ => [0; 4],
    }
}

/// How many windows fit into `size`.
fn windows(size: usize, covered: usize, stride: usize) -> usize {
    assert!(size >= covered && covered > 0 && stride > 0, "a window of {covered} in {size}, by {stride}");
    (size - covered) / stride + 1
}

impl Builder {
    fn tensor(&mut self, dims: [usize; 3], scale: Int8Scale, border: [usize; 4]) -> Tensor {
        assert!(scale.scale > 0.0 && scale.scale.is_finite(), "a scale of {}", scale.scale);
        let fullest = (0..self.free.len()).max_by_key(|at| self.slots[self.free[*at]]);
        let slot = match fullest {
            Some(at) => self.free.swap_remove(at),
            None => {
                self.slots.push(0);
                self.slots.len() - 1
            }
        };
        let tensor = Tensor { slot, dims, border, scale };
        self.slots[slot] = self.slots[slot].max(tensor.image());
        if tensor.has_border() {
            self.steps.push(Step::Fill { to: tensor });
        }
        tensor
    }

    fn release(&mut self, tensor: Tensor) {
        self.free.push(tensor.slot);
    }

    /// All layers, and how many numbers leave for each image.
    fn all_layers(&mut self, layers: &[Int8Layer], input: Tensor) -> usize {
        let Some((last, before)) = layers.split_last() else {
            self.steps.push(Step::Numbers { from: input });
            return input.dims.iter().product();
        };
        let input = self.chain(before, input, border_for(std::slice::from_ref(last)), false);
        match last {
            Int8Layer::Conv2d(conv) if conv.output.is_none() => {
                let [_, height, width] = conv_dims(conv, input.dims);
                assert_eq!([height, width], [1, 1], "numbers leave images of 1 by 1 only");
                let product = self.product(conv, input, None);
                self.steps.push(Step::Product(Box::new(product)));
                conv.out_channels
            }
            Int8Layer::GlobalAveragePool => {
                self.steps.push(Step::GlobalAverage { from: input, to: None });
                input.dims[0]
            }
            last => {
                let output = self.layer(last, input, [0; 4]);
                self.steps.push(Step::Numbers { from: output });
                output.dims.iter().product()
            }
        }
    }

    /// Layers one after another; what they give has this border. The input stays as it is if it is kept.
    fn chain(&mut self, layers: &[Int8Layer], input: Tensor, border: [usize; 4], keep: bool) -> Tensor {
        let mut flow = input;
        for (at, layer) in layers.iter().enumerate() {
            let rest = &layers[at + 1..];
            let border = if rest.is_empty() { border } else { border_for(rest) };
            let output = self.layer(layer, flow, border);
            if at > 0 || !keep {
                self.release(flow);
            }
            flow = output;
        }
        flow
    }

    fn layer(&mut self, layer: &Int8Layer, from: Tensor, border: [usize; 4]) -> Tensor {
        let [channels, height, width] = from.dims;
        let pooled = |pool: &Int8Pool| {
            let [h, w] = [(height, 0), (width, 1)]
                .map(|(size, axis)| windows(size, pool.kernel_size[axis], pool.stride[axis]));
            [channels, h, w]
        };
        match layer {
            Int8Layer::Conv2d(conv) => {
                let scale = conv.output.expect("only the last layer gives numbers in f32");
                let to = self.tensor(conv_dims(conv, from.dims), scale, border);
                let product = self.product(conv, from, Some(to));
                self.steps.push(Step::Product(Box::new(product)));
                to
            }
            Int8Layer::MaxPool { pool, least } => {
                assert!(least.is_empty() || least.len() == channels, "which channels of a pooling are least");
                let to = self.tensor(pooled(pool), from.scale, border);
                let flips = (0..channels).map(|at| if least.get(at) == Some(&true) { 0xFF } else { 0 });
                let flips = flips.collect();
                self.steps.push(Step::MaxPool { from, to, pool: *pool, flips });
                to
            }
            Int8Layer::AveragePool(pool) => {
                let to = self.tensor(pooled(pool), from.scale, border);
                self.steps.push(Step::AveragePool { from, to, pool: *pool });
                to
            }
            Int8Layer::GlobalAveragePool => {
                let to = self.tensor([channels, 1, 1], from.scale, border);
                self.steps.push(Step::GlobalAverage { from, to: Some(to) });
                to
            }
            Int8Layer::Relu => {
                let to = self.tensor(from.dims, from.scale, border);
                self.steps.push(Step::Relu { from, to });
                to
            }
            Int8Layer::Residual { layers, shortcut, relu, output } => {
                let one = self.chain(layers, from, [0; 4], true);
                let other = self.chain(shortcut, from, [0; 4], true);
                assert_eq!(one.dims, other.dims, "both sides of a sum");
                let to = self.tensor(one.dims, *output, border);
                self.steps.push(Step::Add { one, other, to, relu: *relu });
                for (side, layers) in [(one, layers), (other, shortcut)] {
                    if !layers.is_empty() {
                        self.release(side);
                    }
                }
                to
            }
        }
    }

    /// A convolution as a product: rows are windows, terms are four bytes of a window each.
    fn product(&mut self, conv: &Int8Conv2d, from: Tensor, to: Option<Tensor>) -> Product {
        let [channels, ..] = from.dims;
        let [kernel_height, kernel_width] = conv.kernel_size;
        let [out_channels, out_height, out_width] = conv_dims(conv, from.dims);
        let terms_of_sum = channels * kernel_height * kernel_width;
        assert!(terms_of_sum <= Int8Conv2d::MOST_TERMS, "{terms_of_sum} terms in a sum of bytes");
        assert_eq!(conv.weight.len(), out_channels * terms_of_sum, "weights of a convolution");
        assert!(conv.weight.iter().all(|weight| *weight != -128), "weights from -127 to 127");
        let of_channels = [conv.weight_scale.len(), conv.bias.len()];
        assert_eq!(of_channels, [out_channels; 2], "scales and biases of a convolution");
        assert!(
            (0..4).all(|side| from.border[side] >= conv.padding[side]),
            "a border as wide as the padding"
        );

        // Where bytes of a window lie one after another, as runs: place in the image, and which of the weights they meet.
        let mut runs: Vec<(usize, Vec<usize>)> = Vec::new();
        for y in 0..kernel_height {
            for x in 0..kernel_width {
                let place = y * conv.dilation[0] * from.row() + x * conv.dilation[1] * channels;
                let weights = (0..channels).map(|channel| (channel * kernel_height + y) * kernel_width + x);
                match runs.last_mut() {
                    Some((begin, run)) if *begin + run.len() == place => run.extend(weights),
                    _ => runs.push((place, weights.collect())),
                }
            }
        }
        let mut quads: Vec<(usize, &[usize])> = Vec::new();
        for (place, run) in &runs {
            quads.extend(run.chunks(4).enumerate().map(|(at, four)| (place + 4 * at, four)));
        }

        let width = self.vectors * self.lanes;
        let padded = out_channels.next_multiple_of(self.lanes);
        let panels = in_panels(&quads, &conv.weight, out_channels, [self.lanes, width]);

        let [mut factor, mut addend] = [(); 2].map(|()| Buffer::zeros(padded));
        let whole_bias = conv.whole_bias(from.scale);
        let by = conv.output.map_or(1.0, |output| output.scale);
        for channel in 0..out_channels {
            factor.slice_mut()[channel] = from.scale.scale * conv.weight_scale[channel] / by;
            addend.slice_mut()[channel] = if whole_bias.is_some() { 0.0 } else { conv.bias[channel] / by };
        }
        let zero = conv.output.map_or(0.0, |output| f32::from(output.zero_point));
        let least = match (conv.relu, conv.output) {
            (true, _) => 0.0,
            (false, Some(_)) => -zero,
            (false, None) => f32::NEG_INFINITY,
        };

        let kinds = [(0, out_height), (1, out_width)]
            .map(|(axis, windows)| by_border(conv, axis, from.dims[axis + 1], windows));
        // By rows and columns, by rows, or all alike.
        let all = [(0, out_height), (1, out_width)]
            .map(|(axis, windows)| vec![(0..conv.kernel_size[axis], (0..windows).collect())]);
        let [by_row, by_column] = &kinds;
        let mut kinds = vec![[by_row, by_column], [by_row, &all[1]], [&all[0], &all[1]]];
        kinds.dedup();
        kinds.retain(|[by_row, by_column]| by_row.len() * by_column.len() <= MOST_KINDS);
        let windows = kinds.into_iter();
        let windows =
            windows.map(|kinds| self.windows(conv, (from, to), &quads, whole_bias.as_deref(), kinds));
        Product {
            from,
            to,
            out_channels,
            width,
            windows: windows.collect(),
            quads: quads.len(),
            panels,
            factor,
            addend,
            least,
            most: 255.0 - zero,
            zero,
        }
    }

    /// All windows of a convolution, by kinds of rows and of columns. Of a quad is given where it lies, and which terms its bytes are.
    fn windows(
        &self,
        conv: &Int8Conv2d,
        (from, to): (Tensor, Option<Tensor>),
        quads: &[(usize, &[usize])],
        whole_bias: Option<&[i32]>,
        [by_row, by_column]: [&Kinds; 2],
    ) -> Vec<Windows> {
        let [kernel_height, kernel_width] = conv.kernel_size;
        let terms_of_sum = from.dims[0] * kernel_height * kernel_width;
        let mut all = Vec::new();
        for (taps_y, rows) in by_row {
            for (taps_x, columns) in by_column {
                let meets = |at: &usize| {
                    let (y, x) = (at / kernel_width % kernel_height, at % kernel_width);
                    taps_y.contains(&y) && taps_x.contains(&x)
                };
                let kept = quads.iter().enumerate().filter(|(_, (_, four))| four.iter().any(meets));
                let kept: Vec<_> = kept.collect();
                let mut start = Buffer::zeros(conv.out_channels.next_multiple_of(self.lanes));
                for (channel, start) in start.slice_mut().iter_mut().enumerate().take(conv.out_channels) {
                    let weights = &conv.weight[channel * terms_of_sum..][..terms_of_sum];
                    let terms = kept.iter().flat_map(|(_, (_, four))| four.iter());
                    let sum: i32 = terms.map(|at| i32::from(weights[*at])).sum();
                    let lowered = -i32::from(from.scale.zero_point) * sum;
                    let whole = whole_bias.map_or(0, |whole| whole[channel]);
                    *start = f32::from_bits(lowered.wrapping_add(whole) as u32);
                }
                let begin = |y: usize, x: usize| {
                    (from.border[0] - conv.padding[0] + y * conv.stride[0]) * from.row()
                        + (from.border[1] - conv.padding[1] + x * conv.stride[1]) * from.dims[0]
                };
                let pixels = || rows.iter().flat_map(|y| columns.iter().map(move |x| (*y, *x)));
                all.push(Windows {
                    count: rows.len() * columns.len(),
                    rows: pixels().map(|(y, x)| offset(begin(y, x))).collect(),
                    places: pixels().map(|(y, x)| to.map_or(0, |to| offset(to.place(y, x)))).collect(),
                    quads: kept
                        .iter()
                        .map(|(row, (a, _))| Quad { a: offset(*a), row: offset(*row) })
                        .collect(),
                    start,
                });
            }
        }
        all
    }
}

/// Positions of a window along an axis, and which of the kernel's values meet the image there and not its border.
type Kinds = Vec<(Range<usize>, Vec<usize>)>;

/// All positions of a window along an axis.
fn by_border(conv: &Int8Conv2d, axis: usize, size: usize, windows: usize) -> Kinds {
    let image = conv.padding[axis]..conv.padding[axis] + size;
    let mut kinds = Kinds::new();
    for at in 0..windows {
        let place = |tap: usize| at * conv.stride[axis] + tap * conv.dilation[axis];
        let before = |end: usize| (0..conv.kernel_size[axis]).filter(|tap| place(*tap) < end).count();
        let taps = before(image.start)..before(image.end);
        match kinds.iter_mut().find(|(known, _)| *known == taps) {
            Some((_, places)) => places.push(at),
            None => kinds.push((taps, vec![at])),
        }
    }
    kinds
}

/// Weights `[columns, terms]` in panels of at most `width` columns, `[panel][quads][columns]`, filled up to whole vectors. Of a quad is
/// given where it lies on the left, and which terms its bytes are.
pub(super) fn in_panels(
    quads: &[(usize, &[usize])],
    weight: &[i8],
    columns: usize,
    [lanes, width]: [usize; 2],
) -> Buffer {
    let terms_of_sum = weight.len().checked_div(columns).unwrap_or(0);
    let padded = columns.next_multiple_of(lanes);
    let mut panels = Buffer::zeros(quads.len() * padded);
    let values = panels.slice_mut();
    for first in (0..padded).step_by(width) {
        let wide = width.min(padded - first);
        for (row, (_, four)) in quads.iter().enumerate() {
            for column in 0..wide.min(columns.saturating_sub(first)) {
                let mut quad = [0i8; 4];
                for (to, at) in quad.iter_mut().zip(*four) {
                    *to = weight[(first + column) * terms_of_sum + at];
                }
                values[first * quads.len() + row * wide + column] =
                    f32::from_bits(u32::from_le_bytes(quad.map(|weight| weight as u8)));
            }
        }
    }
    panels
}

fn conv_dims(conv: &Int8Conv2d, [_, height, width]: [usize; 3]) -> [usize; 3] {
    let axis = |axis: usize, size: usize| {
        let covered = (conv.kernel_size[axis] - 1) * conv.dilation[axis] + 1;
        windows(size + conv.padding[axis] + conv.padding[axis + 2], covered, conv.stride[axis])
    };
    [conv.out_channels, axis(0, height), axis(1, width)]
}

//! Dense layers whose rows become bytes as they come: each row has a scale of its own, its greatest number by 127, and the byte of 0
//! is 128. A row alone and the same row among others give the same bits.

use std::ops::Range;

use super::Int8Conv2d;
use super::build::{PanelVectors, in_panels};
use super::tile::{Into, Quad, Tiles};
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_pieces, piece_of};
use crate::elementwise::gelu_in_place;
use crate::product::offset;
use crate::simd::{Kernel, Path, Simd};
use crate::vectors::{each_vector, get, put_u8};
use crate::{Cpu, Values};

/// The byte of 0.
pub(crate) const ZERO: i32 = 128;

/// Whole numbers reach from -127 to 127.
pub(crate) const MOST: f32 = 127.0;

/// Scales below it are those of rows and columns of nothing.
const LEAST_SCALE: f32 = 1e-30;

/// Rows whose bytes lie in a thread's caches while they meet all weights.
const ROWS: usize = 64;

/// Rows that are worth a thread; of fewer, threads share the columns.
const ROWS_OF_THREAD: usize = 8;

/// Multiplications that are worth another thread.
const WORTH_A_THREAD: usize = if cfg!(test) { 1000 } else { 1 << 19 };

/// The weights of a dense layer as whole numbers from -127 to 127, with a scale for each column, in the order in which they are
/// multiplied.
#[derive(Debug)]
pub struct Int8DenseWeights {
    path: Path,
    in_features: usize,
    out_features: usize,
    /// Columns of a panel, but that the last may have fewer.
    width: usize,
    quads: Vec<Quad>,
    panels: Buffer,
    /// What the sums of each column start from: less the byte of 0 times its weights.
    start: Buffer,
    /// The columns' scales.
    factor: Buffer,
}

impl Int8DenseWeights {
    /// Rounds and orders `[in_features, out_features]` for the CPU. Weights that are whole numbers times a scale for each column are
    /// taken as they are. Nothing where a sum could be beyond 32 bits, or a weight is not finite.
    ///
    /// # Panics
    /// If there are not as many weights.
    pub fn new(cpu: Cpu, weight: &[f32], in_features: usize, out_features: usize) -> Option<Self> {
        assert_eq!(weight.len(), in_features * out_features, "weights of another size");
        if in_features > Int8Conv2d::MOST_TERMS || !weight.iter().all(|weight| weight.is_finite()) {
            return None;
        }
        let path = if cpu.path.is_available() { cpu.path } else { Path::Plain };
        let (lanes, width) = (path.lanes(), path.lanes() * path.run(PanelVectors));
        let (whole, scales) = rounded_columns(weight, in_features, out_features);
        let all: Vec<usize> = (0..in_features).collect();
        let quads: Vec<(usize, &[usize])> =
            all.chunks(4).enumerate().map(|(at, four)| (4 * at, four)).collect();
        let panels = in_panels(&quads, &whole, out_features, [lanes, width]);
        let padded = out_features.next_multiple_of(lanes);
        let [mut start, mut factor] = [(); 2].map(|()| Buffer::zeros(padded));
        factor.slice_mut()[..out_features].copy_from_slice(&scales);
        for (start, weights) in start.slice_mut().iter_mut().zip(whole.chunks_exact(in_features.max(1))) {
            *start = start_of(weights);
        }
        let quads = quads.iter().enumerate().map(|(row, (a, _))| Quad { a: offset(*a), row: offset(row) });
        let quads = quads.collect();
        Some(Int8DenseWeights { path, in_features, out_features, width, quads, panels, start, factor })
    }

    fn panels(&self) -> usize {
        self.out_features.div_ceil(self.width)
    }

    /// Bytes from one row of the input to the next.
    fn row(&self) -> usize {
        4 * self.quads.len()
    }
}

/// What a sum over these weights starts from, as its 32 bits.
pub(crate) fn start_of(weights: &[i8]) -> f32 {
    let sum: i32 = weights.iter().map(|weight| i32::from(*weight)).sum();
    f32::from_bits((-ZERO * sum) as u32)
}

/// The nearest whole numbers of `[rows, columns]`, `[columns, rows]`, and each column's scale.
pub(crate) fn rounded_columns(weight: &[f32], rows: usize, columns: usize) -> (Vec<i8>, Vec<f32>) {
    let mut scales = vec![0.0f32; columns];
    for row in weight.chunks_exact(columns.max(1)) {
        for (scale, value) in scales.iter_mut().zip(row) {
            *scale = value.abs().max(*scale);
        }
    }
    for scale in &mut scales {
        *scale = match *scale / MOST {
            scale if scale >= LEAST_SCALE => scale,
            _ => 0.0,
        };
    }
    let mut whole = Vec::with_capacity(rows * columns);
    for (column, scale) in scales.iter().enumerate() {
        whole.extend((0..rows).map(|row| match *scale {
            0.0 => 0,
            scale => (weight[row * columns + column] / scale).round_ties_even() as i8,
        }));
    }
    (whole, scales)
}

/// `output = input · weight + bias` in 8-bit whole numbers, the rows of the input rounded to 255 steps between the greatest absolute
/// value and its negative. A row with a number that is infinite or none gives no numbers.
///
/// # Shapes
/// - input: `[rows, in_features]`
/// - bias: `[out_features]`
/// - output: `[rows, out_features]`
///
/// # Panics
/// If a slice has another length.
///
/// ```
/// use fireclay_kernels::{Cpu, Int8DenseWeights, int8_dense};
///
/// let cpu = Cpu::best(1);
/// let weights = Int8DenseWeights::new(cpu, &[1.27, -0.5], 2, 1).expect("few terms");
/// let mut output = [0.0; 2];
/// int8_dense(cpu, &weights, &[2.0, 1.0, 0.0, 0.0], 2, Some(&[0.5]), false, &mut output);
/// assert!((output[0] - 2.54).abs() < 0.02 && output[1] == 0.5);
/// ```
pub fn int8_dense(
    cpu: Cpu,
    weights: &Int8DenseWeights,
    input: &[f32],
    rows: usize,
    bias: Option<&[f32]>,
    relu: bool,
    output: &mut [f32],
) {
    let Int8DenseWeights { in_features, out_features, .. } = *weights;
    assert_eq!(input.len(), rows * in_features, "an input of another size");
    assert_eq!(output.len(), rows * out_features, "an output of another size");
    if output.is_empty() {
        return;
    }
    let layer = Layer::new(weights, bias, relu);
    let output = Shared::new(output);
    let threads = cpu.threads.min(rows * in_features * out_features / WORTH_A_THREAD).max(1);
    let panels = weights.panels();
    // Rows, or where there are few of them panels of columns.
    if threads == 1 || rows >= ROWS_OF_THREAD * threads {
        let size = piece_of(rows, threads, ROWS);
        return in_pieces((rows, 1), threads, size, Room::default, |room, rows| {
            layer.run(room, input, rows, output, 0..panels);
        });
    }
    // One piece for each thread, as each makes bytes of all rows.
    in_pieces((panels, 1), threads, panels, Room::default, |room, panels| {
        layer.run(room, input, 0..rows, output, panels);
    });
}

/// Two dense layers with GELU, or else ReLU, between them, in 8-bit whole numbers as [`int8_dense`], some rows at a time: what lies
/// between the layers stays in a thread's caches.
///
/// # Shapes
/// - input and output: `[rows, features]`
/// - weights: `[features, inner]` and `[inner, features]`; biases: `[inner]` and `[features]`
///
/// # Panics
/// If a slice has another length.
///
/// ```
/// use fireclay_kernels::{Cpu, Int8DenseWeights, int8_feed_forward};
///
/// let cpu = Cpu::best(1);
/// let weights = |value| Int8DenseWeights::new(cpu, &[value], 1, 1).expect("few terms");
/// let (first, second) = (weights(1.0), weights(2.0));
/// let mut output = [0.0; 2];
/// int8_feed_forward(cpu, [&first, &second], &[3.0, -3.0], 2, [&[0.0], &[0.5]], false, &mut output);
/// assert!((output[0] - 6.5).abs() < 1e-5 && output[1] == 0.5);
/// ```
pub fn int8_feed_forward(
    cpu: Cpu,
    weights: [&Int8DenseWeights; 2],
    input: &[f32],
    rows: usize,
    biases: [&[f32]; 2],
    gelu: bool,
    output: &mut [f32],
) {
    let [features, inner] = weights.map(|weights| weights.in_features);
    assert_eq!(weights.map(|weights| weights.out_features), [inner, features], "weights of other sizes");
    assert_eq!([input.len(), output.len()], [rows * features; 2], "input or output of another size");
    let threads = cpu.threads.min(2 * rows * features * inner / WORTH_A_THREAD).max(1);
    if rows < ROWS_OF_THREAD * threads {
        let mut hidden = Values::unspecified(rows * inner);
        int8_dense(cpu, weights[0], input, rows, Some(biases[0]), !gelu, &mut hidden);
        if gelu {
            gelu_in_place(cpu, &mut hidden);
        }
        return int8_dense(cpu, weights[1], &hidden, rows, Some(biases[1]), false, output);
    }
    let first = Layer::new(weights[0], Some(biases[0]), !gelu);
    let second = Layer::new(weights[1], Some(biases[1]), false);
    let output = Shared::new(output);
    let own = || ([Room::default(), Room::default()], Values::unspecified(ROWS.min(rows) * inner));
    in_pieces((rows, 1), threads, ROWS, own, |(rooms, hidden), rows| {
        let (begin, count) = (rows.start * features, rows.len());
        let hidden = &mut hidden[..count * inner];
        let between = Shared::new(hidden);
        let input = &input[begin..][..count * features];
        first.run(&mut rooms[0], input, 0..count, between, 0..weights[0].panels());
        if gelu {
            gelu_in_place(cpu.alone(), hidden);
        }
        // SAFETY: these rows are this piece's alone.
        let output = Shared::new(unsafe { output.part(begin..begin + count * features) });
        second.run(&mut rooms[1], hidden, 0..count, output, 0..weights[1].panels());
    });
}

/// A dense layer at work.
struct Layer<'a> {
    weights: &'a Int8DenseWeights,
    /// The bias, filled up to whole vectors.
    addend: Buffer,
    relu: bool,
}

/// Memory for some rows in bytes.
#[derive(Default)]
struct Room {
    bytes: Buffer,
    /// Where each row begins.
    places: Vec<u32>,
    scales: Vec<f32>,
}

impl<'a> Layer<'a> {
    fn new(weights: &'a Int8DenseWeights, bias: Option<&[f32]>, relu: bool) -> Self {
        let mut addend = Buffer::zeros(weights.factor.slice().len());
        if let Some(bias) = bias {
            assert_eq!(bias.len(), weights.out_features, "a bias of another size");
            addend.slice_mut()[..bias.len()].copy_from_slice(bias);
        }
        Layer { weights, addend, relu }
    }

    /// The results of some rows in some panels of columns.
    fn run(
        &self,
        room: &mut Room,
        input: &[f32],
        rows: Range<usize>,
        output: Shared<f32>,
        panels: Range<usize>,
    ) {
        let Int8DenseWeights { path, in_features, out_features, width, .. } = *self.weights;
        let quads = self.weights.quads.len();
        let row = self.weights.row();
        let most = ROWS.min(rows.len());
        room.bytes.reserve(most * quads);
        room.places.clear();
        room.places.extend((0..most).map(|at| offset(at * row)));
        room.scales.resize(most, 0.0);
        for first in rows.clone().step_by(ROWS) {
            let count = ROWS.min(rows.end - first);
            let bytes = room.bytes.slice_mut();
            assert!(bytes.len() >= count * quads, "room for the rows' bytes");
            // SAFETY: as many bytes as the buffer has, which takes any.
            let bytes =
                unsafe { std::slice::from_raw_parts_mut(bytes.as_mut_ptr().cast::<u8>(), count * row) };
            let scales = &mut room.scales[..count];
            let input = &input[first * in_features..][..count * in_features];
            path.run(Rounding { input, len: in_features, row, bytes, scales });
            for panel in panels.clone() {
                let column = panel * width;
                let to = output.ptr().wrapping_add(first * out_features + column);
                path.run_int8(Tiles {
                    a: bytes,
                    rows: &room.places[..count],
                    quads: &self.weights.quads,
                    panel: &self.weights.panels.slice()[column * quads..],
                    start: &self.weights.start.slice()[column..],
                    factor: &self.weights.factor.slice()[column..],
                    addend: &self.addend.slice()[column..],
                    least: if self.relu { 0.0 } else { f32::NEG_INFINITY },
                    most: f32::INFINITY,
                    zero: 0.0,
                    columns: width.min(out_features - column),
                    to: Into::Numbers { to, stride: out_features, scales: Some(&*scales) },
                });
            }
            let columns = panels.start * width..out_features.min(panels.end * width);
            for (at, scale) in scales.iter().enumerate() {
                if !scale.is_finite() {
                    let begin = (first + at) * out_features;
                    // SAFETY: these columns of the row are this part's alone.
                    let to = unsafe { output.part(begin + columns.start..begin + columns.end) };
                    to.fill(f32::NAN);
                }
            }
        }
    }
}

/// Rows of numbers to bytes, and the scale of each; that of a row with a number which is not finite is not finite either.
struct Rounding<'a> {
    input: &'a [f32],
    /// Numbers in a row.
    len: usize,
    /// Bytes from one row to the next.
    row: usize,
    bytes: &'a mut [u8],
    scales: &'a mut [f32],
}

impl Kernel for Rounding<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (at, scale) in self.scales.iter_mut().enumerate() {
            let from = &self.input[at * self.len..][..self.len];
            let into = &mut self.bytes[at * self.row..][..self.row];
            *scale = row_to_bytes(s, from, into);
        }
    }
}

/// Numbers to bytes, and what a step is. Bytes beyond the numbers meet no weights.
#[inline(always)]
fn row_to_bytes<S: Simd>(s: S, from: &[f32], into: &mut [u8]) -> f32 {
    let mut greatest = s.splat(0.0);
    each_vector!(S::LANES, from.len(), |at, count| {
        let x = s.copy_sign(get(s, from, at, count), s.splat(1.0));
        greatest = s.select_gt_or_nan(x, greatest, x, greatest);
    });
    // None of them is negative, so that the sum is a number if all are.
    let scale = match s.sum(greatest).is_nan() {
        true => f32::NAN,
        false => s.greatest(greatest) / MOST,
    };
    let by = if scale >= LEAST_SCALE && scale.is_finite() { 1.0 / scale } else { 0.0 };
    let (by, zero) = (s.splat(by), s.splat(ZERO as f32));
    each_vector!(S::LANES, from.len(), |at, count| {
        let whole = s.round(s.mul(get(s, from, at, count), by));
        let byte = s.min(s.max(s.add(whole, zero), s.splat(1.0)), s.splat(255.0));
        put_u8(s, into, at, count, byte);
    });
    into[from.len()..].fill(0);
    scale
}

/// The same, number by number.
#[cfg(test)]
pub(super) fn reference(
    weight: &[f32],
    [rows, in_features, out_features]: [usize; 3],
    input: &[f32],
    bias: Option<&[f32]>,
    relu: bool,
) -> Vec<f32> {
    let (whole, scales) = rounded_columns(weight, in_features, out_features);
    let mut output = Vec::new();
    for row in (0..rows).map(|at| &input[at * in_features..][..in_features]) {
        let greatest = row.iter().fold(0.0f32, |most, x| x.abs().max(most));
        let step = greatest / MOST;
        let by = if step >= LEAST_SCALE { 1.0 / step } else { 0.0 };
        for column in 0..out_features {
            let weights = &whole[column * in_features..][..in_features];
            let sum: i64 = row
                .iter()
                .zip(weights)
                .map(|(x, w)| (x * by).round_ties_even().clamp(-127.0, 127.0) as i64 * i64::from(*w))
                .sum();
            let value = i32::try_from(sum).unwrap() as f32 * scales[column] * step
                + bias.map_or(0.0, |bias| bias[column]);
            output.push(match row.iter().all(|x| x.is_finite()) {
                false => f32::NAN,
                true if relu && !value.is_nan() => value.max(0.0),
                true => value,
            });
        }
    }
    output
}

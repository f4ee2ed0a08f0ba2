//! Convolution of 3 by 3 at stride 1 with fewer multiplications: Winograd's F(2x2, 3x3) and F(4x4, 3x3), after
//! [Lavin and Gray 2015](https://arxiv.org/abs/1509.09308).
//!
//! A tile of 2 by 2 outputs takes 36 multiplications for each pair of channels. Here its 4 by 4 inputs and the kernel are
//! each mapped to 16 numbers that are multiplied one with one, so 16 do. Over a run of tiles and all channels that is 16
//! products of matrices, `[tiles, in_channels] · [in_channels, out_channels]`; the maps take additions and halving only, so
//! rounding stays what it is in the sum itself. The gradient by the weights is the transpose of that, the one by the input
//! the same with the kernel turned.
//!
//! A tile of 4 by 4 outputs takes 144, and 36 do. Its maps multiply as well (`maps.rs`), so it is for sums in `f32`, and 36 numbers
//! stand for 9 weights, so it is for many tiles, or weights that were mapped before. Gradients by the weights are made of small tiles.

mod grid;
mod maps;
mod transforms;

use std::ops::Range;

use super::Conv2dShape;
use crate::buffer::Buffer;
use crate::cpu::{Shared, in_parallel, ranges};
use crate::memory::Values;
use crate::product::pairs::row_of_pairs;
use crate::product::{Product, Start, odd_lines, panel_width, panels_of, strided, strided_terms};
use crate::transpose::transpose;
use crate::{Cpu, Precision};
use grid::Grid;
use maps::{Maps, TileMaps};
use transforms::{GradientTiles, InputTiles, OutputTiles, Pairing, WeightGradient, Weights};

/// What the pixels and a kernel's taps become, of tiles with 2 by 2 outputs.
const ELEMENTS: usize = 16;

/// Channels in and out below which a convolution takes all multiplications, as the maps cost the more the fewer there are. A
/// gain was measured from 24 on; `bench-kernels` has sizes on both sides.
const LEAST_CHANNELS: usize = if cfg!(test) { 6 } else { 24 };

/// Tiles of a batch below which the weights are not mapped for them: that is done at each call.
const LEAST_TILES: usize = if cfg!(test) { 4 } else { 64 };

/// The same where they were mapped before.
const LEAST_TILES_PREPARED: usize = if cfg!(test) { 2 } else { 12 };

/// Tiles of 4 by 4 outputs from which they pay wherever they take fewer multiplications, though many reach beyond the image and the
/// weights are mapped for this call alone.
const MANY_LARGE_TILES: usize = if cfg!(test) { 8 } else { 64 };

/// Those from which they pay where the weights were mapped before and a third is saved: 36 numbers for 9 weights are read.
const LEAST_LARGE_TILES: usize = if cfg!(test) { 3 } else { 9 };

/// Bytes of a run's mapped inputs and products, so that both stay in L2 with what passes by.
const RUN_BYTES: usize = 384 * 1024;

/// Weights of more bytes pass from memory for each run of tiles, which is then longer.
const LARGE_WEIGHTS: usize = 768 * 1024;

/// Bytes that weights become for tiles of 4 by 4 outputs above which they are mapped for small ones, which takes less than half: a network
/// keeps what all its weights become while it is evaluated, beside what training needs.
const MOST_MAPPED: usize = 16 * 1024 * 1024;

/// Tiles and multiplications of which either is worth a thread.
const TILES_OF_THREAD: usize = 6;
const WORTH_A_THREAD: usize = if cfg!(test) { 1000 } else { 1_000_000 };

/// Whether a convolution is done so.
pub(super) fn suits(shape: &Conv2dShape) -> bool {
    suits_from(shape, LEAST_TILES)
}

/// Rows and columns of the output tiles by which it is done with weights that were mapped before, if it is done so.
pub(super) fn side_prepared(precision: Precision, shape: &Conv2dShape) -> Option<usize> {
    let suits = suits_from(shape, LEAST_TILES_PREPARED);
    suits.then(|| side(precision, shape.batch, &Winograd::grid(shape, 2), LEAST_LARGE_TILES))
}

/// The same with weights that are mapped for one call, for outputs and for gradients by the input.
pub(super) fn sides(precision: Precision, shape: &Conv2dShape) -> [usize; 2] {
    [Winograd::grid(shape, 2), Winograd::gradient_grid(shape)]
        .map(|grid| side(precision, shape.batch, &grid, MANY_LARGE_TILES))
}

fn suits_from(shape: &Conv2dShape, least_tiles: usize) -> bool {
    let is_three_by_three = shape.kernel_size == [3, 3]
        && shape.stride == [1, 1]
        && shape.dilation == [1, 1]
        && shape.groups == 1;
    // Tiles that reach beyond small outputs of an odd size are multiplied whole all the same.
    let outputs = shape.convolved().into_iter().product::<usize>();
    let tiles = Winograd::grid(shape, 2).tiles();
    is_three_by_three
        && outputs >= 3 * tiles
        && shape.in_channels.min(shape.out_channels) >= LEAST_CHANNELS
        && shape.batch.saturating_mul(tiles) >= least_tiles
}

/// Rows and columns of the output tiles that take the least time: 4 from `least` such tiles on, if they save enough, and else 2. `small`
/// is the grid of the small ones. In bf16 2, as what larger ones become would be rounded too much.
fn side(precision: Precision, batch: usize, small: &Grid, least: usize) -> usize {
    if precision == Precision::Bf16 {
        return 2;
    }
    let large = Grid { side: 4, ..*small };
    let [by_small, by_large] = [small, &large].map(|grid| grid.tiles() * grid.elements());
    let tiles = batch.saturating_mul(large.tiles());
    // Where there are few, they must save a third.
    let is_less = if tiles < MANY_LARGE_TILES { 3 * by_large <= 2 * by_small } else { by_large < by_small };
    let mapped = large.elements() * large.in_channels * large.out_channels * size_of::<f32>();
    if is_less && tiles >= least && mapped <= MOST_MAPPED { 4 } else { 2 }
}

/// A convolution with its weights as they are multiplied.
#[derive(Debug)]
pub(super) struct Winograd {
    cpu: Cpu,
    grid: Grid,
    /// `[panels][elements][in_channels][width]`, half as many rows of pairs in bf16
    weights: Buffer,
    width: usize,
    zeros: Vec<f32>,
}

impl Winograd {
    fn grid(shape: &Conv2dShape, side: usize) -> Grid {
        let [top, left, ..] = shape.padding;
        Grid {
            side,
            size: shape.size,
            before: [top as isize, left as isize],
            output: shape.convolved(),
            in_channels: shape.in_channels,
            out_channels: shape.out_channels,
        }
    }

    /// From the gradient of the output to that of the input, by tiles of 2 by 2.
    fn gradient_grid(shape: &Conv2dShape) -> Grid {
        let forward = Self::grid(shape, 2);
        Grid {
            size: forward.output,
            before: forward.before.map(|before| 2 - before),
            output: forward.size,
            in_channels: forward.out_channels,
            out_channels: forward.in_channels,
            ..forward
        }
    }

    /// From images to images.
    pub(super) fn forward(cpu: Cpu, shape: &Conv2dShape, weight: &[f32]) -> Self {
        Self::forward_by(cpu, shape, sides(cpu.precision, shape)[0], weight)
    }

    /// The same by tiles with so many rows and columns of outputs.
    pub(super) fn forward_by(cpu: Cpu, shape: &Conv2dShape, side: usize, weight: &[f32]) -> Self {
        match side {
            4 => Self::forward_of::<4, 6>(cpu, shape, weight),
            _ => Self::forward_of::<2, 4>(cpu, shape, weight),
        }
    }

    fn forward_of<const SIDE: usize, const SEEN: usize>(cpu: Cpu, shape: &Conv2dShape, weight: &[f32]) -> Self
    where
        TileMaps: Maps<SIDE, SEEN>,
    {
        let grid = Self::grid(shape, SIDE);
        let (rows, columns) = (grid.in_channels, grid.out_channels);
        Winograd::new(cpu, grid, |panel, into, width| {
            cpu.run(Weights::<SIDE, SEEN> {
                weight: &weight[panel.start..],
                row: columns,
                tap: rows * columns,
                rows,
                columns: panel.len(),
                turned: false,
                pairs: cpu.is_bf16(),
                into,
                width,
            });
        })
    }

    /// From the gradient of the convolution's output to that of its input.
    pub(super) fn by_input(cpu: Cpu, shape: &Conv2dShape, weight: &[f32]) -> Self {
        let grid = Self::gradient_grid(shape);
        match sides(cpu.precision, shape)[1] {
            4 => Self::by_input_of::<4, 6>(cpu, Grid { side: 4, ..grid }, weight),
            _ => Self::by_input_of::<2, 4>(cpu, grid, weight),
        }
    }

    fn by_input_of<const SIDE: usize, const SEEN: usize>(cpu: Cpu, grid: Grid, weight: &[f32]) -> Self
    where
        TileMaps: Maps<SIDE, SEEN>,
    {
        let rows = grid.in_channels;
        Winograd::new(cpu, grid, |panel, into, width| {
            let columns = panel.len();
            let mut turned = Values::unspecified(9 * rows * columns);
            for (tap, turned) in turned.chunks_exact_mut(rows * columns).enumerate() {
                let first = (tap * grid.out_channels + panel.start) * rows;
                transpose(&weight[first..first + columns * rows], [columns, rows], rows, turned);
            }
            cpu.run(Weights::<SIDE, SEEN> {
                weight: &turned,
                row: columns,
                tap: rows * columns,
                rows,
                columns,
                turned: true,
                pairs: cpu.is_bf16(),
                into,
                width,
            });
        })
    }

    /// Has `map` map the weights of each panel of columns.
    fn new(cpu: Cpu, grid: Grid, map: impl Fn(Range<usize>, &mut [f32], usize) + Sync) -> Self {
        let width = panel_width(cpu.path);
        let panels = grid.out_channels.div_ceil(width);
        let len = grid.elements() * cpu.terms(grid.in_channels) * width;
        let weights = panels_of(cpu, panels, len, |panel, into| {
            map(panel * width..((panel + 1) * width).min(grid.out_channels), into, width);
        });
        Winograd { cpu, grid, weights, width, zeros: vec![0.0; grid.in_channels] }
    }

    /// Tiles of one image.
    pub(super) fn tiles(&self) -> usize {
        self.grid.tiles()
    }

    /// Tiles that are mapped and multiplied at a time.
    pub(super) fn tiles_of_run(&self) -> usize {
        tiles_of_run(&self.grid)
    }

    /// Images of a batch that a thread takes at a time: as many whole ones as make a run of tiles.
    pub(super) fn images_at_once(&self, cpu: Cpu, batch: usize) -> usize {
        images_of_run(cpu, batch, &self.grid)
    }

    /// Threads that so many tiles are worth.
    pub(super) fn threads(&self, cpu: Cpu, tiles: usize) -> usize {
        let Grid { in_channels, out_channels, .. } = self.grid;
        let multiplications = tiles * self.grid.elements() * in_channels * out_channels;
        cpu.threads.min((tiles / TILES_OF_THREAD).max(multiplications / WORTH_A_THREAD)).max(1)
    }

    /// Writes the outputs of some tiles, counted through all images of the input, on the caller's thread.
    ///
    /// # Safety
    /// `output` has room for all images, and nobody else touches the places of these tiles.
    pub(super) unsafe fn run(
        &self,
        input: &[f32],
        tiles: Range<usize>,
        bias: Option<&[f32]>,
        relu: bool,
        output: *mut f32,
        scratch: &mut Scratch,
    ) {
        // SAFETY: passed on to the caller.
        unsafe {
            match self.grid.side {
                4 => self.run_of::<4, 6>(input, tiles, bias, relu, output, scratch),
                _ => self.run_of::<2, 4>(input, tiles, bias, relu, output, scratch),
            }
        }
    }

    /// # Safety
    /// As [`run`](Self::run).
    unsafe fn run_of<const SIDE: usize, const SEEN: usize>(
        &self,
        input: &[f32],
        tiles: Range<usize>,
        bias: Option<&[f32]>,
        relu: bool,
        output: *mut f32,
        scratch: &mut Scratch,
    ) where
        TileMaps: Maps<SIDE, SEEN>,
    {
        let Winograd { cpu, grid, .. } = self;
        let elements = grid.elements();
        let (inner, columns) = (cpu.terms(grid.in_channels), grid.out_channels);
        let (pairing, row) = match cpu.is_bf16() {
            true => (Pairing::Channels, row_of_pairs(grid.in_channels)),
            false => (Pairing::None, grid.in_channels),
        };
        let at_once = split_evenly(tiles.len(), self.tiles_of_run());
        let Layout { row, element, panel, out_element, .. } = Layout::new(grid, self.width, at_once, row);
        scratch.input.reserve(elements * element);
        scratch.other.reserve(elements * out_element);
        let terms = strided_terms(inner, 1, self.width);
        let rows = strided(at_once, row);
        let (values, panels) = (self.weights.slice(), columns.div_ceil(self.width));
        for first in tiles.clone().step_by(at_once) {
            let tiles = first..(first + at_once).min(tiles.end);
            cpu.run(InputTiles::<SIDE, SEEN> {
                grid,
                input,
                zeros: &self.zeros,
                tiles: tiles.clone(),
                pairing,
                into: scratch.input.slice_mut().as_mut_ptr(),
                row,
                element,
            });
            for at in 0..elements {
                for number in 0..panels {
                    let panel_len = inner * self.width;
                    let weights = (number * elements + at) * panel_len;
                    let next = match (number + 1 < panels, at + 1 < elements) {
                        (true, _) => weights + elements * panel_len,
                        (false, true) => (at + 1) * panel_len,
                        // The next tiles begin again.
                        (false, false) => 0,
                    };
                    Product {
                        a: &scratch.input.slice()[at * element..],
                        rows: &rows[..tiles.len()],
                        terms: &terms,
                        b: &values[weights..weights + panel_len],
                        columns: self.width.min(columns - number * self.width),
                        pairs: cpu.is_bf16(),
                        start: Start::Zero,
                        relu: false,
                        output: &mut scratch.other.slice_mut()[at * out_element + number * panel..],
                        output_stride: self.width,
                        ahead: &values[next..next + panel_len],
                    }
                    .run(cpu.path);
                }
            }
            cpu.path.run(OutputTiles::<SIDE, SEEN> {
                grid,
                sums: scratch.other.slice(),
                width: self.width,
                panel,
                element: out_element,
                tiles,
                bias,
                relu,
                output,
            });
        }
    }
}

/// The gradient by the weights.
///
/// Its products sum over tiles. Where there are many tiles, each part of a batch has sums of its own, which are then added;
/// where the sums would outgrow the tiles, in deep layers of small images, the tiles of the whole batch are mapped first, and
/// each thread then makes some columns of the sums.
pub(super) struct ByWeight {
    cpu: Cpu,
    grid: Grid,
    width: usize,
    zeros: Vec<f32>,
    rows: Vec<u32>,
    /// Of the whole batch, if its tiles are mapped first.
    mapped: Option<Mapped>,
}

/// Mapped tiles of inputs and of gradients.
struct Mapped {
    layout: Layout,
    input: Buffer,
    gradient: Buffer,
    /// The same memory, for threads that each write tiles of their own; nobody reads meanwhile.
    rooms: [Shared<f32>; 2],
}

/// Where some mapped tiles lie: of the inputs `[elements][tiles][in_channels]`, of the outputs or their gradients
/// `[elements][panels][tiles][width]`. Where tiles are pairs in bf16, there are half as many.
#[derive(Clone, Copy)]
struct Layout {
    tiles: usize,
    row: usize,
    element: usize,
    panel: usize,
    out_element: usize,
}

impl Layout {
    /// Of so many tiles, or pairs of them, each with `row` numbers of the inputs.
    fn new(grid: &Grid, width: usize, tiles: usize, row: usize) -> Self {
        let row = odd_lines(row);
        let panel = tiles * width;
        let out_element = odd_lines(grid.out_channels.div_ceil(width) * panel);
        Layout { tiles, row, element: odd_lines(tiles * row), panel, out_element }
    }
}

impl ByWeight {
    pub(super) fn new(cpu: Cpu, shape: &Conv2dShape) -> Self {
        let grid = Winograd::grid(shape, 2);
        let (channels, columns) = (grid.in_channels, grid.out_channels);
        let zeros = vec![0.0; channels.max(columns)];
        let mut by_weight = ByWeight {
            cpu,
            grid,
            width: panel_width(cpu.path),
            zeros,
            rows: strided(channels, 1),
            mapped: None,
        };
        let tiles = shape.batch * grid.tiles();
        if tiles * (channels + columns) < cpu.threads * channels * columns {
            let terms = shape.batch * cpu.terms(grid.tiles());
            let layout = Layout::new(&grid, by_weight.width, terms, channels);
            let mut input = Buffer::unspecified(ELEMENTS * layout.element);
            let mut gradient = Buffer::unspecified(ELEMENTS * layout.out_element);
            let rooms = [&mut input, &mut gradient].map(Buffer::shared);
            by_weight.mapped = Some(Mapped { layout, input, gradient, rooms });
        }
        by_weight
    }

    /// Images of a batch that a thread takes at a time, as in [`Winograd::images_at_once`].
    pub(super) fn images_at_once(&self, batch: usize) -> usize {
        images_of_run(self.cpu, batch, &self.grid)
    }

    fn panels(&self) -> usize {
        self.grid.out_channels.div_ceil(self.width)
    }

    /// Values of the sums that a part of a batch is added to: `[16][panels][in_channels][width]`.
    pub(super) fn sums_len(&self) -> usize {
        if self.mapped.is_some() { 0 } else { ELEMENTS * self.element_len() }
    }

    fn element_len(&self) -> usize {
        self.panels() * self.grid.in_channels * self.width
    }

    /// Takes in some images, whose numbers in the batch are `images`, on the caller's thread.
    ///
    /// # Safety
    /// No other thread takes in the same images.
    pub(super) unsafe fn run(
        &self,
        input: &[f32],
        gradient: &[f32],
        images: Range<usize>,
        sums: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let tiles = self.grid.tiles();
        let all = images.len() * tiles;
        if let Some(Mapped { layout, rooms: [to, gradient_to], .. }) = &self.mapped {
            let terms = self.cpu.terms(tiles);
            assert!(images.end * terms <= layout.tiles, "more images than the batch has");
            // Image by image, as the last tile of one and the first of the next are no pair.
            for (number, image) in images.enumerate() {
                let first = image * terms;
                // SAFETY: the buffers have room for the tiles of all images, and these are the caller's alone.
                unsafe {
                    let (to, gradient_to) =
                        (to.ptr().add(first * layout.row), gradient_to.ptr().add(first * self.width));
                    let tiles = number * tiles..(number + 1) * tiles;
                    self.map(input, gradient, tiles, layout, to, gradient_to);
                }
            }
            return;
        }
        let run = split_evenly(all, tiles_of_run(&self.grid));
        let layout = Layout::new(&self.grid, self.width, self.cpu.terms(run), self.grid.in_channels);
        scratch.input.reserve(ELEMENTS * layout.element);
        scratch.other.reserve(ELEMENTS * layout.out_element);
        for first in (0..all).step_by(run) {
            let tiles = first..(first + run).min(all);
            let count = self.cpu.terms(tiles.len());
            let (to, gradient_to) = (scratch.input.slice_mut(), scratch.other.slice_mut());
            // SAFETY: the room was made for this layout.
            unsafe { self.map(input, gradient, tiles, &layout, to.as_mut_ptr(), gradient_to.as_mut_ptr()) };
            for at in 0..ELEMENTS {
                for panel in 0..self.panels() {
                    let first = at * self.element_len() + panel * self.grid.in_channels * self.width;
                    let sums = &mut sums[first..];
                    self.multiply(&layout, count, at, panel, to, gradient_to, Start::Output, sums);
                }
            }
        }
    }

    /// Maps some tiles of these images.
    ///
    /// # Safety
    /// Both rooms are laid out so, and have as many tiles from here on.
    unsafe fn map(
        &self,
        input: &[f32],
        gradient: &[f32],
        tiles: Range<usize>,
        layout: &Layout,
        to: *mut f32,
        gradient_to: *mut f32,
    ) {
        let ByWeight { cpu, grid, zeros, width, .. } = self;
        let Layout { row, element, panel, out_element, .. } = *layout;
        let pairs = cpu.is_bf16();
        let pairing = if pairs { Pairing::Tiles } else { Pairing::None };
        let input_tiles =
            InputTiles::<2, 4> { grid, input, zeros, tiles: tiles.clone(), pairing, into: to, row, element };
        cpu.run(input_tiles);
        cpu.run(GradientTiles {
            grid,
            gradient,
            zeros,
            tiles,
            pairs,
            into: gradient_to,
            width: *width,
            panel,
            element: out_element,
        });
    }

    /// One product, over the first `count` tiles or pairs of them: `[in_channels, width]`.
    #[expect(clippy::too_many_arguments, reason = "each is another thing, and all are needed")]
    fn multiply(
        &self,
        layout: &Layout,
        count: usize,
        at: usize,
        panel: usize,
        input: &[f32],
        gradient: &[f32],
        start: Start<'_>,
        sums: &mut [f32],
    ) {
        Product {
            a: &input[at * layout.element..],
            rows: &self.rows,
            terms: &strided_terms(count, layout.row, self.width),
            b: &gradient[at * layout.out_element + panel * layout.panel..],
            columns: self.width.min(self.grid.out_channels - panel * self.width),
            pairs: self.cpu.is_bf16(),
            start,
            relu: false,
            output: sums,
            output_stride: self.width,
            ahead: &[],
        }
        .run(self.cpu.path);
    }

    /// Writes the gradient, from the sums of all parts of a batch if they have any.
    pub(super) fn finish(&self, sums: &[&[f32]], into: &mut [f32]) {
        let Grid { in_channels: rows, out_channels: columns, .. } = self.grid;
        assert_eq!(into.len(), 9 * rows * columns, "room for other weights");
        let into = Shared::new(into);
        match &self.mapped {
            Some(Mapped { layout, input, gradient, .. }) => {
                let parts: Vec<_> = ranges(self.panels(), self.cpu.threads, 1).collect();
                in_parallel(parts.len(), |part| {
                    let element = rows * self.width;
                    let mut sums = Values::unspecified(ELEMENTS * element);
                    for panel in parts[part].clone() {
                        for (at, sums) in sums.chunks_exact_mut(element).enumerate() {
                            let (input, gradient) = (input.slice(), gradient.slice());
                            self.multiply(
                                layout,
                                layout.tiles,
                                at,
                                panel,
                                input,
                                gradient,
                                Start::Zero,
                                sums,
                            );
                        }
                        self.write(&[&sums], element, panel, 0..rows, into);
                    }
                });
            }
            None => {
                // Some rows of each panel in turn, as there may be one panel.
                let parts: Vec<_> = ranges(rows, self.cpu.threads, 1).collect();
                in_parallel(parts.len(), |part| {
                    let part = parts[part].clone();
                    for panel in 0..self.panels() {
                        let first = (panel * rows + part.start) * self.width;
                        let sums: Vec<&[f32]> = sums.iter().map(|sums| &sums[first..]).collect();
                        self.write(&sums, self.element_len(), panel, part.clone(), into);
                    }
                });
            }
        }
    }

    /// Writes the gradient of some rows and a panel of columns; no other thread has the same.
    fn write(&self, sums: &[&[f32]], element: usize, panel: usize, rows: Range<usize>, into: Shared<f32>) {
        let Grid { in_channels, out_channels: columns, .. } = self.grid;
        self.cpu.path.run(WeightGradient {
            sums,
            element,
            width: self.width,
            rows: rows.len(),
            columns: self.width.min(columns - panel * self.width),
            // SAFETY: the first of these rows and columns is inside the first tap.
            into: unsafe { into.ptr().add(rows.start * columns + panel * self.width) },
            row: columns,
            tap: in_channels * columns,
        });
    }
}

/// What one thread uses for one run of tiles after another.
#[derive(Default)]
pub(super) struct Scratch {
    input: Buffer,
    other: Buffer,
}

/// As many whole images as make a run of tiles.
fn images_of_run(cpu: Cpu, batch: usize, grid: &Grid) -> usize {
    split_evenly(batch.div_ceil(cpu.threads.max(1)), tiles_of_run(grid).div_ceil(grid.tiles().max(1)))
}

/// The size of equal parts of `count` that are not much larger than `size`.
fn split_evenly(count: usize, size: usize) -> usize {
    count.div_ceil((count / size.max(1)).max(1)).max(1)
}

/// Tiles that are mapped and multiplied at a time.
fn tiles_of_run(grid: &Grid) -> usize {
    let Grid { in_channels, out_channels, .. } = *grid;
    let of_element = grid.elements() * size_of::<f32>();
    let fitting = RUN_BYTES / (of_element * (in_channels + out_channels)).max(1);
    let large = of_element * in_channels * out_channels > LARGE_WEIGHTS;
    // Where weights are large, as many numbers of each size of tiles.
    fitting.max(if large { 128 * ELEMENTS / grid.elements() } else { 24 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many images, in whole tiles of either size.
    fn shape(batch: usize, channels: usize, size: usize) -> Conv2dShape {
        Conv2dShape { padding: [1; 4], ..Conv2dShape::new(batch, channels, channels, [size; 2], [3, 3]) }
    }

    #[test]
    fn large_tiles_are_for_many_of_them_or_weights_that_are_mapped_already() {
        let sides = |batch| {
            let shape = shape(batch, 8, 4);
            (side_prepared(Precision::F32, &shape), sides(Precision::F32, &shape))
        };
        assert_eq!(sides(LEAST_LARGE_TILES - 1), (Some(2), [2, 2]));
        assert_eq!(sides(LEAST_LARGE_TILES), (Some(4), [2, 2]));
        assert_eq!(sides(MANY_LARGE_TILES - 1), (Some(4), [2, 2]));
        assert_eq!(sides(MANY_LARGE_TILES), (Some(4), [4, 4]));
        let many = shape(MANY_LARGE_TILES, 8, 4);
        assert_eq!(side_prepared(Precision::Bf16, &many), Some(2), "rounded too much");
        assert_eq!(super::sides(Precision::Bf16, &many), [2, 2]);
    }

    #[test]
    fn few_large_tiles_save_a_third_and_many_save_something() {
        let side = |batch, size| {
            let shape = Conv2dShape { size, ..shape(batch, 8, 4) };
            side(Precision::F32, batch, &Winograd::grid(&shape, 2), 1)
        };
        // A tile of 4 by 4 takes 36 multiplications, one of 2 by 2 takes 16: here 36 for 64, 144 for 144 and 144 for 192.
        assert_eq!([[4, 4], [6, 6], [6, 8]].map(|size| side(1, size)), [4, 2, 2]);
        assert_eq!([[4, 4], [6, 6], [6, 8]].map(|size| side(MANY_LARGE_TILES, size)), [4, 2, 4]);
    }

    #[test]
    fn weights_that_would_become_much_larger_are_mapped_for_small_tiles() {
        // 36 numbers of four bytes for each pair of channels.
        let most = (MOST_MAPPED / 144).isqrt();
        let side = |channels| side_prepared(Precision::F32, &shape(64, channels, 4));
        assert_eq!([most, most + 1].map(side), [Some(4), Some(2)]);
    }
}

//! Tiles, kernels and their gradients to the numbers that are multiplied instead and back, vector by vector of their channels, by the
//! maps of `maps.rs`.

#![expect(
    clippy::needless_range_loop,
    reason = "a map of columns indexes by rows; a helper with closures is compiled without the path's instructions"
)]

use std::ops::Range;

use super::grid::Grid;
use super::maps::{Maps, TileMaps, gradient_map, weight_gradient_map};
use crate::simd::{Kernel, Simd};
use crate::vectors::each_vector;

/// How mapped input tiles are put down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairing {
    /// In `f32`.
    None,
    /// In pairs of bf16, of channels beside each other: a product's sums go over channels.
    Channels,
    /// In pairs of bf16, of one tile and the next: its sums go over tiles.
    Tiles,
}

/// Input tiles, each `SEEN` by `SEEN`, ready to be multiplied.
pub(super) struct InputTiles<'a, const SIDE: usize, const SEEN: usize> {
    pub(super) grid: &'a Grid,
    /// `[images, height, width, in_channels]`
    pub(super) input: &'a [f32],
    /// What lies outside of an image: as many zeros as it has channels.
    pub(super) zeros: &'a [f32],
    pub(super) tiles: Range<usize>,
    pub(super) pairing: Pairing,
    /// `[elements][tiles][in_channels]`, either of which is halved by pairs, rows `row` apart and the elements `element` apart; a row
    /// has room for whole vectors.
    pub(super) into: *mut f32,
    pub(super) row: usize,
    pub(super) element: usize,
}

impl<const SIDE: usize, const SEEN: usize> Kernel for InputTiles<'_, SIDE, SEEN>
where
    TileMaps: Maps<SIDE, SEEN>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let InputTiles { grid, input, zeros, tiles, pairing, into, row, element } = self;
        let channels = grid.in_channels;
        assert!(zeros.len() >= channels && input.len() >= grid.images_of(&tiles).end * grid.input_len());
        assert_eq!(grid.side, SIDE, "tiles of another size");
        if tiles.is_empty() {
            return;
        }
        let room = channels.next_multiple_of(S::LANES);
        assert!(row >= if pairing == Pairing::Channels { room / 2 } else { room });
        let end = tiles.end;
        if pairing == Pairing::Tiles {
            for (place, tile) in tiles.step_by(2).enumerate() {
                let low = input_pixels(grid, input, zeros, tile);
                let high = match tile + 1 < end {
                    true => input_pixels(grid, input, zeros, tile + 1),
                    false => [[zeros.as_ptr(); SEEN]; SEEN],
                };
                each_vector!(S::LANES, channels, |at, count| {
                    // SAFETY: each pixel has `channels` values from its pointer on; whoever made this promises the room.
                    unsafe {
                        let low = input_tile::<S, SIDE, SEEN>(s, &low, at, count);
                        let high = input_tile::<S, SIDE, SEEN>(s, &high, at, count);
                        for i in 0..SEEN {
                            for j in 0..SEEN {
                                let to = into.add((SEEN * i + j) * element + place * row + at);
                                s.store(to, s.pairs(low[i][j], high[i][j]));
                            }
                        }
                    }
                });
            }
            return;
        }
        for (place, tile) in tiles.enumerate() {
            let pixels = input_pixels(grid, input, zeros, tile);
            each_vector!(S::LANES, channels, |at, count| {
                // SAFETY: as above.
                unsafe {
                    let mapped = input_tile::<S, SIDE, SEEN>(s, &pixels, at, count);
                    for i in 0..SEEN {
                        for j in 0..SEEN {
                            let to = into.add((SEEN * i + j) * element + place * row);
                            match pairing {
                                Pairing::None => s.store(to.add(at), mapped[i][j]),
                                _ => s.store_bf16(to.add(at / 2), mapped[i][j]),
                            }
                        }
                    }
                }
            });
        }
    }
}

/// Where the pixels of an input tile begin.
#[inline(always)]
fn input_pixels<const SEEN: usize>(
    grid: &Grid,
    input: &[f32],
    zeros: &[f32],
    tile: usize,
) -> [[*const f32; SEEN]; SEEN] {
    let (image, first) = grid.input_of(tile);
    let image = input[image * grid.input_len()..].as_ptr();
    let mut pixels = [[zeros.as_ptr(); SEEN]; SEEN];
    for (i, pixels) in pixels.iter_mut().enumerate() {
        for (j, pixel) in pixels.iter_mut().enumerate() {
            if let Some(place) = grid.pixel(grid.size, first[0] + i as isize, first[1] + j as isize) {
                *pixel = image.wrapping_add(place * grid.in_channels);
            }
        }
    }
    pixels
}

/// `Bᵀ d B`
///
/// # Safety
/// `count` numbers from `at` on are readable at each pixel.
#[inline(always)]
unsafe fn input_tile<S: Simd, const SIDE: usize, const SEEN: usize>(
    s: S,
    pixels: &[[*const f32; SEEN]; SEEN],
    at: usize,
    count: usize,
) -> [[S::F; SEEN]; SEEN]
where
    TileMaps: Maps<SIDE, SEEN>,
{
    let mut half = [[s.splat(0.0); SEEN]; SEEN];
    for column in 0..SEEN {
        let mut d = [s.splat(0.0); SEEN];
        for i in 0..SEEN {
            // SAFETY: passed on to the caller.
            d[i] = unsafe { load(s, pixels[i][column].add(at), count) };
        }
        let mapped = TileMaps::input(s, d);
        for i in 0..SEEN {
            half[i][column] = mapped[i];
        }
    }
    let mut whole = half;
    for i in 0..SEEN {
        whole[i] = TileMaps::input(s, half[i]);
    }
    whole
}

/// Output tiles, each `SIDE` by `SIDE`, from sums of products.
pub(super) struct OutputTiles<'a, const SIDE: usize, const SEEN: usize> {
    pub(super) grid: &'a Grid,
    /// `[elements][panels][tiles][width]`, the panels `panel` apart and the elements `element` apart.
    pub(super) sums: &'a [f32],
    pub(super) width: usize,
    pub(super) panel: usize,
    pub(super) element: usize,
    pub(super) tiles: Range<usize>,
    pub(super) bias: Option<&'a [f32]>,
    pub(super) relu: bool,
    /// `[images, out_height, out_width, out_channels]`, of which the places of these tiles are written.
    pub(super) output: *mut f32,
}

impl<const SIDE: usize, const SEEN: usize> Kernel for OutputTiles<'_, SIDE, SEEN>
where
    TileMaps: Maps<SIDE, SEEN>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let OutputTiles { grid, sums, width, panel, element, tiles, bias, relu, output } = self;
        let channels = grid.out_channels;
        if tiles.is_empty() {
            return;
        }
        assert!(width.is_multiple_of(S::LANES) && panel >= tiles.len() * width);
        assert!(sums.len() >= (SEEN * SEEN - 1) * element + channels.div_ceil(width) * panel);
        assert_eq!(grid.side, SIDE, "tiles of another size");
        assert!(bias.is_none_or(|bias| bias.len() == channels));
        let (sums, zero) = (sums.as_ptr(), s.splat(0.0));
        for (place, tile) in tiles.enumerate() {
            let (image, first) = grid.output_of(tile);
            let mut pixels = [[None; SIDE]; SIDE];
            for (i, pixels) in pixels.iter_mut().enumerate() {
                for (j, pixel) in pixels.iter_mut().enumerate() {
                    let place = grid.pixel(grid.output, (first[0] + i) as isize, (first[1] + j) as isize);
                    *pixel = place.map(|place| image * grid.output_len() + place * channels);
                }
            }
            each_vector!(S::LANES, channels, |at, count| {
                // SAFETY: the sums were compared above; `pixel` gives places inside the image, and the caller promises
                // that the output has all images.
                unsafe {
                    let start = bias.map_or(zero, |bias| load(s, bias.as_ptr().add(at), count));
                    let from = sums.add(at / width * panel + place * width + at % width);
                    let mut half = [[zero; SEEN]; SIDE];
                    for column in 0..SEEN {
                        let mut m = [zero; SEEN];
                        for i in 0..SEEN {
                            m[i] = s.load(from.add((SEEN * i + column) * element));
                        }
                        let mapped = TileMaps::output(s, m);
                        for i in 0..SIDE {
                            half[i][column] = mapped[i];
                        }
                    }
                    for (i, half) in half.into_iter().enumerate() {
                        for (j, value) in TileMaps::output(s, half).into_iter().enumerate() {
                            if let Some(pixel) = pixels[i][j] {
                                let value = s.add(value, start);
                                // In this order what is not a number stays so.
                                let value = if relu { s.max(zero, value) } else { value };
                                store(s, output.add(pixel + at), value, count);
                            }
                        }
                    }
                }
            });
        }
    }
}

/// Tiles of the output's gradient, each 2 by 2, ready to be multiplied with the input's: the transpose of [`OutputTiles`].
pub(super) struct GradientTiles<'a> {
    pub(super) grid: &'a Grid,
    /// `[images, out_height, out_width, out_channels]`
    pub(super) gradient: &'a [f32],
    /// As many zeros as there are channels.
    pub(super) zeros: &'a [f32],
    pub(super) tiles: Range<usize>,
    /// Whether one tile and the next become pairs of bf16.
    pub(super) pairs: bool,
    /// `[16][panels][tiles][width]`, half as many tiles of pairs, the panels `panel` apart and the 16 `element` apart.
    pub(super) into: *mut f32,
    pub(super) width: usize,
    pub(super) panel: usize,
    pub(super) element: usize,
}

impl Kernel for GradientTiles<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let GradientTiles { grid, gradient, zeros, tiles, pairs, into, width, panel, element } = self;
        let channels = grid.out_channels;
        assert!(zeros.len() >= channels && gradient.len() >= grid.images_of(&tiles).end * grid.output_len());
        if tiles.is_empty() {
            return;
        }
        let step = if pairs { 2 } else { 1 };
        assert!(width.is_multiple_of(S::LANES) && panel >= tiles.len().div_ceil(step) * width);
        let end = tiles.end;
        for (place, tile) in tiles.step_by(step).enumerate() {
            let low = gradient_pixels(grid, gradient, zeros, tile);
            let high = match pairs && tile + 1 < end {
                true => gradient_pixels(grid, gradient, zeros, tile + 1),
                false => [zeros.as_ptr(); 4],
            };
            each_vector!(S::LANES, channels, |at, count| {
                // SAFETY: each pixel has `channels` values from its pointer on; whoever made this promises the room.
                unsafe {
                    let to = into.add(at / width * panel + place * width + at % width);
                    let mut mapped = gradient_tile(s, &low, at, count);
                    if pairs {
                        let high = gradient_tile(s, &high, at, count);
                        for i in 0..4 {
                            for j in 0..4 {
                                mapped[i][j] = s.pairs(mapped[i][j], high[i][j]);
                            }
                        }
                    }
                    for i in 0..4 {
                        for j in 0..4 {
                            s.store(to.add((4 * i + j) * element), mapped[i][j]);
                        }
                    }
                }
            });
        }
    }
}

/// Where the 4 pixels of an output tile begin.
#[inline(always)]
fn gradient_pixels(grid: &Grid, gradient: &[f32], zeros: &[f32], tile: usize) -> [*const f32; 4] {
    let (image, first) = grid.output_of(tile);
    let mut pixels = [zeros.as_ptr(); 4];
    for (at, pixel) in pixels.iter_mut().enumerate() {
        if let Some(place) =
            grid.pixel(grid.output, (first[0] + at / 2) as isize, (first[1] + at % 2) as isize)
        {
            *pixel = gradient[image * grid.output_len() + place * grid.out_channels..].as_ptr();
        }
    }
    pixels
}

/// `A d Aᵀ`
///
/// # Safety
/// `count` numbers from `at` on are readable at each pixel.
#[inline(always)]
unsafe fn gradient_tile<S: Simd>(s: S, pixels: &[*const f32; 4], at: usize, count: usize) -> [[S::F; 4]; 4] {
    let zero = s.splat(0.0);
    let mut half = [[zero; 2]; 4];
    for column in 0..2 {
        let mut d = [zero; 2];
        for i in 0..2 {
            // SAFETY: passed on to the caller.
            d[i] = unsafe { load(s, pixels[2 * i + column].add(at), count) };
        }
        let mapped = gradient_map(s, d);
        for i in 0..4 {
            half[i][column] = mapped[i];
        }
    }
    let mut whole = [[zero; 4]; 4];
    for i in 0..4 {
        whole[i] = gradient_map(s, half[i]);
    }
    whole
}

/// Some columns of the weights, ready to be multiplied.
pub(super) struct Weights<'a, const SIDE: usize, const SEEN: usize> {
    /// `[9][rows][columns]`, rows `row` apart and the taps `tap` apart.
    pub(super) weight: &'a [f32],
    pub(super) row: usize,
    pub(super) tap: usize,
    pub(super) rows: usize,
    /// At most `width`.
    pub(super) columns: usize,
    /// Whether the kernel is turned by half a turn.
    pub(super) turned: bool,
    /// Whether one row and the next become pairs of bf16.
    pub(super) pairs: bool,
    /// `[elements][rows][width]`, half as many rows of pairs; nothing is written beyond a row's whole vectors.
    pub(super) into: &'a mut [f32],
    pub(super) width: usize,
}

impl<const SIDE: usize, const SEEN: usize> Kernel for Weights<'_, SIDE, SEEN>
where
    TileMaps: Maps<SIDE, SEEN>,
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Weights { weight, row, tap, rows, columns, turned, pairs, into, width } = self;
        let step = if pairs { 2 } else { 1 };
        let to_rows = rows.div_ceil(step);
        assert!(columns <= width && width.is_multiple_of(S::LANES));
        assert!(into.len() >= SEEN * SEEN * to_rows * width);
        if rows == 0 || columns == 0 {
            return;
        }
        assert!(weight.len() >= 8 * tap + (rows - 1) * row + columns);
        let (weight, into) = (weight.as_ptr(), into.as_mut_ptr());
        for index in 0..to_rows {
            each_vector!(S::LANES, columns, |at, count| {
                // SAFETY: the offsets were compared above, and a row of `into` has room for whole vectors.
                unsafe {
                    let from = weight.add(step * index * row + at);
                    let mut mapped = weight_tile::<S, SIDE, SEEN>(s, from, tap, turned, count);
                    if pairs {
                        let high = match 2 * index + 1 < rows {
                            true => weight_tile::<S, SIDE, SEEN>(s, from.add(row), tap, turned, count),
                            false => [[s.splat(0.0); SEEN]; SEEN],
                        };
                        for i in 0..SEEN {
                            for j in 0..SEEN {
                                mapped[i][j] = s.pairs(mapped[i][j], high[i][j]);
                            }
                        }
                    }
                    for i in 0..SEEN {
                        for j in 0..SEEN {
                            s.store(into.add(((SEEN * i + j) * to_rows + index) * width + at), mapped[i][j]);
                        }
                    }
                }
            });
        }
    }
}

/// `G g Gᵀ`
///
/// # Safety
/// `count` numbers are readable at each of 9 taps, `tap` apart.
#[inline(always)]
unsafe fn weight_tile<S: Simd, const SIDE: usize, const SEEN: usize>(
    s: S,
    from: *const f32,
    tap: usize,
    turned: bool,
    count: usize,
) -> [[S::F; SEEN]; SEEN]
where
    TileMaps: Maps<SIDE, SEEN>,
{
    let mut half = [[s.splat(0.0); 3]; SEEN];
    for column in 0..3 {
        let mut g = [s.splat(0.0); 3];
        for i in 0..3 {
            let at = if turned { 8 - (3 * i + column) } else { 3 * i + column };
            // SAFETY: passed on to the caller.
            g[i] = unsafe { load(s, from.add(at * tap), count) };
        }
        let mapped = TileMaps::weight(s, g);
        for i in 0..SEEN {
            half[i][column] = mapped[i];
        }
    }
    let mut whole = [[s.splat(0.0); SEEN]; SEEN];
    for i in 0..SEEN {
        whole[i] = TileMaps::weight(s, half[i]);
    }
    whole
}

/// The gradient by some columns of the weights from that by what they were multiplied as: the transpose of [`Weights`].
pub(super) struct WeightGradient<'a> {
    /// What the parts of a batch gave, each `[16][rows][width]`, the 16 `element` apart; added in this order.
    pub(super) sums: &'a [&'a [f32]],
    pub(super) element: usize,
    pub(super) width: usize,
    pub(super) rows: usize,
    /// At most `width`.
    pub(super) columns: usize,
    /// `[9][rows][columns]`, rows `row` apart and the taps `tap` apart.
    pub(super) into: *mut f32,
    pub(super) row: usize,
    pub(super) tap: usize,
}

impl Kernel for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let WeightGradient { sums, element, width, rows, columns, into, row, tap } = self;
        assert!(columns <= width && width.is_multiple_of(S::LANES));
        assert!(sums.iter().all(|sums| sums.len() >= 15 * element + rows * width));
        let zero = s.splat(0.0);
        for index in 0..rows {
            each_vector!(S::LANES, columns, |at, count| {
                // SAFETY: the sums were compared above; the caller promises room for these rows and columns.
                unsafe {
                    let mut half = [[zero; 4]; 3];
                    for column in 0..4 {
                        let u: [S::F; 4] = std::array::from_fn(|i| {
                            let from = (4 * i + column) * element + index * width + at;
                            sums.iter()
                                .fold(zero, |total, sums| s.add(total, s.load(sums.as_ptr().add(from))))
                        });
                        for (i, value) in weight_gradient_map(s, u).into_iter().enumerate() {
                            half[i][column] = value;
                        }
                    }
                    for (i, half) in half.into_iter().enumerate() {
                        for (j, value) in weight_gradient_map(s, half).into_iter().enumerate() {
                            store(s, into.add((3 * i + j) * tap + index * row + at), value, count);
                        }
                    }
                }
            });
        }
    }
}

/// # Safety
/// `from` is readable for `count` numbers.
#[inline(always)]
unsafe fn load<S: Simd>(s: S, from: *const f32, count: usize) -> S::F {
    // SAFETY: passed on to the caller.
    unsafe { if count == S::LANES { s.load(from) } else { s.load_first(from, count) } }
}

/// # Safety
/// `to` is writable for `count` numbers.
#[inline(always)]
unsafe fn store<S: Simd>(s: S, to: *mut f32, value: S::F, count: usize) {
    // SAFETY: passed on to the caller.
    unsafe { if count == S::LANES { s.store(to, value) } else { s.store_first(to, value, count) } }
}

//! Bilinear resampling under an affine map, in whole numbers.
//!
//! Three channels travel in one `u64`, 21 bits each: with weights of 64ths across and down, a sum of four weighted
//! bytes is below 2^20, so no channel reaches into the next and one multiplication serves all three. The image is copied
//! with a frame of one pixel around it, and positions are held within that frame; so the inner loop asks nothing about
//! edges, unless they are mirrors.

use super::Border;
use super::affine::Map;

/// Bits between the channels of a lane.
const LANE: u32 = 21;
/// Channels in a lane.
const LANES: usize = 3;
/// Binary digits of a position within a pixel.
const STEPS: u32 = 6;
/// Positions within a pixel.
const ONE: i32 = 1 << STEPS;
/// Binary digits after the point of positions that are added up; their error stays below a millionth of a pixel.
const FIXED: u32 = 32;
/// A half of a weighted sum in every channel.
const HALF: u64 = lanes([1 << (2 * STEPS - 1); LANES]);

/// Memory to work in.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// `[height + 3, width + 3]`: one pixel of frame above and to the left, two below and to the right, as each pixel is
    /// read with its neighbours below and to the right.
    framed: Vec<u64>,
    /// `[width]`
    row: Vec<u64>,
}

/// Draws the image that `map` makes of another.
///
/// # Shapes
/// - `image`, `output`: `[channels, height, width]`
pub(super) fn resample(
    image: &[u8],
    [_, height, width]: [usize; 3],
    map: &Map,
    border: &Border,
    memory: &mut Memory,
    output: &mut [u8],
) {
    let pixels = height * width;
    let groups = image.chunks(LANES * pixels).zip(output.chunks_mut(LANES * pixels));
    for (group, (image, output)) in groups.enumerate() {
        let level = |lane| u64::from(border.level(lane_channel(group, lane, image.len() / pixels)));
        let background = lanes(std::array::from_fn(level));
        frame(image, [height, width], border, background, &mut memory.framed);
        memory.row.resize(width, 0);
        for row in 0..height {
            let line = Line::new(map, [height, width], row);
            match border {
                Border::Reflect => {
                    let [last_row, last_column] = [height, width].map(|side| (side as i32 - 1) * ONE);
                    let places = |down, right| [mirrored(down, last_row), mirrored(right, last_column)];
                    line.draw(&memory.framed, width + 3, places, &mut memory.row);
                }
                _ => {
                    let [below, beyond] = [height, width].map(|side| side as i32 * ONE);
                    let places = |down: i32, right: i32| [down.clamp(-ONE, below), right.clamp(-ONE, beyond)];
                    line.draw(&memory.framed, width + 3, places, &mut memory.row);
                }
            }
            for (lane, plane) in output.chunks_exact_mut(pixels).enumerate() {
                let shift = lane as u32 * LANE + 2 * STEPS;
                for (output, sum) in plane[row * width..][..width].iter_mut().zip(&memory.row) {
                    *output = (sum >> shift) as u8;
                }
            }
        }
    }
}

/// One number from a value for each lane.
const fn lanes(values: [u64; LANES]) -> u64 {
    values[0] | values[1] << LANE | values[2] << (2 * LANE)
}

/// The channel in a lane of a group; unused lanes of the last group repeat its first.
fn lane_channel(group: usize, lane: usize, channels_of_group: usize) -> usize {
    group * LANES + if lane < channels_of_group { lane } else { 0 }
}

/// Copies up to three channels into lanes, with the frame around them.
fn frame(image: &[u8], [height, width]: [usize; 2], border: &Border, background: u64, framed: &mut Vec<u64>) {
    let pixels = height * width;
    let stride = width + 3;
    framed.clear();
    framed.resize((height + 3) * stride, background);
    let plane = |lane: usize| image.get(lane * pixels..(lane + 1) * pixels);
    for (row, framed) in framed[stride..].chunks_exact_mut(stride).take(height).enumerate() {
        let framed = &mut framed[1..=width];
        let row_of = |lane| plane(lane).map(|plane: &[u8]| &plane[row * width..][..width]);
        if let [Some(first), Some(second), Some(third)] = [row_of(0), row_of(1), row_of(2)] {
            for (framed, ((first, second), third)) in
                framed.iter_mut().zip(first.iter().zip(second).zip(third))
            {
                *framed = lanes([u64::from(*first), u64::from(*second), u64::from(*third)]);
            }
            continue;
        }
        framed.fill(0);
        for lane in 0..LANES {
            for (framed, level) in framed.iter_mut().zip(row_of(lane).unwrap_or(&[])) {
                *framed |= u64::from(*level) << (lane as u32 * LANE);
            }
        }
    }
    if let Border::Constant(_) = border {
        return;
    }
    for row in framed[stride..].chunks_exact_mut(stride).take(height) {
        row[0] = row[1];
        row[width + 1] = row[width];
        row[width + 2] = row[width];
    }
    framed.copy_within(stride..2 * stride, 0);
    for row in height + 1..height + 3 {
        framed.copy_within(height * stride..(height + 1) * stride, row * stride);
    }
}

/// A position between the first and the last pixel, which are mirrors.
#[inline(always)]
fn mirrored(position: i32, last: i32) -> i32 {
    let place = last - (last - position.abs()).abs();
    if place >= 0 {
        return place;
    }
    // Beyond the mirror image: rare enough for a division.
    if last == 0 {
        return 0;
    }
    let place = position.rem_euclid(2 * last);
    place.min(2 * last - place)
}

/// Both numbers weighted, lane by lane: `first · (64 - share) + second · share`. Only the difference may wrap, and is
/// brought back by the sum.
#[inline(always)]
fn between(first: u64, second: u64, share: u64) -> u64 {
    (first << STEPS).wrapping_add(second.wrapping_sub(first).wrapping_mul(share))
}

/// The sources of one row of the output: where its first pixel finds its own and the way to the next, in `FIXED` binary
/// digits, from the middle of the first pixel.
struct Line {
    start: [i64; 2],
    step: [i64; 2],
}

impl Line {
    fn new(map: &Map, sides: [usize; 2], row: usize) -> Self {
        let fixed = |value: f64| (value * (1u64 << FIXED) as f64).round() as i64;
        let [middle_row, middle_column] = sides.map(|side| (side as f64 - 1.0) / 2.0);
        let down = row as f64 - middle_row - map.shift[0];
        let right = -middle_column - map.shift[1];
        let [[a, b], [c, d]] = map.matrix;
        Line {
            start: [fixed(middle_row + a * down + b * right), fixed(middle_column + c * down + d * right)],
            step: [fixed(b), fixed(d)],
        }
    }

    /// Sums up the neighbours of each source. `places` brings a position into the frame.
    #[inline(always)]
    fn draw(&self, framed: &[u64], stride: usize, places: impl Fn(i32, i32) -> [i32; 2], row: &mut [u64]) {
        const HALF_STEP: i64 = 1 << (FIXED - STEPS - 1);
        let [mut down, mut right] = self.start.map(|start| start + HALF_STEP);
        for sum in row {
            let [y, x] = places((down >> (FIXED - STEPS)) as i32, (right >> (FIXED - STEPS)) as i32)
                .map(|place| (place + ONE) as u32);
            let at = (y >> STEPS) as usize * stride + (x >> STEPS) as usize;
            let [y, x] = [y, x].map(|place| u64::from(place % ONE as u32));
            let pixels = &framed[at..][..stride + 2];
            let above = between(pixels[0], pixels[1], x);
            let below = between(pixels[stride], pixels[stride + 1], x);
            *sum = between(above, below, y) + HALF;
            down += self.step[0];
            right += self.step[1];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Fill;
    use crate::augment::border::Found;
    use crate::random::Random;

    fn resampled(image: &[u8], shape: [usize; 3], map: &Map, border: &Border) -> Vec<u8> {
        let mut output = vec![7; image.len()];
        resample(image, shape, map, border, &mut Memory::default(), &mut output);
        output
    }

    fn noise(shape: [usize; 3]) -> Vec<u8> {
        let mut random = Random::new(1, 2, 3);
        (0..shape.iter().product::<usize>()).map(|_| random.below(256) as u8).collect()
    }

    fn borders() -> [Border; 3] {
        [Border::Reflect, Border::Edge, Border::Constant(Fill::new([100]))]
    }

    /// Pixel by pixel in floats, at positions rounded to 64ths.
    fn reference(image: &[u8], shape: [usize; 3], map: &Map, border: &Border) -> Vec<f64> {
        let [channels, height, width] = shape;
        let middle = [height, width].map(|side| (side as f64 - 1.0) / 2.0);
        let mut output = Vec::new();
        for channel in 0..channels {
            for row in 0..height {
                for column in 0..width {
                    let place =
                        [row as f64 - middle[0] - map.shift[0], column as f64 - middle[1] - map.shift[1]];
                    let [y, x] = std::array::from_fn(|axis| {
                        let [a, b] = map.matrix[axis];
                        ((middle[axis] + a * place[0] + b * place[1]) * 64.0 + 0.5).floor() / 64.0
                    });
                    let level = |y: f64, x: f64| match (
                        border.find(y as isize, height),
                        border.find(x as isize, width),
                    ) {
                        (Found::At(y), Found::At(x)) => f64::from(image[(channel * height + y) * width + x]),
                        _ => f64::from(border.level(channel)),
                    };
                    let (top, left) = (y.floor(), x.floor());
                    let (dy, dx) = (y - top, x - left);
                    output.push(
                        (level(top, left) * (1.0 - dx) + level(top, left + 1.0) * dx) * (1.0 - dy)
                            + (level(top + 1.0, left) * (1.0 - dx) + level(top + 1.0, left + 1.0) * dx) * dy,
                    );
                }
            }
        }
        output
    }

    #[test]
    fn every_pixel_is_the_bilinear_mean_of_its_neighbours() {
        for shape in [[3, 9, 6], [1, 4, 11], [4, 5, 5], [2, 1, 7], [1, 1, 1], [7, 3, 2]] {
            let image = noise(shape);
            for border in borders() {
                for (rotation, shear, scale, shift) in [
                    (0.0, 0.0, 1.0, [0.3, -1.7]),
                    (33.0, 0.0, 1.0, [0.0, 0.0]),
                    (-120.0, 20.0, 1.3, [2.0, 0.4]),
                    (5.0, -45.0, 0.1, [-3.0, 30.5]),
                    (180.0, 0.0, 10.0, [0.0, 0.2]),
                ] {
                    let map = Map::new(rotation, shear, scale, shift);
                    let found = resampled(&image, shape, &map, &border);
                    let expected = reference(&image, shape, &map, &border);
                    for (at, (found, expected)) in found.iter().zip(&expected).enumerate() {
                        assert!(
                            (f64::from(*found) - expected).abs() <= 0.5 + 1e-6,
                            "{shape:?} {border:?} {map:?} {at}: {found}, expected {expected}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn no_turn_is_the_identity() {
        for shape in [[3, 32, 32], [1, 28, 27], [5, 3, 40], [1, 1, 1]] {
            let image = noise(shape);
            for border in borders() {
                let map = Map::new(0.0, 0.0, 1.0, [0.0; 2]);
                assert_eq!(resampled(&image, shape, &map, &border), image);
            }
        }
    }

    #[test]
    fn quarter_turns_move_whole_pixels() {
        for side in [1, 2, 7, 32] {
            let shape = [3, side, side];
            let image = noise(shape);
            let pixel =
                |channel: usize, row: usize, column: usize| image[(channel * side + row) * side + column];
            for border in borders() {
                let turned = resampled(&image, shape, &Map::new(90.0, 0.0, 1.0, [0.0; 2]), &border);
                let over = resampled(&image, shape, &Map::new(-180.0, 0.0, 1.0, [0.0; 2]), &border);
                let mut at = 0;
                for channel in 0..3 {
                    for row in 0..side {
                        for column in 0..side {
                            // Counterclockwise: what was at the right is now at the top.
                            assert_eq!(turned[at], pixel(channel, column, side - 1 - row));
                            assert_eq!(over[at], pixel(channel, side - 1 - row, side - 1 - column));
                            at += 1;
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_whole_shift_moves_whole_pixels() {
        let (shape, image) = ([1, 2, 4], [1, 2, 3, 4, 5, 6, 7, 8]);
        let map = Map::new(0.0, 0.0, 1.0, [0.0, 1.0]);
        assert_eq!(resampled(&image, shape, &map, &Border::Reflect), [2, 1, 2, 3, 6, 5, 6, 7]);
        assert_eq!(resampled(&image, shape, &map, &Border::Edge), [1, 1, 2, 3, 5, 5, 6, 7]);
        let black = Border::Constant(Fill::black());
        assert_eq!(resampled(&image, shape, &map, &black), [0, 1, 2, 3, 0, 5, 6, 7]);
    }

    #[test]
    fn white_stays_white() {
        let image = vec![255; 3 * 13 * 8];
        let map = Map::new(17.0, 9.0, 0.8, [0.3, 0.9]);
        for border in [Border::Reflect, Border::Edge, Border::Constant(Fill::new([255; 3]))] {
            assert_eq!(resampled(&image, [3, 13, 8], &map, &border), image);
        }
    }
}

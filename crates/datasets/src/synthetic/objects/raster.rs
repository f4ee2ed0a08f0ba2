//! From outlines to pixels: fills areas with smooth edges.

use std::ops::Range;

use super::colours::Colour;
use super::shapes::{Outline, Point, at, edges};

/// Rows and columns of a picture.
pub(super) const SIDE: usize = 32;

/// Lines in a row of pixels along which an area is measured; across them the measure is exact.
const LINES: usize = 4;

/// A picture being painted, `[SIDE, SIDE]`.
pub(super) struct Canvas {
    pixels: Vec<Colour>,
    /// Where each line crosses outlines, and whether it enters (1) or leaves (-1) there; kept to be filled again.
    crossings: Vec<Vec<(f32, i32)>>,
}

impl Canvas {
    /// A canvas whose pixels have the colours that `paint` gives at their middles.
    pub(super) fn new(paint: impl Fn(Point) -> Colour) -> Self {
        let pixels = (0..SIDE * SIDE).map(|index| paint(middle(index))).collect();
        Self { pixels, crossings: vec![Vec::new(); SIDE * LINES] }
    }

    /// Paints the area inside any of the outlines, in pixels, over what is there.
    pub(super) fn fill(&mut self, outlines: &[Outline], opacity: f32, paint: impl Fn(Point) -> Colour) {
        for (from, to) in outlines.iter().flat_map(|outline| edges(outline.points())) {
            let step = if from.y <= to.y { 1 } else { -1 };
            for line in lines(from.y.min(to.y), from.y.max(to.y)) {
                let y = (line as f32 + 0.5) / LINES as f32;
                let x = from.x + (to.x - from.x) * (y - from.y) / (to.y - from.y);
                self.crossings[line].push((x, step));
            }
        }
        let mut cover = [0.0f32; SIDE * SIDE];
        for (line, crossings) in self.crossings.iter_mut().enumerate() {
            crossings.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let row = line / LINES;
            spans(crossings, |left, right| add(&mut cover[row * SIDE..][..SIDE], left, right));
            crossings.clear();
        }
        for (index, (pixel, cover)) in self.pixels.iter_mut().zip(cover).enumerate() {
            if cover > 0.0 {
                *pixel = pixel.mix(paint(middle(index)), cover.min(1.0) * opacity);
            }
        }
    }

    /// Writes `[3, SIDE, SIDE]` bytes: all red values, then all green, then all blue.
    pub(super) fn develop(&self, image: &mut [u8], mut light: impl FnMut(Point, Colour) -> Colour) {
        for (index, pixel) in self.pixels.iter().enumerate() {
            let Colour(channels) = light(middle(index), *pixel);
            for (plane, value) in image.chunks_exact_mut(SIDE * SIDE).zip(channels) {
                plane[index] = (value * 255.0).clamp(0.0, 255.0).round() as u8;
            }
        }
    }
}

fn middle(index: usize) -> Point {
    at((index % SIDE) as f32 + 0.5, (index / SIDE) as f32 + 0.5)
}

/// The lines that an edge between these heights crosses. Its lower end belongs to the next edge, so that an outline is left as
/// often as it is entered.
fn lines(low: f32, high: f32) -> Range<usize> {
    let line = |y: f32| (y * LINES as f32 - 0.5).ceil().clamp(0.0, (SIDE * LINES) as f32) as usize;
    line(low)..line(high)
}

/// The stretches of a line that lie inside: where more outlines have been entered than left.
fn spans(crossings: &[(f32, i32)], mut inside: impl FnMut(f32, f32)) {
    let (mut depth, mut left) = (0, 0.0);
    for (x, step) in crossings {
        if depth == 0 {
            left = *x;
        }
        depth += step;
        if depth == 0 {
            inside(left, *x);
        }
    }
}

/// Adds one line's share of cover to the pixels of its row between `left` and `right`.
fn add(row: &mut [f32], left: f32, right: f32) {
    let (left, right) = (left.max(0.0), right.min(SIDE as f32));
    if left >= right {
        return;
    }
    let last = (right.ceil() as usize).min(SIDE);
    for (column, cover) in row.iter_mut().enumerate().take(last).skip(left as usize) {
        let part = right.min(column as f32 + 1.0) - left.max(column as f32);
        *cover += part.max(0.0) / LINES as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLACK: Colour = Colour([0.0; 3]);
    const WHITE: Colour = Colour([1.0; 3]);

    fn painted(outlines: &[Outline]) -> Vec<u8> {
        let mut canvas = Canvas::new(|_| BLACK);
        canvas.fill(outlines, 1.0, |_| WHITE);
        let mut image = vec![0; 3 * SIDE * SIDE];
        canvas.develop(&mut image, |_, colour| colour);
        image
    }

    #[test]
    fn a_pixel_is_as_bright_as_it_is_covered() {
        let image = painted(&[Outline::rectangle(3.5, 2.0, 5.0, 3.75)]);
        let at = |row: usize, column: usize| image[row * SIDE + column];
        assert_eq!([at(2, 2), at(2, 3), at(2, 4), at(2, 5)], [0, 128, 255, 0]);
        assert_eq!([at(3, 3), at(3, 4), at(4, 4)], [96, 191, 0]);
    }

    #[test]
    fn outlines_that_overlap_are_one_area() {
        let (a, b) = (Outline::rectangle(2.0, 2.0, 6.0, 6.0), Outline::rectangle(4.0, 4.0, 9.0, 9.0));
        let image = painted(&[a, b]);
        assert_eq!(image[5 * SIDE + 5], 255);
        assert_eq!(image.iter().filter(|value| **value == 255).count(), 3 * (16 + 25 - 4));
    }

    #[test]
    fn what_lies_outside_is_left_out() {
        let image = painted(&[Outline::rectangle(-50.0, -50.0, 90.0, 90.0)]);
        assert!(image.iter().all(|value| *value == 255));
        let image = painted(&[Outline::rectangle(-50.0, 3.0, -40.0, 90.0)]);
        assert!(image.iter().all(|value| *value == 0));
    }
}

//! From strokes to pixels: fits the strokes into their box, inks them, and places them by their centre of mass.

use fireclay_data::Random;

use super::pen::{Point, Stroke, at};
use crate::synthetic::waves::sine;

/// Rows and columns of a drawing.
pub(super) const SIDE: usize = 28;

/// The longer side of a digit, ink included, in pixels.
const BOX: f32 = 20.0;

/// Inks `strokes` into `image`, `[SIDE, SIDE]`, which is all 0 before.
pub(super) fn paint(strokes: &[Stroke], r: &mut Random, image: &mut [u8]) {
    // Half the width of a line, in pixels: from a fine ballpoint to a felt pen.
    let radius = (1.33 + 0.42 * r.normal()).clamp(0.65, 2.7);
    let softness = r.range(0.9, 1.5);
    let pressure = [r.normal() * 0.12, r.range(0.0, 6.3), r.range(2.0, 7.0)];
    let strokes = fit(strokes, BOX - 2.0 * radius);

    // The ink, before it is put in place: the box plus room for the width of a line.
    let mut ink = [0.0f32; SIDE * SIDE];
    for stroke in &strokes {
        let last = stroke.len().max(2) - 1;
        for (index, pair) in stroke.windows(2).enumerate() {
            let along = index as f32 / last as f32;
            let local = radius * (1.0 + pressure[0] * sine(pressure[1] + pressure[2] * along));
            line(pair[0], pair[1], local, softness, &mut ink);
        }
    }
    place(&ink, r, image);
}

/// Scales to `side` pixels for the longer side, centred in the image.
fn fit(strokes: &[Stroke], side: f32) -> Vec<Stroke> {
    let mut low = at(f32::INFINITY, f32::INFINITY);
    let mut high = at(f32::NEG_INFINITY, f32::NEG_INFINITY);
    for point in strokes.iter().flatten() {
        low = at(low.x.min(point.x), low.y.min(point.y));
        high = at(high.x.max(point.x), high.y.max(point.y));
    }
    let scale = side / (high.x - low.x).max(high.y - low.y).max(1e-3);
    let middle = at((low.x + high.x) * 0.5, (low.y + high.y) * 0.5);
    let half = SIDE as f32 * 0.5;
    let place = |p: &Point| at((p.x - middle.x) * scale + half, (p.y - middle.y) * scale + half);
    (strokes.iter()).map(|stroke| stroke.iter().map(place).collect()).collect()
}

/// Inks one straight piece; where pieces overlap the darker one counts.
fn line(from: Point, to: Point, radius: f32, softness: f32, ink: &mut [f32; SIDE * SIDE]) {
    let reach = radius + softness;
    let span = |low: f32, high: f32| {
        let first = (low - reach).max(0.0) as usize;
        let end = ((high + reach).max(0.0) as usize + 1).min(SIDE);
        first..end
    };
    let along = at(to.x - from.x, to.y - from.y);
    let length_squared = (along.x * along.x + along.y * along.y).max(1e-9);
    let columns = span(from.x.min(to.x), from.x.max(to.x));
    for row in span(from.y.min(to.y), from.y.max(to.y)) {
        let y = row as f32 + 0.5 - from.y;
        for column in columns.clone() {
            let x = column as f32 + 0.5 - from.x;
            let t = ((x * along.x + y * along.y) / length_squared).clamp(0.0, 1.0);
            let (dx, dy) = (x - t * along.x, y - t * along.y);
            let distance = (dx * dx + dy * dy).sqrt();
            let coverage = ((radius - distance) / softness + 0.5).clamp(0.0, 1.0);
            let pixel = &mut ink[row * SIDE + column];
            *pixel = pixel.max(coverage);
        }
    }
}

/// Moves the centre of mass to the middle, and turns coverage into bytes with a little noise in the ink.
fn place(ink: &[f32; SIDE * SIDE], r: &mut Random, image: &mut [u8]) {
    let (mut mass, mut mass_x, mut mass_y) = (1e-6f32, 0.0, 0.0);
    for (index, coverage) in ink.iter().enumerate() {
        mass += coverage;
        mass_x += coverage * ((index % SIDE) as f32 + 0.5);
        mass_y += coverage * ((index / SIDE) as f32 + 0.5);
    }
    let half = SIDE as f32 * 0.5;
    let shift = |moment: f32| (half - moment / mass).round() as isize;
    let (right, down) = (shift(mass_x), shift(mass_y));
    let noise = r.range(0.0, 0.06);
    for (index, pixel) in image.iter_mut().enumerate() {
        let column = (index % SIDE).checked_add_signed(-right).filter(|c| *c < SIDE);
        let row = (index / SIDE).checked_add_signed(-down).filter(|r| *r < SIDE);
        let coverage = match (row, column) {
            (Some(row), Some(column)) => ink[row * SIDE + column],
            _ => 0.0,
        };
        if coverage > 0.0 {
            let value = coverage * 255.0 * (1.0 + noise * r.normal());
            *pixel = value.clamp(0.0, 255.0).round() as u8;
        }
    }
}

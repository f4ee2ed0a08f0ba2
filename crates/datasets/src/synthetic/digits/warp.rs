//! What a hand does to a letter: slant, proportions, rotation and a smooth wobble.

use fireclay_data::Random;

use super::pen::{Stroke, at};
use crate::synthetic::waves::{cosine, exponential, sine};

/// Bends the strokes of a digit, in place.
pub(super) fn handwriting(strokes: &mut [Stroke], digit: u32, r: &mut Random) {
    // Ones are where writers slant most, and nothing else tells a slanted one from an upright one.
    let slant = if digit == 1 { 0.18 + 0.28 * r.normal() } else { 0.13 + 0.26 * r.normal() };
    let width = exponential(0.24 * r.normal()) * 0.97;
    let turn = 0.13 * r.normal();
    let (sine_turn, cosine_turn) = (sine(turn), cosine(turn));
    let wobble = Wobble::new(r);
    for point in strokes.iter_mut().flatten() {
        let (dx, dy) = wobble.at(point.x, point.y);
        let x = (point.x + dx - 0.5) * width;
        let y = point.y + dy - 0.5;
        let x = x - slant * y;
        *point = at(x * cosine_turn - y * sine_turn, x * sine_turn + y * cosine_turn);
    }
}

/// A smooth field of displacements: a few long waves in random directions.
struct Wobble([Wave; 3]);

struct Wave {
    across: f32,
    down: f32,
    phase: f32,
    dx: f32,
    dy: f32,
}

impl Wobble {
    fn new(r: &mut Random) -> Self {
        Self([1.6, 3.2, 5.6].map(|frequency| {
            let direction = r.range(0.0, std::f32::consts::TAU);
            let (across, down) = (cosine(direction), sine(direction));
            let height = 0.2 / frequency;
            Wave {
                across: across * frequency,
                down: down * frequency,
                phase: r.range(0.0, std::f32::consts::TAU),
                dx: height * r.normal(),
                dy: height * r.normal(),
            }
        }))
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        self.0.iter().fold((0.0, 0.0), |(dx, dy), wave| {
            let swing = sine(wave.across * x + wave.down * y + wave.phase);
            (dx + wave.dx * swing, dy + wave.dy * swing)
        })
    }
}

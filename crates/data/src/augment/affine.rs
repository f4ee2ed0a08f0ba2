//! Rotation, scale, shear and shift, combined into one resampling.

use serde::{Deserialize, Serialize};

use super::elementary::{cosine, sine};
use super::{AugmentationProblem, Border, stream};
use crate::Pass;

/// Marks the random streams that draw affine maps.
const PURPOSE: u64 = 0x6166_6669_6e65_0001;

/// The least and the greatest scale.
const SCALES: [f32; 2] = [0.1, 10.0];

/// Rotation, scale, shear and shift, each uniform in its range, as one bilinear resampling.
///
/// Whatever is left out does nothing. An image is sheared and turned about its centre, then scaled, then shifted.
///
/// ```
/// use fireclay_data::{Affine, Border};
///
/// let affine = Affine::none().rotation(15.0).scale(0.9, 1.1);
/// let read: Affine = serde_json::from_str(r#"{"rotation": 15, "scale": [0.9, 1.1], "border": "reflect"}"#).unwrap();
/// assert_eq!(read, affine.border(Border::Reflect));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Affine {
    /// Degrees to either side, from 0 to 180.
    pub rotation: f32,
    /// Share of the height and of the width, each way, from 0 to 1; not only whole pixels.
    pub shift: f32,
    /// The smallest and the largest factor, from 0.1 to 10; above 1 enlarges.
    pub scale: [f32; 2],
    /// Degrees by which upright lines lean to either side, from 0 to 45.
    pub shear: f32,
    /// What lies beyond the edge of the image.
    pub border: Border,
}

impl Default for Affine {
    fn default() -> Self {
        Self::none()
    }
}

impl Affine {
    /// Nothing, beyond a mirrored border.
    pub fn none() -> Self {
        Affine { rotation: 0.0, shift: 0.0, scale: [1.0, 1.0], shear: 0.0, border: Border::default() }
    }

    /// Turns by up to so many degrees to either side.
    pub fn rotation(mut self, degrees: f32) -> Self {
        self.rotation = degrees;
        self
    }

    /// Shifts by up to this fraction of the height and of the width, each way.
    pub fn shift(mut self, fraction: f32) -> Self {
        self.shift = fraction;
        self
    }

    /// Scales by a factor from `smallest` to `largest`.
    pub fn scale(mut self, smallest: f32, largest: f32) -> Self {
        self.scale = [smallest, largest];
        self
    }

    /// Leans by up to so many degrees to either side.
    pub fn shear(mut self, degrees: f32) -> Self {
        self.shear = degrees;
        self
    }

    /// The same with another border.
    pub fn border(mut self, border: Border) -> Self {
        self.border = border;
        self
    }

    pub(super) fn is_none(&self) -> bool {
        self.rotation == 0.0 && self.shift == 0.0 && self.scale == [1.0, 1.0] && self.shear == 0.0
    }

    pub(super) fn check(&self, channels: usize) -> Result<(), AugmentationProblem> {
        let in_range = |name, found: f32, highest: f32, expected| {
            if (0.0..=highest).contains(&found) {
                return Ok(());
            }
            Err(AugmentationProblem::Range { name, found, expected })
        };
        in_range("affine.rotation", self.rotation, 180.0, "degrees from 0 to 180")?;
        in_range("affine.shift", self.shift, 1.0, "a fraction of the image from 0 to 1")?;
        in_range("affine.shear", self.shear, 45.0, "degrees from 0 to 45")?;
        let ([smallest, largest], [least, greatest]) = (self.scale, SCALES);
        if !(least <= smallest && smallest <= largest && largest <= greatest) {
            return Err(AugmentationProblem::Scale { found: self.scale, least, greatest });
        }
        self.border.check("affine.border", channels)
    }

    /// Draws the map of a sample.
    pub(super) fn draw(&self, pass: Pass, index: u32, [_, height, width]: [usize; 3]) -> Map {
        let mut random = stream(PURPOSE, pass, index);
        let mut within = |spread: f32| f64::from(random.range(-spread, spread));
        let rotation = within(self.rotation);
        let shear = within(self.shear);
        let shift = [height, width].map(|side| within(self.shift) * side as f64);
        let scale = f64::from(random.range(self.scale[0], self.scale[1]));
        Map::new(rotation, shear, scale, shift)
    }
}

/// Where an output pixel finds its source: `source = matrix · (output - shift)`, both from the image's centre, down
/// before right.
#[derive(Debug)]
pub(super) struct Map {
    pub(super) matrix: [[f64; 2]; 2],
    pub(super) shift: [f64; 2],
}

impl Map {
    /// The inverse of a shear and a counterclockwise turn by so many degrees, a scale and a shift by so many pixels.
    pub(super) fn new(rotation: f64, shear: f64, scale: f64, shift: [f64; 2]) -> Self {
        let (sine, cosine) = (sine(rotation), cosine(rotation));
        let lean = self::sine(shear) / self::cosine(shear);
        let matrix = [[cosine, sine], [-sine - lean * cosine, cosine - lean * sine]];
        Map { matrix: matrix.map(|row| row.map(|factor| factor / scale)), shift }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_is_the_inverse_of_what_the_words_say() {
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-12;
        for (rotation, shear, scale) in
            [(0.0, 0.0, 2.0), (90.0, 0.0, 1.0), (30.0, 20.0, 0.7), (-170.0, -45.0, 3.0)]
        {
            let Map { matrix: [[a, b], [c, d]], .. } = Map::new(rotation, shear, scale, [0.0; 2]);
            let (angle, lean) = (f64::to_radians(rotation), f64::to_radians(shear).tan());
            for (down, right) in [(1.0, 0.0), (0.0, 1.0), (-2.0, 5.0)] {
                // Sheared, then turned counterclockwise as seen on a screen, where rows go down, then scaled.
                let sheared = right + lean * down;
                let turned_right = angle.cos() * sheared + angle.sin() * down;
                let turned_down = -angle.sin() * sheared + angle.cos() * down;
                let (moved_down, moved_right) = (turned_down * scale, turned_right * scale);
                assert!(close(a * moved_down + b * moved_right, down), "{rotation} {shear} {scale}");
                assert!(close(c * moved_down + d * moved_right, right), "{rotation} {shear} {scale}");
            }
        }
    }

    #[test]
    fn draws_fill_their_ranges() {
        let affine = Affine::none().rotation(30.0).shift(0.25).scale(0.5, 2.0);
        let mut spread = [(f64::MAX, f64::MIN); 3];
        for index in 0..2_000 {
            let Map { matrix: [[a, b], _], shift } =
                affine.draw(Pass { seed: 0, epoch: 0 }, index, [1, 40, 80]);
            let drawn = [(a * a + b * b).sqrt().recip(), shift[0], shift[1]];
            spread.iter_mut().zip(drawn).for_each(|(spread, value)| {
                *spread = (spread.0.min(value), spread.1.max(value));
            });
        }
        for ((least, greatest), expected) in
            spread.into_iter().zip([(0.5, 2.0), (-10.0, 10.0), (-20.0, 20.0)])
        {
            let room = (expected.1 - expected.0) * 0.01;
            assert!(least >= expected.0 - 1e-6 && least < expected.0 + room, "{least} {expected:?}");
            assert!(greatest <= expected.1 + 1e-6 && greatest > expected.1 - room, "{greatest} {expected:?}");
        }
    }
}

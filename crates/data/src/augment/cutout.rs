//! Cutout: a square of the image is hidden.

use serde::{Deserialize, Serialize};

use super::{AugmentationProblem, Fill, stream};
use crate::Pass;

/// Marks the random streams that place squares.
const PURPOSE: u64 = 0x6375_746f_7574_0001;

/// Hides a square around a random pixel ([DeVries and Taylor 2017](https://arxiv.org/abs/1708.04552)).
///
/// As in the paper, every pixel is the centre as often, so that part of the square may lie outside of the image.
///
/// ```
/// use fireclay_data::{Cutout, Fill};
///
/// let cutout = Cutout::new(12).fill(Fill::new([128]));
/// assert_eq!(serde_json::to_string(&cutout).unwrap(), r#"{"size":12,"fill":[128]}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cutout {
    /// Pixels on each side of the square, from 1 to the shorter side of the image.
    pub size: usize,
    /// What the square is filled with; black by default.
    #[serde(default = "Fill::black")]
    pub fill: Fill,
}

impl Cutout {
    /// A black square of this many pixels on each side.
    pub fn new(size: usize) -> Self {
        Cutout { size, fill: Fill::black() }
    }

    /// The same square filled with `fill`, for example [`Fill::mean_of`].
    pub fn fill(mut self, fill: Fill) -> Self {
        self.fill = fill;
        self
    }

    pub(super) fn check(&self, [channels, height, width]: [usize; 3]) -> Result<(), AugmentationProblem> {
        if !(1..=height.min(width)).contains(&self.size) {
            return Err(AugmentationProblem::Cutout { size: self.size, height, width });
        }
        self.fill.check("cutout.fill", channels)
    }

    /// Hides the square that belongs to a sample.
    pub(super) fn apply(&self, pass: Pass, index: u32, [_, height, width]: [usize; 3], image: &mut [u8]) {
        let mut random = stream(PURPOSE, pass, index);
        // Sides are below 2^32, see `Augmentation::check`.
        let [rows, columns] = [height, width].map(|side| {
            let centre = random.below(side as u32) as usize;
            let end = centre + self.size - self.size / 2;
            centre.saturating_sub(self.size / 2)..end.min(side)
        });
        for (channel, plane) in image.chunks_exact_mut(height * width).enumerate() {
            let level = self.fill.level(channel);
            for row in plane[rows.start * width..rows.end * width].chunks_exact_mut(width) {
                row[columns.clone()].fill(level);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_has_its_size_and_stays_in_the_image() {
        let shape = [2, 9, 14];
        let cutout = Cutout::new(4).fill(Fill::new([1, 2]));
        let (mut whole, mut seen) = (0, vec![0; 9 * 14]);
        for index in 0..2_000 {
            let mut image = vec![9; 2 * 9 * 14];
            cutout.apply(Pass { seed: 1, epoch: 0 }, index, shape, &mut image);
            let (first, second) = image.split_at(9 * 14);
            let places: Vec<usize> = (0..first.len()).filter(|at| first[*at] == 1).collect();
            assert!(places.iter().all(|at| second[*at] == 2));
            let (top, left) = (places[0] / 14, places.iter().map(|at| at % 14).min().unwrap());
            let (bottom, right) =
                (places[places.len() - 1] / 14, places.iter().map(|at| at % 14).max().unwrap());
            let (height, width) = (bottom - top + 1, right - left + 1);
            assert_eq!(places.len(), height * width, "a full rectangle");
            assert!((2..=4).contains(&height) && (2..=4).contains(&width), "{height} x {width}");
            assert!(height == 4 || top == 0 || bottom == 8);
            assert!(width == 4 || left == 0 || right == 13);
            whole += usize::from(places.len() == 16);
            places.iter().for_each(|at| seen[*at] += 1);
        }
        assert!(seen.iter().all(|count| *count > 0), "every pixel is hidden now and then");
        // 6 of 9 rows and 11 of 14 columns leave the square whole.
        assert!((950..1_150).contains(&whole), "{whole}");
    }

    #[test]
    fn an_odd_square_is_centred() {
        let mut image = vec![1; 25];
        let index = (0..1000).find(|index| {
            image.fill(1);
            Cutout::new(3).apply(Pass { seed: 0, epoch: 0 }, *index, [1, 5, 5], &mut image);
            image.iter().filter(|level| **level == 0).count() == 9 && image[12] == 0 && image[6] == 0
        });
        assert!(index.is_some());
    }
}

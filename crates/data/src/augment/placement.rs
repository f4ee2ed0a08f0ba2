//! Mirroring and padded crops in one pass, a row at a time.

use serde::{Deserialize, Serialize};

use super::border::Found;
use super::{AugmentationProblem, Border, stream};
use crate::Pass;

/// Marks the random streams that place crops.
const PURPOSE: u64 = 0x6372_6f70_0000_0001;

/// Pads an image on every side and crops it back to its size at a random place: a random shift by whole pixels.
///
/// ```
/// use fireclay_data::{Border, Crop};
///
/// let crop = Crop::new(4).border(Border::Edge);
/// assert_eq!(serde_json::to_string(&crop).unwrap(), r#"{"padding":4,"border":"edge"}"#);
/// assert_eq!(serde_json::from_str::<Crop>(r#"{"padding": 4}"#).unwrap(), Crop::new(4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Pixels on each side, less than the shorter side of the image.
    pub padding: usize,
    /// What the padding consists of.
    #[serde(default)]
    pub border: Border,
}

impl Crop {
    /// A shift by up to `padding` pixels each way, beyond a mirrored border.
    pub fn new(padding: usize) -> Self {
        Crop { padding, border: Border::default() }
    }

    /// The same with another border.
    pub fn border(mut self, border: Border) -> Self {
        self.border = border;
        self
    }

    pub(super) fn check(&self, [channels, height, width]: [usize; 3]) -> Result<(), AugmentationProblem> {
        if self.padding >= height.min(width) {
            return Err(AugmentationProblem::CropPadding { padding: self.padding, height, width });
        }
        self.border.check("crop.border", channels)
    }

    /// How far down and to the right of the image's corner the crop of a sample begins.
    pub(super) fn offset(&self, pass: Pass, index: u32) -> [isize; 2] {
        let mut random = stream(PURPOSE, pass, index);
        // Below a side, which is below 2^31, see `Augmentation::check`.
        let places = 2 * self.padding as u32 + 1;
        [(); 2].map(|()| random.below(places) as isize - self.padding as isize)
    }
}

/// How an image is mirrored, then shifted.
pub(super) struct Placement<'a> {
    /// Left becomes right.
    pub(super) is_flipped: bool,
    /// Top becomes bottom.
    pub(super) is_upside_down: bool,
    /// Rows and columns between the image's corner and the crop's, each less than the side.
    pub(super) offset: [isize; 2],
    /// What lies beyond the edge of the image.
    pub(super) border: &'a Border,
}

impl Placement<'_> {
    /// Whether the image stays as it is.
    pub(super) fn is_none(&self) -> bool {
        !self.is_flipped && !self.is_upside_down && self.offset == [0, 0]
    }

    /// Writes the crop. `columns` is memory to work in.
    ///
    /// # Shapes
    /// - `image`, `output`: `[channels, height, width]`
    pub(super) fn apply(
        &self,
        image: &[u8],
        [_, height, width]: [usize; 3],
        columns: &mut Vec<usize>,
        output: &mut [u8],
    ) {
        let [down, right] = self.offset;
        // Columns `begin..end` of the crop lie in the image.
        let begin = (-right).max(0) as usize;
        let end = width - right.max(0) as usize;
        let first = (begin as isize + right) as usize;
        columns.clear();
        columns.extend((0..begin).chain(end..width).filter_map(|column| {
            match self.border.find(column as isize + right, width) {
                Found::At(place) => Some(if self.is_flipped { width - 1 - place } else { place }),
                Found::Nowhere => None,
            }
        }));
        let planes = image.chunks_exact(height * width).zip(output.chunks_exact_mut(height * width));
        for (channel, (plane, output)) in planes.enumerate() {
            let level = self.border.level(channel);
            for (row, output) in output.chunks_exact_mut(width).enumerate() {
                let Found::At(place) = self.border.find(row as isize + down, height) else {
                    output.fill(level);
                    continue;
                };
                let place = if self.is_upside_down { height - 1 - place } else { place };
                let source = &plane[place * width..][..width];
                let middle = &mut output[begin..end];
                if self.is_flipped {
                    let first = width - first - middle.len();
                    copy_reversed(&source[first..][..middle.len()], middle);
                } else {
                    middle.copy_from_slice(&source[first..][..middle.len()]);
                }
                let margin = if begin > 0 { &mut output[..begin] } else { &mut output[end..] };
                if columns.is_empty() {
                    margin.fill(level);
                }
                for (output, column) in margin.iter_mut().zip(&*columns) {
                    *output = source[*column];
                }
            }
        }
    }
}

/// Copies a row back to front, eight pixels at a time.
fn copy_reversed(source: &[u8], output: &mut [u8]) {
    let (chunks, rest) = output.as_chunks_mut::<8>();
    let (source_rest, source_chunks) = source.as_rchunks::<8>();
    for (output, source) in chunks.iter_mut().zip(source_chunks.iter().rev()) {
        *output = u64::from_le_bytes(*source).swap_bytes().to_le_bytes();
    }
    for (output, source) in rest.iter_mut().zip(source_rest.iter().rev()) {
        *output = *source;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Fill;

    /// The crop pixel by pixel, from an image that was mirrored and padded as the words say.
    fn reference(placement: &Placement, image: &[u8], [channels, height, width]: [usize; 3]) -> Vec<u8> {
        let mut output = Vec::new();
        for channel in 0..channels {
            for row in 0..height {
                for column in 0..width {
                    let places = [(row, height), (column, width)];
                    let flips = [placement.is_upside_down, placement.is_flipped];
                    let mut at = Some([0; 2]);
                    for axis in 0..2 {
                        let (position, side) = places[axis];
                        let mut place = position as isize + placement.offset[axis];
                        let last = side as isize - 1;
                        match placement.border {
                            Border::Edge => place = place.max(0).min(last),
                            Border::Reflect if place < 0 => place = -place,
                            Border::Reflect if place > last => place = 2 * last - place,
                            Border::Reflect => {}
                            Border::Constant(_) if place < 0 || place > last => at = None,
                            Border::Constant(_) => {}
                        }
                        let place = if flips[axis] { last - place } else { place };
                        if let Some(at) = &mut at {
                            at[axis] = place as usize;
                        }
                    }
                    output.push(match at {
                        Some([row, column]) => image[(channel * height + row) * width + column],
                        None => placement.border.level(channel),
                    });
                }
            }
        }
        output
    }

    #[test]
    fn every_pixel_comes_from_the_padded_image() {
        let borders = [Border::Reflect, Border::Edge, Border::Constant(Fill::new([200, 210, 220]))];
        for shape in [[3, 5, 4], [1, 3, 19], [3, 2, 1], [1, 1, 1], [2, 4, 16], [3, 17, 33]] {
            let border_fits = |border: &&Border| shape[0] == 3 || !matches!(border, Border::Constant(_));
            let image: Vec<u8> = (0..shape.iter().product()).map(|at: usize| at as u8).collect();
            let (rows, columns) = (shape[1].min(4) as isize, shape[2].min(4) as isize);
            for border in borders.iter().filter(border_fits) {
                for (down, right) in
                    (1 - rows..rows).flat_map(|down| (1 - columns..columns).map(move |right| (down, right)))
                {
                    for flips in 0..4 {
                        let placement = Placement {
                            is_flipped: flips & 1 > 0,
                            is_upside_down: flips & 2 > 0,
                            offset: [down, right],
                            border,
                        };
                        let mut output = vec![77; image.len()];
                        placement.apply(&image, shape, &mut Vec::new(), &mut output);
                        assert_eq!(
                            output,
                            reference(&placement, &image, shape),
                            "{shape:?} {border:?} {down} {right} {flips}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn all_offsets_occur_as_often() {
        let crop = Crop::new(2);
        let mut counts = [[0; 5]; 5];
        for index in 0..10_000 {
            let [down, right] = crop.offset(Pass { seed: 0, epoch: 3 }, index);
            counts[(down + 2) as usize][(right + 2) as usize] += 1;
        }
        assert!(counts.iter().flatten().all(|count| (320..480).contains(count)), "{counts:?}");
    }
}

//! One image of a sheet, ready to be drawn.

use image::{Rgb, RgbImage};

use crate::{DatasetsError, InspectProblem};

/// Larger images are made smaller by a whole factor.
const MOST_SIDE: usize = 192;

/// Smaller images are enlarged by a whole factor, so that their longer side has about as many pixels.
const USUAL_SIDE: usize = 72;

/// One image of a sheet, with what is written under it and the colour around it.
#[derive(Clone, Debug)]
pub struct Tile {
    /// At most `MOST_SIDE` pixels to a side.
    pub(super) image: RgbImage,
    pub(super) caption: String,
    pub(super) frame: Option<[u8; 3]>,
}

/// Images that belong together, such as those of one class.
#[derive(Clone, Debug)]
pub struct TileRow {
    /// Their name, beside or above them.
    pub label: String,
    /// What is said about them in small print, such as how many there are in all.
    pub note: String,
    /// The images.
    pub tiles: Vec<Tile>,
}

impl Tile {
    /// An image without caption and frame; one with a side of more than 192 pixels is made smaller by averaging.
    ///
    /// # Shapes
    /// - `shape`: `[1, height, width]` or `[height, width]` for grey, `[3, height, width]` for red, green, blue
    /// - `bytes`: of that shape, row-major, `0..=255`
    ///
    /// # Errors
    /// [`DatasetsError::Inspect`] if the shape is not that of an image, or the bytes are not as many.
    pub fn new(shape: &[usize], bytes: &[u8]) -> Result<Tile, DatasetsError> {
        let Some((channels, height, width)) = image_size(shape) else {
            return Err(InspectProblem::NotImages { shape: shape.to_vec(), bytes: true }.into());
        };
        let expected = shape.iter().fold(1usize, |product, dim| product.saturating_mul(*dim));
        if bytes.len() != expected {
            let found = bytes.len();
            return Err(InspectProblem::ImageBytes { shape: shape.to_vec(), expected, found }.into());
        }
        let factor = shrink_factor(height, width);
        let plane = height * width;
        let image =
            RgbImage::from_fn(width.div_ceil(factor) as u32, height.div_ceil(factor) as u32, |x, y| {
                let (left, top) = (x as usize * factor, y as usize * factor);
                let (right, bottom) = ((left + factor).min(width), (top + factor).min(height));
                let mean = |channel: usize| {
                    let rows = (top..bottom).map(|row| &bytes[channel * plane + row * width..][left..right]);
                    let sum: u64 = rows.flatten().map(|byte| u64::from(*byte)).sum();
                    let pixels = ((right - left) * (bottom - top)) as u64;
                    ((sum + pixels / 2) / pixels) as u8
                };
                match channels {
                    1 => Rgb([mean(0); 3]),
                    _ => Rgb([mean(0), mean(1), mean(2)]),
                }
            });
        Ok(Tile { image, caption: String::new(), frame: None })
    }

    /// The same image with a line under it; a long one is cut.
    pub fn with_caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// The same image in a frame of this colour: red, green, blue.
    pub fn with_frame(mut self, colour: [u8; 3]) -> Self {
        self.frame = Some(colour);
        self
    }
}

/// Channels, height and width, if samples of this shape are images.
pub(super) fn image_size(shape: &[usize]) -> Option<(usize, usize, usize)> {
    let (channels, height, width) = match *shape {
        [height, width] => (1, height, width),
        [channels @ (1 | 3), height, width] => (channels, height, width),
        _ => return None,
    };
    // As many pixels as any picture can have, and no overflow on the way.
    let fits = |side: usize| (1..=1 << 24).contains(&side);
    (fits(height) && fits(width)).then_some((channels, height, width))
}

fn shrink_factor(height: usize, width: usize) -> usize {
    height.max(width).div_ceil(MOST_SIDE).max(1)
}

/// Height and width that an image of this size has in a tile.
pub(super) fn tile_size(height: usize, width: usize) -> (usize, usize) {
    let factor = shrink_factor(height, width);
    (height.div_ceil(factor), width.div_ceil(factor))
}

/// How much tiles are enlarged whose longest side is this.
pub(super) fn enlargement(longest: usize) -> usize {
    (USUAL_SIDE / longest.max(1)).max(1)
}

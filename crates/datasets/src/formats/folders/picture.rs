//! A picture brought to a given size and number of channels.

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageBuffer, Pixel};

use crate::ImageProblem;
use crate::formats::image::{decode, to_grey, to_rgb};

/// Per side of what pictures are brought to: scaling holds a picture's width times this many numbers.
pub(super) const MOST_SIDE: u32 = 2_048;

/// How a picture of other proportions is brought to the size wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resize {
    /// Its proportions change.
    #[default]
    Stretch,
    /// All of it is kept, in the middle of a border.
    Fit {
        /// The border's level in every channel, 0 black to 255 white.
        border: u8,
    },
    /// The middle of it is kept, and what lies beyond on two sides is cut off.
    Crop,
}

/// The shape that pictures are brought to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// 1 grey, 3 RGB.
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
}

impl Shape {
    pub(super) fn len(self) -> usize {
        self.channels * self.height * self.width
    }
}

/// Decodes the file `bytes` into `out`, `[channels, height, width]`; gives notes of what was converted.
pub(super) fn read_into(
    bytes: &[u8],
    shape: Shape,
    resize: Resize,
    out: &mut [u8],
) -> Result<Vec<String>, ImageProblem> {
    let mut notes = Vec::new();
    let picture = decode(bytes, &mut notes)?;
    // Both are at most MOST_SIDE.
    let (height, width) = (shape.height as u32, shape.width as u32);
    if (picture.height(), picture.width()) != (height, width) {
        notes.push("resized".into());
    }
    match shape.channels {
        1 => {
            let grey = to_grey(&picture, &mut notes)?;
            drop(picture);
            out.copy_from_slice(resized(grey, height, width, resize).as_raw());
        }
        _ => {
            let rgb = match picture {
                DynamicImage::ImageRgb8(rgb) => rgb,
                other => to_rgb(&other, &mut notes)?,
            };
            let rgb = resized(rgb, height, width, resize);
            let pixels = shape.height * shape.width;
            for (at, pixel) in rgb.pixels().enumerate() {
                for (channel, level) in pixel.0.into_iter().enumerate() {
                    out[channel * pixels + at] = level;
                }
            }
        }
    }
    Ok(notes)
}

/// Scales with a triangle filter, which averages when it makes a picture smaller.
fn resized<P>(
    picture: ImageBuffer<P, Vec<u8>>,
    height: u32,
    width: u32,
    resize: Resize,
) -> ImageBuffer<P, Vec<u8>>
where
    P: Pixel<Subpixel = u8> + 'static,
{
    let (found_width, found_height) = picture.dimensions();
    if (found_height, found_width) == (height, width) {
        return picture;
    }
    match resize {
        Resize::Stretch => imageops::resize(&picture, width, height, FilterType::Triangle),
        Resize::Crop => {
            // Cut first: nothing larger than the picture or the result is ever held.
            let cut_width = scaled(found_height, width, height).min(found_width);
            let cut_height = scaled(found_width, height, width).min(found_height);
            let (left, top) = ((found_width - cut_width) / 2, (found_height - cut_height) / 2);
            let cut = imageops::crop_imm(&picture, left, top, cut_width, cut_height).to_image();
            imageops::resize(&cut, width, height, FilterType::Triangle)
        }
        Resize::Fit { border } => {
            let fit_width = scaled(height, found_width, found_height).min(width);
            let fit_height = scaled(width, found_height, found_width).min(height);
            let fitted = imageops::resize(&picture, fit_width, fit_height, FilterType::Triangle);
            let mut framed = ImageBuffer::from_raw(width, height, vec![border; bytes_of::<P>(width, height)])
                .unwrap_or_else(|| ImageBuffer::new(width, height));
            let (left, top) = ((width - fit_width) / 2, (height - fit_height) / 2);
            imageops::replace(&mut framed, &fitted, i64::from(left), i64::from(top));
            framed
        }
    }
}

/// `side * numerator / denominator`, rounded, at least 1.
fn scaled(side: u32, numerator: u32, denominator: u32) -> u32 {
    let (numerator, denominator) = (u64::from(numerator), u64::from(denominator.max(1)));
    let rounded = (u64::from(side) * numerator + denominator / 2) / denominator;
    u32::try_from(rounded).unwrap_or(u32::MAX).max(1)
}

fn bytes_of<P: Pixel>(width: u32, height: u32) -> usize {
    width as usize * height as usize * usize::from(P::CHANNEL_COUNT)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma};

    use super::*;

    /// Left half 0, right half 200.
    fn halves(width: u32, height: u32) -> GrayImage {
        GrayImage::from_fn(width, height, |x, _| Luma([if x < width / 2 { 0 } else { 200 }]))
    }

    #[test]
    fn stretching_keeps_everything() {
        let stretched = resized(halves(8, 4), 2, 2, Resize::Stretch).into_raw();
        // Scaled down, a pixel has a part of its neighbours.
        assert!(stretched[0] < 60 && stretched[1] > 140, "{stretched:?}");
        assert_eq!(stretched[..2], stretched[2..]);
    }

    #[test]
    fn fitting_adds_a_border_above_and_below() {
        let fitted = resized(halves(8, 4), 4, 4, Resize::Fit { border: 9 }).into_raw();
        assert_eq!((&fitted[..4], &fitted[12..]), (&[9; 4][..], &[9; 4][..]));
        assert_eq!((fitted[4], fitted[7]), (0, 200));
    }

    #[test]
    fn cropping_keeps_the_middle() {
        // 16 wide, and only columns 6 to 9 are bright.
        let picture = GrayImage::from_fn(16, 4, |x, _| Luma([if (6..10).contains(&x) { 255 } else { 0 }]));
        assert_eq!(resized(picture, 4, 4, Resize::Crop).into_raw(), [255; 16]);
    }

    #[test]
    fn extreme_proportions_keep_a_pixel() {
        for (width, height) in [(5_000, 1), (1, 5_000)] {
            for resize in [Resize::Stretch, Resize::Fit { border: 0 }, Resize::Crop] {
                assert_eq!(resized(halves(width, height), 3, 5, resize).dimensions(), (5, 3));
            }
        }
    }
}

//! A picture of one digit, from a PNG or JPEG file, brought to the form MNIST has.
//!
//! MNIST's convention: white ink on black, the digit scaled into a box of 20/28 of the frame and placed by its centre
//! of mass. A picture that already has the frame's size is taken to follow it, so that an MNIST image saved as PNG is
//! read back byte for byte. What was done to any other is said in [`DigitImage::notes`].

use std::path::Path;

use image::GrayImage;
use image::imageops::{self, FilterType};

use super::decode::MOST_PIXELS_PER_SIDE;
use super::{decode, read_bytes, to_grey};
use crate::{DatasetsError, ImageProblem};

/// The digit's box, as a part of the frame: 20 of 28 pixels.
const BOX: f32 = 20.0 / 28.0;

/// Ink brighter than this, of 255, belongs to the digit when its bounding box is looked for.
const INK: u8 = 64;

/// Darker and lighter pixels must differ by this much for there to be ink at all.
const LEAST_CONTRAST: u8 = 16;

/// A picture of a digit in MNIST's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigitImage {
    /// `[height, width]`, row-major: 0 background, 255 ink.
    pub pixels: Vec<u8>,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// What was converted, in the order it was done; empty if nothing was.
    pub notes: Vec<String>,
}

/// Reads a picture of one digit and brings it to `height` x `width` pixels in MNIST's form.
///
/// PNG and JPEG are told apart by content. Grey and colour, 1 to 16 bits, palette, alpha (laid over white) and CMYK
/// (which the decoder turns into RGB) are converted. Pictures are limited to 16,384 pixels per side and 256 MB
/// decoded, checked before decoding.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("bar.png");
/// // A dark bar on light paper.
/// let picture = image::GrayImage::from_fn(100, 200, |x, _| image::Luma([if x / 10 == 4 { 20 } else { 230 }]));
/// picture.save(&path)?;
///
/// let digit = fireclay_datasets::read_digit(&path, 28, 28)?;
/// assert_eq!(digit.pixels.len(), 28 * 28);
/// assert_eq!(digit.pixels[0], 0);
/// assert!(digit.notes[0].contains("inverted"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`DatasetsError::Image`] if the file is not such a picture or is too large, [`DatasetsError::Read`] if it cannot be read.
pub fn read_digit(path: &Path, height: usize, width: usize) -> Result<DigitImage, DatasetsError> {
    let refuse = |problem| DatasetsError::Image { path: path.to_owned(), problem };
    let frame = check_frame(height, width).map_err(refuse)?;
    read(&read_bytes(path)?, frame).map_err(refuse)
}

/// As [`read_digit`], from the bytes of such a file, as a web request brings them.
///
/// ```
/// let problem = fireclay_datasets::read_digit_bytes(b"no picture", 28, 28).unwrap_err();
/// assert!(problem.to_string().contains("expected a PNG or JPEG image, found text"));
/// ```
///
/// # Errors
/// If they are not such a picture, or it is too large.
pub fn read_digit_bytes(bytes: &[u8], height: usize, width: usize) -> Result<DigitImage, ImageProblem> {
    read(bytes, check_frame(height, width)?)
}

fn check_frame(height: usize, width: usize) -> Result<Size, ImageProblem> {
    match (u32::try_from(height), u32::try_from(width)) {
        (Ok(h @ 1..=MOST_PIXELS_PER_SIDE), Ok(w @ 1..=MOST_PIXELS_PER_SIDE)) => {
            Ok(Size { width: w, height: h })
        }
        _ => Err(ImageProblem::Frame { height, width, limit: MOST_PIXELS_PER_SIDE }),
    }
}

fn read(bytes: &[u8], frame: Size) -> Result<DigitImage, ImageProblem> {
    let mut notes = Vec::new();
    let picture = decode(bytes, &mut notes)?;
    let grey = to_grey(&picture, &mut notes)?;
    drop(picture);
    let pixels = to_digit(grey, frame, &mut notes).into_raw();
    Ok(DigitImage { pixels, height: frame.height as usize, width: frame.width as usize, notes })
}

#[derive(Clone, Copy)]
struct Size {
    width: u32,
    height: u32,
}

fn to_digit(mut grey: GrayImage, frame: Size, notes: &mut Vec<String>) -> GrayImage {
    let (darkest, lightest) = extremes(&grey);
    let border = border_level(&grey);
    let flat = lightest - darkest < LEAST_CONTRAST;
    let middle = if flat { 128 } else { darkest / 2 + lightest / 2 };
    if border > middle {
        imageops::invert(&mut grey);
        notes.push("inverted: dark on light".into());
    }
    if flat {
        notes.push("blank image".into());
    }
    if (grey.width(), grey.height()) == (frame.width, frame.height) {
        return grey;
    }
    let blank = || GrayImage::new(frame.width, frame.height);
    if flat {
        return blank();
    }
    let background = border_level(&grey);
    stretch(&mut grey, background);
    let Some((left, top, size)) = ink_box(&grey) else {
        notes.push("blank image".into());
        return blank();
    };
    let cropped = imageops::crop_imm(&grey, left, top, size.width, size.height).to_image();
    let fitted = fit(&cropped, frame);
    notes.push(format!(
        "cropped {}x{} to the ink's {}x{}, scaled to {}x{}, placed by its centre of mass (width x height)",
        grey.width(),
        grey.height(),
        size.width,
        size.height,
        fitted.width(),
        fitted.height()
    ));
    place(&fitted, frame)
}

fn extremes(grey: &GrayImage) -> (u8, u8) {
    grey.as_raw().iter().fold((u8::MAX, 0), |(low, high), p| (low.min(*p), high.max(*p)))
}

/// The median of the outermost pixels.
fn border_level(grey: &GrayImage) -> u8 {
    let (width, height) = grey.dimensions();
    let mut border: Vec<u8> = (grey.enumerate_pixels())
        .filter(|(x, y, _)| *x == 0 || *y == 0 || x + 1 == width || y + 1 == height)
        .map(|(_, _, pixel)| pixel.0[0])
        .collect();
    border.sort_unstable();
    border.get(border.len() / 2).copied().unwrap_or(0)
}

/// Spreads what lies clearly above the background over 0 to 255.
fn stretch(grey: &mut GrayImage, background: u8) {
    let mut histogram = [0usize; 256];
    for pixel in grey.as_raw() {
        histogram[usize::from(*pixel)] += 1;
    }
    // The brightest few pixels may be glare or noise.
    let mut spare = grey.as_raw().len() / 5_000;
    let mut high = 255usize;
    while high > 0 && histogram[high] <= spare {
        spare -= histogram[high];
        high -= 1;
    }
    let (background, high) = (f32::from(background), high as f32);
    let low = background + 0.15 * (high - background);
    let scale = 255.0 / (high - low).max(1.0);
    for pixel in grey.iter_mut() {
        *pixel = ((f32::from(*pixel) - low) * scale).round() as u8;
    }
}

/// Left, top and size of the smallest box around the ink.
fn ink_box(grey: &GrayImage) -> Option<(u32, u32, Size)> {
    let mut bounds: Option<[u32; 4]> = None;
    for (x, y, pixel) in grey.enumerate_pixels() {
        if pixel.0[0] > INK {
            let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
            bounds = Some([left.min(x), top.min(y), right.max(x), bottom.max(y)]);
        }
    }
    let [left, top, right, bottom] = bounds?;
    let size = Size { width: right - left + 1, height: bottom - top + 1 };
    Some((left, top, size))
}

/// Scales into the digit's box, keeping proportions, and makes the brightest pixel 255.
fn fit(cropped: &GrayImage, frame: Size) -> GrayImage {
    let (width, height) = (cropped.width() as f32, cropped.height() as f32);
    let scale = (BOX * frame.width as f32 / width).min(BOX * frame.height as f32 / height);
    let side = |pixels: f32, most: u32| ((pixels * scale).round() as u32).clamp(1, most);
    let mut fitted =
        imageops::resize(cropped, side(width, frame.width), side(height, frame.height), FilterType::Triangle);
    let (_, lightest) = extremes(&fitted);
    let gain = 255.0 / f32::from(lightest.max(1));
    for pixel in fitted.iter_mut() {
        *pixel = (f32::from(*pixel) * gain).round() as u8;
    }
    fitted
}

/// Puts the centre of mass in the middle of the frame, or as near as the frame allows.
fn place(fitted: &GrayImage, frame: Size) -> GrayImage {
    let (mut mass, mut mass_x, mut mass_y) = (0.0f64, 0.0, 0.0);
    for (x, y, pixel) in fitted.enumerate_pixels() {
        let ink = f64::from(pixel.0[0]);
        mass += ink;
        mass_x += ink * (f64::from(x) + 0.5);
        mass_y += ink * (f64::from(y) + 0.5);
    }
    let offset = |frame: u32, size: u32, moment: f64| {
        let wanted = (f64::from(frame) / 2.0 - moment / mass.max(1.0)).round();
        wanted.clamp(0.0, f64::from(frame - size.min(frame))) as i64
    };
    let mut placed = GrayImage::new(frame.width, frame.height);
    let left = offset(frame.width, fitted.width(), mass_x);
    let top = offset(frame.height, fitted.height(), mass_y);
    imageops::replace(&mut placed, fitted, left, top);
    placed
}

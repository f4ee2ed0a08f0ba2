//! Colours and depths of decoded pictures, brought to 8-bit grey or RGB.

use image::{DynamicImage, GrayImage, RgbImage};

use crate::ImageProblem;

/// Luminance, laid over white where it is transparent.
pub(in crate::formats) fn to_grey(
    picture: &DynamicImage,
    notes: &mut Vec<String>,
) -> Result<GrayImage, ImageProblem> {
    use DynamicImage as D;
    if let D::ImageLuma8(grey) = picture {
        return Ok(grey.clone());
    }
    if note_depth_and_alpha(picture, notes)? {
        notes.push("converted from colour to grey".into());
    }
    let luminance = |r: u8, g: u8, b: u8| {
        to_u8((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000)
    };
    let pixels: Vec<u8> = match picture {
        D::ImageLumaA8(p) => p.pixels().map(|p| over_white(p.0[0], p.0[1])).collect(),
        D::ImageRgb8(p) => p.pixels().map(|p| luminance(p.0[0], p.0[1], p.0[2])).collect(),
        D::ImageRgba8(p) => {
            (p.pixels()).map(|p| over_white(luminance(p.0[0], p.0[1], p.0[2]), p.0[3])).collect()
        }
        D::ImageLuma16(p) => p.pixels().map(|p| narrow(p.0[0])).collect(),
        D::ImageLumaA16(p) => (p.pixels()).map(|p| over_white(narrow(p.0[0]), narrow(p.0[1]))).collect(),
        D::ImageRgb16(p) => {
            (p.pixels()).map(|p| luminance(narrow(p.0[0]), narrow(p.0[1]), narrow(p.0[2]))).collect()
        }
        D::ImageRgba16(p) => (p.pixels())
            .map(|p| {
                let grey = luminance(narrow(p.0[0]), narrow(p.0[1]), narrow(p.0[2]));
                over_white(grey, narrow(p.0[3]))
            })
            .collect(),
        _ => Vec::new(),
    };
    // As many bytes as pixels, so this is never the empty picture.
    Ok(GrayImage::from_raw(picture.width(), picture.height(), pixels).unwrap_or_default())
}

/// Red, green and blue, laid over white where it is transparent.
pub(in crate::formats) fn to_rgb(
    picture: &DynamicImage,
    notes: &mut Vec<String>,
) -> Result<RgbImage, ImageProblem> {
    use DynamicImage as D;
    if let D::ImageRgb8(rgb) = picture {
        return Ok(rgb.clone());
    }
    if !note_depth_and_alpha(picture, notes)? {
        notes.push("converted from grey to colour".into());
    }
    let pixels: Vec<u8> = match picture {
        D::ImageLuma8(p) => p.pixels().flat_map(|p| [p.0[0]; 3]).collect(),
        D::ImageLumaA8(p) => p.pixels().flat_map(|p| [over_white(p.0[0], p.0[1]); 3]).collect(),
        D::ImageRgba8(p) => {
            (p.pixels()).flat_map(|p| [0, 1, 2].map(|c| over_white(p.0[c], p.0[3]))).collect()
        }
        D::ImageLuma16(p) => p.pixels().flat_map(|p| [narrow(p.0[0]); 3]).collect(),
        D::ImageLumaA16(p) => {
            (p.pixels()).flat_map(|p| [over_white(narrow(p.0[0]), narrow(p.0[1])); 3]).collect()
        }
        D::ImageRgb16(p) => p.pixels().flat_map(|p| p.0.map(narrow)).collect(),
        D::ImageRgba16(p) => {
            (p.pixels()).flat_map(|p| [0, 1, 2].map(|c| over_white(narrow(p.0[c]), narrow(p.0[3])))).collect()
        }
        _ => Vec::new(),
    };
    // Three bytes for each pixel, so this is never the empty picture.
    Ok(RgbImage::from_raw(picture.width(), picture.height(), pixels).unwrap_or_default())
}

/// Refuses what has neither 8 nor 16 bits, and notes what both conversions do alike; whether there are colours.
fn note_depth_and_alpha(picture: &DynamicImage, notes: &mut Vec<String>) -> Result<bool, ImageProblem> {
    use DynamicImage as D;
    let sixteen = match picture {
        D::ImageLuma8(_) | D::ImageLumaA8(_) | D::ImageRgb8(_) | D::ImageRgba8(_) => false,
        D::ImageLuma16(_) | D::ImageLumaA16(_) | D::ImageRgb16(_) | D::ImageRgba16(_) => true,
        other => return Err(ImageProblem::Colours { found: format!("{:?}", other.color()) }),
    };
    if sixteen {
        notes.push("reduced from 16 bits to 8".into());
    }
    if picture.color().has_alpha() {
        notes.push("laid over white where transparent".into());
    }
    Ok(picture.color().has_color())
}

fn to_u8(value: u32) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn over_white(level: u8, alpha: u8) -> u8 {
    let (level, alpha) = (u32::from(level), u32::from(alpha));
    to_u8((level * alpha + 255 * (255 - alpha) + 127) / 255)
}

fn narrow(wide: u16) -> u8 {
    to_u8((u32::from(wide) + 128) / 257)
}

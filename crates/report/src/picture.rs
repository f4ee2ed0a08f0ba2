//! Pictures inside a page: PNG as a data URI.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::check::check_picture;
use crate::data::Picture;
use crate::error::ReportError;

impl Picture {
    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`ReportError::Picture`] if it has not as many bytes as pixels.
    pub fn to_png(&self) -> Result<Vec<u8>, ReportError> {
        let what = "the picture";
        check_picture(self, what.into())?;
        png(self, what)
    }
}

/// A picture that has been checked, as the address of an image of at most `largest` pixels on each side.
pub fn data_uri(picture: &Picture, largest: usize, what: &str) -> Result<String, ReportError> {
    let bytes = png(&reduced(picture, largest), what)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(bytes)))
}

/// A picture that has been checked, as the bytes of a PNG file.
fn png(picture: &Picture, what: &str) -> Result<Vec<u8>, ReportError> {
    let failed =
        |error: png::EncodingError| ReportError::Png { what: what.into(), problem: error.to_string() };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width as u32, picture.height as u32);
    encoder.set_color(if channels(picture) == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&picture.bytes).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(bytes)
}

fn channels(picture: &Picture) -> usize {
    if picture.bytes.len() == picture.width * picture.height { 1 } else { 3 }
}

/// Pixels of a smaller picture are means of blocks.
fn reduced(picture: &Picture, largest: usize) -> Picture {
    let longest = picture.width.max(picture.height);
    if longest <= largest {
        return picture.clone();
    }
    let size = |side: usize| (side * largest / longest).max(1);
    let (width, height, channels) = (size(picture.width), size(picture.height), channels(picture));
    let mut bytes = Vec::with_capacity(width * height * channels);
    for row in 0..height {
        let rows = row * picture.height / height..(row + 1) * picture.height / height;
        for column in 0..width {
            let columns = column * picture.width / width..(column + 1) * picture.width / width;
            for channel in 0..channels {
                let value = |y, x| usize::from(picture.bytes[(y * picture.width + x) * channels + channel]);
                let sum: usize =
                    rows.clone().map(|y| columns.clone().map(|x| value(y, x)).sum::<usize>()).sum();
                bytes.push((sum / (rows.len() * columns.len()).max(1)) as u8);
            }
        }
    }
    Picture { width, height, bytes }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_pictures_become_means_of_blocks() {
        let bytes = (0..192 * 96).map(|at| if at % 2 == 0 { 0 } else { 200 }).collect();
        let small = reduced(&Picture { width: 192, height: 96, bytes }, 96);
        assert_eq!((small.width, small.height, small.bytes.len()), (96, 48, 96 * 48));
        assert!(small.bytes.iter().all(|value| *value == 100));
    }

    #[test]
    fn a_picture_becomes_a_png() {
        let uri =
            data_uri(&Picture { width: 2, height: 1, bytes: vec![255, 0, 0, 0, 0, 255] }, 96, "x").unwrap();
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/png;base64,").unwrap()).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels, [255, 0, 0, 0, 0, 255]);
    }
}

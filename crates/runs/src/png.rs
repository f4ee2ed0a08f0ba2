//! Pictures as PNG files.

use fireclay_report::Picture;

/// A picture as the bytes of a PNG file; `None` if it has not as many bytes as its sizes say.
pub fn png(picture: &Picture) -> Option<Vec<u8>> {
    let pixels = picture.width.checked_mul(picture.height)?;
    let color = match picture.bytes.len() {
        bytes if bytes == pixels => ::png::ColorType::Grayscale,
        bytes if bytes == pixels.checked_mul(3)? => ::png::ColorType::Rgb,
        _ => return None,
    };
    let mut file = Vec::new();
    let mut encoder =
        ::png::Encoder::new(&mut file, picture.width.try_into().ok()?, picture.height.try_into().ok()?);
    encoder.set_color(color);
    encoder.set_depth(::png::BitDepth::Eight);
    encoder.write_header().ok()?.write_image_data(&picture.bytes).ok()?;
    Some(file)
}

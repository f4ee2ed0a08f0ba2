//! Pictures.

use crate::TensorboardError;
use crate::proto::Tensor;

/// Width and height as texts, and then the pictures.
pub fn tensor(tag: &str, pngs: &[impl AsRef<[u8]>]) -> Result<Tensor, TensorboardError> {
    let mut expected = None;
    for (index, png) in pngs.iter().enumerate() {
        let not_a_png = || TensorboardError::NotAPng { tag: tag.to_owned(), index };
        let found = size(png.as_ref()).ok_or_else(not_a_png)?;
        let expected = *expected.get_or_insert(found);
        if found != expected {
            return Err(TensorboardError::PictureSize { tag: tag.to_owned(), index, expected, found });
        }
    }
    let (width, height) = expected.unwrap_or((0, 0));
    let mut strings = vec![width.to_string().into_bytes(), height.to_string().into_bytes()];
    strings.extend(pngs.iter().map(|png| png.as_ref().to_vec()));
    Ok(Tensor::of_strings(&[strings.len() as i64], strings))
}

/// The width and height of a PNG, which stand in its first chunk.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u32::from_be_bytes).filter(|size| *size > 0);
    Some((number(header.get(..4)?)?, number(header.get(4..8)?)?))
}

#[cfg(test)]
mod tests {
    use crate::Summary;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::GrayImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn what_is_no_png_and_other_sizes_are_refused() {
        let message = |pngs: &[Vec<u8>]| Summary::images("digits", pngs).map_err(|error| error.to_string());
        assert!(message(&[png(3, 2), png(3, 2)]).is_ok());
        let sizes = message(&[png(3, 2), png(2, 3)]).unwrap_err();
        assert!(sizes.contains("picture 1 of \"digits\"") && sizes.contains("2 by 3 pixels"), "{sizes}");
        for other in [&b""[..], b"GIF89a", &png(3, 2)[..20], &png(3, 2)[1..]] {
            let message = message(&[png(3, 2), other.to_vec()]).unwrap_err();
            assert!(
                message.contains("picture 1 of \"digits\"") && message.contains("not a PNG"),
                "{message}"
            );
        }
    }
}

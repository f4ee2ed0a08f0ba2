//! One picture by itself, for a model to be asked about.

use std::path::Path;

use super::image_folder::check_size;
use super::picture::{Resize, Shape, read_into};
use crate::formats::image::read_bytes;
use crate::{DatasetsError, ImageProblem};

/// A picture brought to a model's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    /// `[channels, height, width]`, `0..=255`.
    pub pixels: Vec<u8>,
    /// What was converted: `"resized"`, `"laid over white where it is transparent"`.
    pub notes: Vec<String>,
}

/// Reads a PNG or JPEG file as an image of a shape, in the way of [`ImageFolder::load`](super::ImageFolder::load).
///
/// # Shapes
/// - `shape`: `[channels, height, width]`, with 1 channel (grey) or 3 (red, green, blue), and 1 to 2,048 pixels a side
///
/// # Errors
/// If the file cannot be read or is not such a picture, or the shape is not that of one.
pub fn read_image(path: &Path, shape: [usize; 3], resize: Resize) -> Result<ImageFile, DatasetsError> {
    let wrong = |problem| DatasetsError::Image { path: path.to_owned(), problem };
    let [channels, height, width] = shape;
    let [height, width] = check_size(path, [height, width], "choose another size")?;
    if channels != 1 && channels != 3 {
        return Err(wrong(ImageProblem::Channels { channels }));
    }
    let bytes = read_bytes(path)?;
    let mut pixels = vec![0; channels * height * width];
    let notes = read_into(&bytes, Shape { channels, height, width }, resize, &mut pixels).map_err(wrong)?;
    Ok(ImageFile { pixels, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_picture_comes_out_channel_by_channel() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.png");
        let picture = image::RgbImage::from_raw(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        picture.save(&path).unwrap();
        let read = read_image(&path, [3, 1, 2], Resize::Stretch).unwrap();
        assert_eq!(read, ImageFile { pixels: vec![1, 4, 2, 5, 3, 6], notes: vec![] });
        let resized = read_image(&path, [3, 2, 4], Resize::Stretch).unwrap();
        assert_eq!((resized.pixels.len(), resized.notes), (24, vec!["resized".to_string()]));
        let error = read_image(&path, [2, 1, 2], Resize::Stretch).unwrap_err().to_string();
        assert!(error.contains("two.png") && error.contains("2 channels"), "{error}");
        assert!(read_image(&path, [3, 0, 2], Resize::Stretch).is_err());
    }
}

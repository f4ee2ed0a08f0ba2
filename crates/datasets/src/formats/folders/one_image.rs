//! One picture by itself, for a model to be asked about.

use std::path::Path;

use fireclay_data::PictureForm;

use super::picture::{MOST_SIDE, Resize, Shape, read_into};
use crate::formats::image::{read_bytes, read_digit_bytes};
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
    let shape = checked(shape).map_err(wrong)?;
    image(&read_bytes(path)?, shape, resize).map_err(wrong)
}

/// Reads a PNG or JPEG file as an image of a shape, in the form that the images of a training had: the middle of it, as
/// [`read_image`] with [`Resize::Crop`], or the digit in it, as [`read_digit`](crate::read_digit).
///
/// # Shapes
/// - `shape`: `[channels, height, width]`, as for [`read_image`]; a digit has one channel
///
/// # Errors
/// As [`read_image`].
pub fn read_picture(path: &Path, shape: [usize; 3], form: PictureForm) -> Result<ImageFile, DatasetsError> {
    let wrong = |problem| DatasetsError::Image { path: path.to_owned(), problem };
    checked(shape).map_err(wrong)?;
    read_picture_bytes(&read_bytes(path)?, shape, form).map_err(wrong)
}

/// As [`read_picture`], from the bytes of such a file, as a web request brings them.
///
/// # Errors
/// If they are not such a picture, or it is too large.
pub fn read_picture_bytes(
    bytes: &[u8],
    shape: [usize; 3],
    form: PictureForm,
) -> Result<ImageFile, ImageProblem> {
    match form {
        // The centre is kept, as of the user's own pictures in training.
        PictureForm::Middle => image(bytes, checked(shape)?, Resize::Crop),
        PictureForm::Digit => {
            let [channels, height, width] = shape;
            if channels != 1 {
                return Err(ImageProblem::Channels { channels });
            }
            let digit = read_digit_bytes(bytes, height, width)?;
            Ok(ImageFile { pixels: digit.pixels, notes: digit.notes })
        }
    }
}

fn checked([channels, height, width]: [usize; 3]) -> Result<Shape, ImageProblem> {
    let sides = 1..=MOST_SIDE as usize;
    if !sides.contains(&height) || !sides.contains(&width) {
        return Err(ImageProblem::Frame { height, width, limit: MOST_SIDE });
    }
    match channels {
        1 | 3 => Ok(Shape { channels, height, width }),
        _ => Err(ImageProblem::Channels { channels }),
    }
}

fn image(bytes: &[u8], shape: Shape, resize: Resize) -> Result<ImageFile, ImageProblem> {
    let mut pixels = vec![0; shape.channels * shape.height * shape.width];
    let notes = read_into(bytes, shape, resize, &mut pixels)?;
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

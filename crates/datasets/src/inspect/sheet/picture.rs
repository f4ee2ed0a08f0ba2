//! A picture that was drawn, and its writing to a file.

use std::io::Cursor;
use std::path::Path;

use fireclay_data::write_atomically;
use image::{ImageFormat, RgbImage};

use crate::{DatasetsError, InspectProblem};

/// A picture that was drawn.
#[derive(Clone, Debug)]
pub struct Picture(RgbImage);

impl Picture {
    pub(super) fn new(image: RgbImage) -> Self {
        Picture(image)
    }

    /// Pixels across.
    pub fn width(&self) -> usize {
        self.0.width() as usize
    }

    /// Pixels down.
    pub fn height(&self) -> usize {
        self.0.height() as usize
    }

    /// `[height, width, 3]`, row-major: red, green, blue.
    pub fn rgb(&self) -> &[u8] {
        self.0.as_raw()
    }

    /// Writes it as PNG, whole or not at all.
    ///
    /// # Errors
    /// [`DatasetsError::Write`] with the path if it cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<(), DatasetsError> {
        let mut bytes = Cursor::new(Vec::new());
        self.0.write_to(&mut bytes, ImageFormat::Png).map_err(InspectProblem::Encode)?;
        write_atomically(path, |file| file.write_all(bytes.get_ref()))
            .map_err(|source| DatasetsError::Write { path: path.to_owned(), source })
    }
}

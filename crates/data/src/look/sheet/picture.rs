//! A picture that was drawn, and its writing to a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};

use image::{ImageFormat, RgbImage};

use crate::{DataError, LookProblem};

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

    /// Writes it as PNG: into a temporary file in the same folder, which is then renamed, so that nobody ever sees
    /// half of it.
    ///
    /// # Errors
    /// [`DataError::Look`] with the path if it cannot be written.
    pub fn write_png(&self, path: &Path) -> Result<(), DataError> {
        let mut bytes = Cursor::new(Vec::new());
        self.0.write_to(&mut bytes, ImageFormat::Png).map_err(LookProblem::Encode)?;
        replace(path, bytes.get_ref())
            .map_err(|source| LookProblem::Write { path: path.to_path_buf(), source })?;
        Ok(())
    }
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (temporary, mut file) = create_beside(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    // Some systems do not rename a file that is open.
    drop(file);
    let renamed = written.and_then(|()| std::fs::rename(&temporary, path));
    if renamed.is_err() {
        let _ = std::fs::remove_file(&temporary);
    }
    renamed
}

/// A new file `.NAME.PROCESS-NUMBER.partial` in the folder of `path`.
fn create_beside(path: &Path) -> io::Result<(PathBuf, File)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut number = 0;
    loop {
        let temporary = format!(".{}.{}-{number}.partial", name.to_string_lossy(), std::process::id());
        let temporary = path.with_file_name(temporary);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            // Another thread is writing, or a process of that number was killed.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

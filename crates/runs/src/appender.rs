//! A text file that grows, and goes on after a crash from a place that a checkpoint knows.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::RunsError;

/// Writes at the end of a file.
pub(crate) struct Appender {
    path: PathBuf,
    out: BufWriter<File>,
    position: u64,
}

impl Appender {
    /// Opens a file and drops what is after a place in it; at 0 a new file is made.
    pub(crate) fn open(path: &Path, position: u64) -> Result<Self, RunsError> {
        let wrong = |source| RunsError::File { action: "write", path: path.to_path_buf(), source };
        let mut file =
            OpenOptions::new().create(position == 0).truncate(false).write(true).open(path).map_err(wrong)?;
        let found = file.metadata().map_err(wrong)?.len();
        if found < position {
            return Err(RunsError::TooShort { path: path.to_path_buf(), expected: position, found });
        }
        file.set_len(position).and_then(|()| file.seek(SeekFrom::Start(position))).map_err(wrong)?;
        Ok(Appender { path: path.to_path_buf(), out: BufWriter::new(file), position })
    }

    pub(crate) fn write(&mut self, text: &str) -> Result<(), RunsError> {
        self.out.write_all(text.as_bytes()).map_err(RunsError::file("write", &self.path))?;
        self.position += text.len() as u64;
        Ok(())
    }

    /// Hands everything to the system, and returns the place behind it.
    pub(crate) fn flush(&mut self) -> Result<u64, RunsError> {
        self.out.flush().map_err(RunsError::file("write", &self.path))?;
        Ok(self.position)
    }
}

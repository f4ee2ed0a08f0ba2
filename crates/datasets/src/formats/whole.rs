//! Whole files in memory, up to a limit.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::DatasetsError;

/// What memory is taken ahead of the bytes that fill it.
const MOST_AHEAD: u64 = 1 << 24;

/// A file's content, or how large it is if that is more than was allowed.
pub(super) enum Whole {
    Bytes(Vec<u8>),
    TooLarge(u64),
}

/// Reads a regular file of at most `most` bytes; `expected` is for the message where it is something else.
pub(super) fn read_whole(path: &Path, most: u64, expected: &'static str) -> Result<Whole, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    let (file, len) = open(path, expected)?;
    if len > most {
        return Ok(Whole::TooLarge(len));
    }
    let mut bytes = Vec::with_capacity(len.min(MOST_AHEAD) as usize);
    // The file may grow while it is read.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(read_error)?;
    match bytes.len() as u64 {
        len if len > most => Ok(Whole::TooLarge(len)),
        _ => Ok(Whole::Bytes(bytes)),
    }
}

/// Opens a regular file; also its size.
pub(super) fn open(path: &Path, expected: &'static str) -> Result<(File, u64), DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    // Before opening: opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if !metadata.is_file() {
        return Err(DatasetsError::NotAFile { path: path.to_owned(), expected });
    }
    Ok((File::open(path).map_err(read_error)?, metadata.len()))
}

/// The last part of a path: provenance goes into saved models, which travel.
pub(super) fn file_name(path: &Path) -> String {
    let whole = path.canonicalize();
    let path = whole.as_deref().unwrap_or(path);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

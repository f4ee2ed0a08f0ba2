//! Archives of arrays, as NumPy's `savez` and `savez_compressed` write them.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

use super::super::array::read_values;
use super::super::header::{NpyHeader, refuse};
use super::super::{NpyArray, NumpyProblem};
use crate::DatasetsError;
use crate::formats::whole;

const MOST_ENTRIES: usize = 10_000;

/// An archive begins where its file does, and is not searched for.
const FROM_THE_START: Config = Config { archive_offset: ArchiveOffset::Known(0) };

/// Deflate cannot pack more than 1,032 bytes into one.
const MOST_PER_PACKED_BYTE: u64 = 1_032;

/// What an archive is read from.
enum Input {
    File(BufReader<File>),
    Bytes(Cursor<Vec<u8>>),
}

/// An `.npz` file: arrays under names.
pub struct Npz {
    path: PathBuf,
    archive: ZipArchive<Input>,
    /// Names without `.npy`, and which entry each is.
    entries: Vec<(String, usize)>,
}

impl Npz {
    /// Opens an `.npz` file and reads its table of contents.
    ///
    /// # Errors
    /// [`DatasetsError::File`] if it is no such archive, or holds two entries of one name.
    pub fn open(path: &Path) -> Result<Self, DatasetsError> {
        let (file, _) = whole::open(path, "NumPy arrays (.npz)")?;
        Self::new(path, Input::File(BufReader::new(file)))
    }

    /// As [`Npz::open`], from a file's bytes; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`Npz::open`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, DatasetsError> {
        Self::new(Path::new(name), Input::Bytes(Cursor::new(bytes)))
    }

    fn new(path: &Path, input: Input) -> Result<Self, DatasetsError> {
        let refuse = |problem| refuse(path, problem);
        let archive = ZipArchive::with_config(FROM_THE_START, input)
            .map_err(|source| refuse(NumpyProblem::Archive { source }))?;
        if archive.has_duplicate_names() {
            return Err(refuse(NumpyProblem::Duplicate));
        }
        if archive.len() > MOST_ENTRIES {
            let found = archive.len();
            return Err(refuse(NumpyProblem::TooManyEntries { found, limit: MOST_ENTRIES }));
        }
        let mut entries = Vec::new();
        for (index, name) in archive.file_names_raw().enumerate() {
            let name = std::str::from_utf8(name).map_err(|_| refuse(NumpyProblem::EntryName { index }))?;
            // A name is only ever compared, never used as a path.
            if let Some(name) = name.strip_suffix(".npy") {
                entries.push((name.to_owned(), index));
            }
        }
        Ok(Self { path: path.to_owned(), archive, entries })
    }

    /// The arrays' names, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.as_str())
    }

    /// Reads the array `name`.
    ///
    /// No more is unpacked than its own header promises, and that is compared with the packed size first.
    ///
    /// # Errors
    /// [`DatasetsError::File`] if there is no such array or it is not one of numbers, see [`NpyArray::read`].
    pub fn array(&mut self, name: &str) -> Result<NpyArray, DatasetsError> {
        let known = self.entries.iter().find(|(known, _)| known == name);
        let Some(index) = known.map(|(_, index)| *index) else {
            let names = self.names().map(str::to_owned).collect();
            return Err(refuse(&self.path, NumpyProblem::NoArray { name: name.to_owned(), names }));
        };
        read_entry(&mut self.archive, index).map_err(|problem| {
            refuse(&self.path, NumpyProblem::Entry { name: name.to_owned(), problem: Box::new(problem) })
        })
    }
}

impl std::fmt::Debug for Npz {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Npz").field("path", &self.path).field("entries", &self.entries).finish()
    }
}

fn read_entry(archive: &mut ZipArchive<Input>, index: usize) -> Result<NpyArray, NumpyProblem> {
    let mut entry = archive.by_index(index).map_err(|source| match source {
        ZipError::Io(source) => NumpyProblem::Unpack { source },
        source => NumpyProblem::Archive { source },
    })?;
    let packed = entry.compressed_size();
    let unpack = |source| NumpyProblem::Unpack { source };
    let header = NpyHeader::from_reader(&mut entry).map_err(unpack)??;
    let most = packed.saturating_mul(MOST_PER_PACKED_BYTE);
    if header.data_bytes > most {
        let found = format!("{packed} packed bytes, which unpack to {most} at most");
        return Err(NumpyProblem::Size { expected: header.data_bytes, found });
    }
    let values = read_values(&header, &mut entry).map_err(unpack)??;
    // Reading past the last byte is what makes the reader compare the checksum.
    let mut beyond = [0];
    if entry.read(&mut beyond).map_err(unpack)? > 0 {
        let expected = header.data_bytes;
        return Err(NumpyProblem::Size { expected, found: format!("more than {expected}") });
    }
    NpyArray::new(header, values)
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Input::File(file) => file.read(out),
            Input::Bytes(bytes) => bytes.read(out),
        }
    }
}

impl Seek for Input {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        match self {
            Input::File(file) => file.seek(to),
            Input::Bytes(bytes) => bytes.seek(to),
        }
    }
}

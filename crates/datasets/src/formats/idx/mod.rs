//! The IDX format of MNIST: a big-endian header, then bytes.
//!
//! ```text
//! 0, 0, kind of value, rank      magic number: 0x00000803 images, 0x00000801 labels
//! rank x u32                     dimensions: count, height, width
//! bytes                          their product, row-major
//! ```
//!
//! Nothing in a header is believed before it fits the file: the promised size is computed with checked arithmetic and
//! compared with the file's size, or with the most its gzip stream could unpack to, before memory is taken for it.

#[cfg_attr(feature = "archives", path = "enabled.rs")]
#[cfg_attr(not(feature = "archives"), path = "disabled.rs")]
mod packed;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::DatasetsError;
use packed::read_packed;

/// No set of images published in this format comes near this size.
const MOST_BYTES: u64 = 1 << 31;

/// What memory is taken ahead of the bytes that fill it.
const MOST_AHEAD: u64 = 1 << 24;

/// The content of an IDX file of unsigned bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// `[count, height, width]` for images, `[count]` for labels; none of them 0.
    pub dims: Vec<usize>,
    /// Their product of bytes, row-major, `0..=255`.
    pub values: Vec<u8>,
}

/// What an IDX file is expected to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdxKind {
    /// Bytes of rank 3: `[count, height, width]`, magic number `0x00000803`.
    Images,
    /// Bytes of rank 1: `[count]`, magic number `0x00000801`.
    Labels,
}

impl IdxKind {
    fn rank(self) -> usize {
        match self {
            IdxKind::Images => 3,
            IdxKind::Labels => 1,
        }
    }

    fn magic(self) -> u32 {
        match self {
            IdxKind::Images => 0x0000_0803,
            IdxKind::Labels => 0x0000_0801,
        }
    }

    fn expected(self) -> &'static str {
        match self {
            IdxKind::Images => "IDX images (0x00000803)",
            IdxKind::Labels => "IDX labels (0x00000801)",
        }
    }
}

/// Reads an IDX file of unsigned bytes, plain or gzip (told apart by content, not by name).
///
/// Memory stays within the file's own size, or for gzip within what its stream really unpacks to, at most 2 GiB.
///
/// ```
/// use fireclay_datasets::{IdxKind, read_idx};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("labels");
/// std::fs::write(&path, [0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])?;
/// let labels = read_idx(&path, IdxKind::Labels)?;
/// assert_eq!(labels.values, [7, 2, 1]);
///
/// let error = read_idx(&path, IdxKind::Images).unwrap_err().to_string();
/// assert!(error.contains("swapped"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// If the file cannot be read, is gzip and this build lacks the feature `archives`, is not what `kind` says, or holds fewer or more bytes than its header promises.
pub fn read_idx(path: &Path, kind: IdxKind) -> Result<Idx, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    // Before opening: opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if !metadata.is_file() {
        return Err(DatasetsError::NotAFile { path: path.to_owned(), expected: kind.expected() });
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(read_error)?);
    let start = file.fill_buf().map_err(read_error)?;
    if start.starts_with(&[0x1f, 0x8b]) {
        read_packed(path, kind, file, metadata.len())
    } else {
        read_plain(path, kind, file, metadata.len())
    }
}

/// As [`read_idx`], from a file's bytes; errors call the file `bytes`.
#[doc(hidden)]
pub fn read_idx_bytes(bytes: &[u8], kind: IdxKind) -> Result<Idx, DatasetsError> {
    let path = Path::new("bytes");
    match bytes.starts_with(&[0x1f, 0x8b]) {
        true => read_packed(path, kind, bytes, bytes.len() as u64),
        false => read_plain(path, kind, bytes, bytes.len() as u64),
    }
}

fn read_plain(
    path: &Path,
    kind: IdxKind,
    mut file: impl Read,
    file_bytes: u64,
) -> Result<Idx, DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    let mut header = Vec::new();
    let header_len = 4 + 4 * kind.rank();
    (file.by_ref().take(header_len as u64)).read_to_end(&mut header).map_err(read_error)?;
    let (dims, promised) = parse_header(path, kind, &header)?;
    let held = file_bytes.saturating_sub(header_len as u64);
    if promised != held {
        return Err(wrong_size(path, promised, held.to_string(), promised > held));
    }
    let mut values = Vec::with_capacity(promised.min(MOST_AHEAD) as usize);
    (file.by_ref().take(promised)).read_to_end(&mut values).map_err(read_error)?;
    // The file may have shrunk since its size was asked.
    if values.len() as u64 != promised {
        return Err(wrong_size(path, promised, values.len().to_string(), true));
    }
    Ok(Idx { dims, values })
}

/// The dimensions, and the bytes they promise.
fn parse_header(path: &Path, kind: IdxKind, header: &[u8]) -> Result<(Vec<usize>, u64), DatasetsError> {
    let (words, _) = header.as_chunks::<4>();
    let mut words = words.iter().map(|word| u32::from_be_bytes(*word));
    // A file of another kind may be shorter than this kind's header; its magic number says more than its length.
    match words.next() {
        Some(found) if found != kind.magic() => return Err(wrong_magic(path, kind, found)),
        Some(_) if words.len() == kind.rank() => {}
        _ => {
            return Err(DatasetsError::IdxHeader {
                path: path.to_owned(),
                expected: 4 + 4 * kind.rank(),
                found: header.len(),
            });
        }
    }
    let dims: Vec<u32> = words.collect();
    let refuse =
        |limit: String| DatasetsError::IdxDimensions { path: path.to_owned(), dims: dims.clone(), limit };
    if dims.contains(&0) {
        return Err(refuse("each must be at least 1".into()));
    }
    let promised = (dims.iter())
        .try_fold(1u64, |product, dim| product.checked_mul(u64::from(*dim)))
        .filter(|bytes| *bytes <= MOST_BYTES)
        .ok_or_else(|| refuse(format!("at most {MOST_BYTES} bytes are read")))?;
    let sizes: Result<Vec<usize>, _> = dims.iter().map(|dim| usize::try_from(*dim)).collect();
    let sizes = sizes.map_err(|_| refuse("this machine cannot address as much".into()))?;
    Ok((sizes, promised))
}

fn wrong_magic(path: &Path, kind: IdxKind, found: u32) -> DatasetsError {
    let [zero, zero_too, value, rank] = found.to_be_bytes();
    let meaning = match (kind, found) {
        (IdxKind::Labels, 0x803) => "IDX images".to_owned(),
        (IdxKind::Images, 0x801) => "IDX labels".to_owned(),
        _ if (zero, zero_too) == (0, 0) => {
            let values = match value {
                0x08 => "unsigned bytes",
                0x09 => "signed bytes",
                0x0b => "16-bit integers",
                0x0c => "32-bit integers",
                0x0d => "32-bit floats",
                0x0e => "64-bit floats",
                _ => "values of an unknown kind",
            };
            format!("IDX {values} of rank {rank}")
        }
        _ if found.to_be_bytes().iter().all(|b| b.is_ascii_graphic() || b.is_ascii_whitespace()) => {
            "which is text".to_owned()
        }
        _ => "which is no IDX file".to_owned(),
    };
    let swapped = matches!((kind, found), (IdxKind::Labels, 0x803) | (IdxKind::Images, 0x801));
    DatasetsError::IdxMagic {
        path: path.to_owned(),
        expected: kind.expected(),
        found,
        meaning,
        hint: if swapped {
            "the images file and the labels file are swapped, rename them"
        } else {
            "replace it with the set's own file"
        },
    }
}

fn wrong_size(path: &Path, expected: u64, found: String, short: bool) -> DatasetsError {
    DatasetsError::IdxSize {
        path: path.to_owned(),
        expected,
        found,
        hint: if short {
            "it was cut short, replace it with a whole copy"
        } else {
            "bytes are left over, replace it with a clean copy"
        },
    }
}

//! Which kind of file something is, and how a file is opened.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::ExchangeError;

/// A form in which models are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileFormat {
    /// Our own: safetensors with a description.
    Fireclay,
    /// Safetensors of another program: tensors with names.
    Safetensors,
    /// PyTorch's `.pt` and `.pth`, a ZIP archive with a pickle, or the pickle alone as before version 1.6.
    PyTorch,
    /// Keras 3's `.keras`, a ZIP archive.
    Keras,
    /// HDF5, as Keras 2 wrote whole models and Keras 3 writes weights.
    Hdf5,
    /// ONNX.
    Onnx,
    /// A folder with `config.json`, `model.safetensors` and a tokeniser, as Hugging Face's libraries write it.
    HuggingFace,
}

impl FileFormat {
    const ALL: [FileFormat; 7] = [
        FileFormat::Fireclay,
        FileFormat::Safetensors,
        FileFormat::PyTorch,
        FileFormat::Keras,
        FileFormat::Hdf5,
        FileFormat::Onnx,
        FileFormat::HuggingFace,
    ];

    /// What a file is by how it begins, and a folder by what lies in it; names say nothing.
    ///
    /// # Errors
    /// [`ExchangeError::UnknownFormat`] if it is none of these.
    pub fn of(path: impl AsRef<Path>) -> Result<Self, ExchangeError> {
        let path = path.as_ref();
        let unknown = |found: String| Err(ExchangeError::UnknownFormat { path: path.to_path_buf(), found });
        if path.is_dir() {
            return match path.join("config.json").is_file() {
                true => Ok(FileFormat::HuggingFace),
                false => unknown("a folder without a config.json".into()),
            };
        }
        let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
        let mut file = open(path)?;
        let mut start = Vec::new();
        (&mut file).take(64).read_to_end(&mut start).map_err(wrong)?;
        if start.starts_with(b"PK\x03\x04") {
            return match zipped(file) {
                Some(format) => Ok(format),
                None => unknown(
                    "a ZIP archive with neither the pickle of PyTorch nor the config.json of Keras".into(),
                ),
            };
        }
        if start.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Ok(FileFormat::Hdf5);
        }
        let header = start.first_chunk().map(|length| u64::from_le_bytes(*length));
        if let (Some(length), Some(b'{')) = (header, start.get(8)) {
            return match texts(&mut file, path, length)?.contains("\"fireclay") {
                true => Ok(FileFormat::Fireclay),
                false => Ok(FileFormat::Safetensors),
            };
        }
        match start.as_slice() {
            [] => unknown("an empty file".into()),
            // A pickle of protocol 2 and above.
            [0x80, 2..=5, ..] => Ok(FileFormat::PyTorch),
            // ONNX begins with its IR version.
            [0x08, 1..=32, ..] => Ok(FileFormat::Onnx),
            _ => {
                unknown(format!("it begins with {:?}", String::from_utf8_lossy(&start[..start.len().min(8)])))
            }
        }
    }

    pub(crate) fn listed() -> String {
        FileFormat::ALL.map(|format| format.to_string()).join(", ")
    }
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileFormat::Fireclay => "a Fireclay model",
            FileFormat::Safetensors => "safetensors",
            FileFormat::PyTorch => "a PyTorch file (.pt, .pth)",
            FileFormat::Keras => "a Keras model (.keras)",
            FileFormat::Hdf5 => "HDF5 of Keras (.h5)",
            FileFormat::Onnx => "ONNX",
            FileFormat::HuggingFace => "a Hugging Face folder",
        })
    }
}

/// Of which tool an archive is.
fn zipped(file: File) -> Option<FileFormat> {
    let archive = zip::ZipArchive::new(file).ok()?;
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let has = |name: &str| names.iter().any(|found| found == name);
    if has("config.json") && has("metadata.json") {
        return Some(FileFormat::Keras);
    }
    let is_pickle = |name: &String| name == "data.pkl" || name.ends_with("/data.pkl");
    names.iter().any(is_pickle).then_some(FileFormat::PyTorch)
}

/// The beginning of the header of safetensors, `length` bytes by its own word, as far as the entry that says whose it is: it comes first.
fn texts(file: &mut File, path: &Path, length: u64) -> Result<String, ExchangeError> {
    const MOST: u64 = 256;
    let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(8)).map_err(wrong)?;
    file.take(length.min(MOST)).read_to_end(&mut bytes).map_err(wrong)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Opens a file that is one: a pipe or a device may never end.
pub(crate) fn open(path: &Path) -> Result<File, ExchangeError> {
    let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
    if !std::fs::metadata(path).map_err(wrong)?.is_file() {
        return Err(ExchangeError::NotAFile { path: path.to_path_buf() });
    }
    File::open(path).map_err(wrong)
}

/// Reads a whole file of at most `limit` bytes into memory.
pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, ExchangeError> {
    let wrong = |source| ExchangeError::Read { path: path.to_path_buf(), source };
    let file = open(path)?;
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(wrong)?;
    let found = bytes.len() as u64;
    match found > limit {
        true => Err(ExchangeError::TooLarge {
            path: path.to_path_buf(),
            what: "the file's size in bytes".into(),
            found: std::fs::metadata(path).map_or(found, |metadata| metadata.len()),
            limit,
        }),
        false => Ok(bytes),
    }
}

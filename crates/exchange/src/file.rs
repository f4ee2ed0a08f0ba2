//! Which kind of file something is, and how a file is opened.

use std::fmt;
use std::fs::File;
use std::io::Read;
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

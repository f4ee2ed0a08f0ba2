//! Which kind of file something is, and how a file is opened.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fireclay_store::{SafetensorsFile, map_file};

use crate::ExchangeError;
use crate::format::FileFormat;
use crate::zipped;

impl FileFormat {
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
            return match of_archive(file) {
                Some(format) => Ok(format),
                None => unknown(
                    "a ZIP archive with neither the pickle of PyTorch nor the config.json of Keras".into(),
                ),
            };
        }
        if start.starts_with(b"\x89HDF\r\n\x1a\n") {
            return Ok(FileFormat::Hdf5);
        }
        // Eight bytes say how long a header in JSON is.
        if start.get(8) == Some(&b'{') {
            let bytes = map_file(path)?;
            // What is wrong with it its reader says.
            let texts = SafetensorsFile::read(&bytes).map(|file| file.texts()).unwrap_or_default();
            return Ok(FileFormat::of_texts(&texts.into_iter().collect::<Vec<_>>()));
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
}

/// Of which tool an archive is.
fn of_archive(file: File) -> Option<FileFormat> {
    let archive = zipped::open(file).ok()?;
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let has = |name: &str| names.iter().any(|found| found == name);
    if has("config.json") && has("metadata.json") {
        return Some(FileFormat::Keras);
    }
    let is_pickle = |name: &String| name == "data.pkl" || name.ends_with("/data.pkl");
    names.iter().any(is_pickle).then_some(FileFormat::PyTorch)
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

//! PyTorch's ZIP archives: a pickle with the names, and an entry for each storage.
//!
//! PyTorch packs nothing, so a packed entry is refused, and with it all that unpacks to more than the file is long.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::super::pickle::{MAX_BYTES, Pickle};
use super::{Source, TensorFile, state_dict};
use crate::words::short;
use crate::{ExchangeError, FileFormat, zipped};

const MAX_ENTRIES: usize = 200_000;

/// An open archive.
#[derive(Debug)]
pub(super) struct Archive {
    archive: ZipArchive<BufReader<File>>,
    /// What stands before `data.pkl`.
    root: String,
    length: u64,
}

pub(super) fn read_table(
    path: &Path,
    file: File,
    length: u64,
    key: Option<&str>,
) -> Result<TensorFile, ExchangeError> {
    let malformed = |problem: String| malformed(path, problem);
    let archive =
        zipped::open(BufReader::new(file)).map_err(|error| malformed(format!("no ZIP archive: {error}")))?;
    if archive.has_duplicate_names() {
        return Err(malformed("two entries have one name".into()));
    }
    if archive.len() > MAX_ENTRIES {
        let (found, limit) = (archive.len() as u64, MAX_ENTRIES as u64);
        let what = "the number of entries".into();
        return Err(ExchangeError::TooLarge { path: path.to_path_buf(), what, found, limit });
    }
    let mut roots = Vec::new();
    for name in archive.file_names_raw() {
        let name = std::str::from_utf8(name).map_err(|_| malformed("an entry's name is not UTF-8".into()))?;
        let climbs = name.split('/').any(|part| part == "..");
        if climbs || name.starts_with('/') || name.contains(['\\', '\0', ':']) {
            return Err(malformed(format!("'{}' is no name of an entry", short(name))));
        }
        if let Some(root) =
            name.strip_suffix("data.pkl").filter(|root| root.is_empty() || root.ends_with('/'))
        {
            roots.push(root.to_owned());
        }
    }
    let [root] = roots.as_slice() else {
        let problem = match roots.len() {
            0 => "there is no data.pkl in the archive, which torch.save would have written".into(),
            count => format!("there are {count} entries data.pkl, expected one"),
        };
        return Err(malformed(problem));
    };
    let mut archive = Archive { archive, root: root.clone(), length };
    if let Some(order) = archive.entry(path, "byteorder", 16)?
        && order.trim_ascii() != b"little"
    {
        return Err(malformed(format!("its numbers are {}-endian", short(&String::from_utf8_lossy(&order)))));
    }
    let pickle = archive.entry(path, "data.pkl", MAX_BYTES)?.unwrap_or_default();
    let (pickle, _) = Pickle::read(&pickle).map_err(|error| state_dict::pickle_error(path, error))?;
    let chosen = state_dict::choose(path, &pickle, key)?;
    let file = TensorFile::new(path, FileFormat::PyTorch, chosen.tensors, Source::Archive(archive))?;
    Ok(TensorFile { key: chosen.key, ignored: chosen.ignored, ..file })
}

fn malformed(path: &Path, problem: String) -> ExchangeError {
    ExchangeError::Malformed { path: path.to_path_buf(), format: FileFormat::PyTorch, problem }
}

impl Archive {
    /// The bytes of a storage.
    pub(super) fn storage(&mut self, path: &Path, key: &str) -> Result<Vec<u8>, ExchangeError> {
        let length = self.length;
        match self.entry(path, &format!("data/{key}"), length)? {
            Some(bytes) => Ok(bytes),
            None => Err(malformed(path, format!("the storage '{}' is not in the file", short(key)))),
        }
    }

    /// The bytes of an entry, if there is one of that name. Its checksum is compared.
    fn entry(&mut self, path: &Path, name: &str, limit: u64) -> Result<Option<Vec<u8>>, ExchangeError> {
        let Some(index) = self.archive.index_for_name(&format!("{}{name}", self.root)) else {
            return Ok(None);
        };
        let wrong = |problem: String| malformed(path, format!("its entry {}: {problem}", short(name)));
        let entry = self.archive.by_index(index).map_err(|error| wrong(error.to_string()))?;
        let size = entry.size();
        if entry.compression() != CompressionMethod::Stored || entry.compressed_size() != size {
            return Err(wrong("it is packed, and PyTorch packs nothing".into()));
        }
        if size > self.length {
            return Err(wrong(format!("it has {size} bytes, and the file {}", self.length)));
        }
        if size > limit {
            let what = format!("the size of {} in bytes", short(name));
            return Err(ExchangeError::TooLarge { path: path.to_path_buf(), what, found: size, limit });
        }
        let mut bytes = Vec::with_capacity(size as usize);
        entry.take(size + 1).read_to_end(&mut bytes).map_err(|error| wrong(error.to_string()))?;
        match bytes.len() as u64 == size {
            true => Ok(Some(bytes)),
            false => Err(wrong(format!("{size} bytes were expected, and there are {}", bytes.len()))),
        }
    }
}

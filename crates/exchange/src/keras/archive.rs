//! `.keras` files: a ZIP archive of three entries, read and written within limits.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::hdf5::{Problem, malformed};
use crate::zipped;

/// Assets of vocabularies lie in the archive as well, a few for each layer.
const MOST_ENTRIES: usize = 10_000;

/// Weights pack little; a description packs well.
const MOST_PER_PACKED_BYTE: u64 = 100;

pub(super) const CONFIG: &str = "config.json";
pub(super) const METADATA: &str = "metadata.json";
pub(super) const WEIGHTS: &str = "model.weights.h5";

/// An archive in memory.
pub(super) struct Archive(ZipArchive<Cursor<Vec<u8>>>);

impl Archive {
    pub(super) fn read(bytes: Vec<u8>) -> Result<Self, Problem> {
        let archive = match zipped::open(Cursor::new(bytes)) {
            Ok(archive) => archive,
            Err(error) => return malformed(format!("the ZIP archive cannot be read: {error}")),
        };
        if archive.has_duplicate_names() {
            return malformed("the archive has two entries of one name");
        }
        if archive.len() > MOST_ENTRIES {
            let found = archive.len() as u64;
            return Err(Problem::TooLarge {
                what: "the number of entries".into(),
                found,
                limit: MOST_ENTRIES as u64,
            });
        }
        // No entry is ever written anywhere; a name like this is still nobody's honest work.
        let odd = |name: &[u8]| {
            let name = String::from_utf8_lossy(name).replace('\\', "/");
            name.starts_with('/') || name.contains('\0') || name.split('/').any(|part| part == "..")
        };
        if let Some(name) = archive.file_names_raw().find(|name| odd(name)) {
            let name: String = name.escape_ascii().to_string().chars().take(80).collect();
            return malformed(format!("the archive has an entry '{name}', which leads out of it"));
        }
        Ok(Archive(archive))
    }

    /// The bytes of an entry, at most `limit` of them.
    pub(super) fn entry(&mut self, name: &str, limit: u64) -> Result<Vec<u8>, Problem> {
        let Some(index) = self.0.index_for_name(name) else {
            return malformed(format!("the archive has no entry '{name}'"));
        };
        let entry = match self.0.by_index(index) {
            Ok(entry) => entry,
            Err(error) => return malformed(format!("the entry '{name}' cannot be read: {error}")),
        };
        let (size, packed) = (entry.size(), entry.compressed_size());
        if size > limit {
            return Err(Problem::TooLarge {
                what: format!("the size of '{name}' in bytes"),
                found: size,
                limit,
            });
        }
        let most = packed.saturating_mul(MOST_PER_PACKED_BYTE);
        if size > most {
            return Err(Problem::TooLarge {
                what: format!("what '{name}' unpacks to"),
                found: size,
                limit: most,
            });
        }
        let mut bytes = Vec::new();
        // One byte more than promised, which also makes the reader compare the checksum.
        match entry.take(size + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() as u64 == size => Ok(bytes),
            Ok(_) => malformed(format!("the entry '{name}' does not have the {size} bytes that it promises")),
            Err(error) => malformed(format!("the entry '{name}' cannot be unpacked: {error}")),
        }
    }
}

/// Writes an archive whose entries are stored as they are, as Keras does.
pub(super) fn write(entries: &[(&str, &[u8])]) -> std::io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // No time, so that the same model gives the same bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in entries {
        writer.start_file(*name, options.large_file(bytes.len() as u64 > u64::from(u32::MAX)))?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}

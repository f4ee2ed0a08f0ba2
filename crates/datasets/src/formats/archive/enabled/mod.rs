//! Unpacking, with the crates `tar` and `flate2`.

mod entries;
mod extension;
mod name;
mod stream;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{ArchiveLimits, Each};
use crate::DatasetsError;
use stream::Stream;

/// Small archives may unpack to this much whatever they unpack from: headers of short files are nearly all zeros.
const ALWAYS_BYTES: u64 = 1 << 24;

impl ArchiveLimits {
    /// How far an archive file of `file_bytes` may unpack.
    fn unpacked(&self, file_bytes: u64) -> u64 {
        self.total_bytes.min(file_bytes.saturating_mul(self.ratio).saturating_add(ALWAYS_BYTES))
    }
}

/// See [`read_archive`](super::read_archive).
pub(super) fn read(
    path: &Path,
    limits: &ArchiveLimits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut Each<'_>,
) -> Result<(), DatasetsError> {
    let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
    // Before opening: opening a pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(read_error)?;
    if !metadata.is_file() {
        return Err(DatasetsError::NotAFile {
            path: path.to_owned(),
            expected: "a tar archive, plain or gzip",
        });
    }
    let mut file = BufReader::with_capacity(1 << 16, File::open(path).map_err(read_error)?);
    let is_gzip = file.fill_buf().map_err(read_error)?.starts_with(&[0x1f, 0x8b]);
    let most = limits.unpacked(metadata.len());
    if !is_gzip {
        return entries::read(Stream::plain(path, file, most), limits, wanted, each);
    }
    std::thread::scope(|scope| {
        // Dropping the stream, as on an error, ends the thread that fills it.
        let stream = Stream::gzip(path, file, most, scope)?;
        entries::read(stream, limits, wanted, each)
    })
}

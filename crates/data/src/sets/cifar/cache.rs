//! A set in the cache: the archive as it was downloaded, and beside it its files unpacked, for the next start.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::layout::Layout;
use super::place::{read_packed, unpacked};
use super::records::{Content, Split, read as read_records};
use crate::DataError;
use crate::download::{DownloadProgress, fetch, lock};

/// Reads the published set, from its unpacked files if they are as published, else from the archive.
pub(super) fn read(
    layout: &'static Layout,
    column: usize,
    cache: &Path,
    progress: &dyn Fn(DownloadProgress<'_>),
) -> Result<[Split; 2], DataError> {
    let home = cache.join(layout.cache);
    let place = home.join(layout.folder);
    // Whatever is wrong with unpacked files, the archive has them again.
    if let Ok(Some(contents)) = unpacked(layout, &place)
        && let Ok(splits) = read_records(layout, column, contents)
        && splits.iter().all(|split| split.is_published)
    {
        return Ok(splits);
    }
    let archive = fetch(&layout.remote_file(), &home, progress)?;
    let (contents, _) = read_packed(layout, column, &archive)?;
    // They only save time: a cache that is full or cannot be written still has the archive.
    let _ = keep(layout, &place, &contents);
    read_records(layout, column, contents)
}

/// Writes the files of the archive into `place`, each under another name until it is whole.
fn keep(layout: &Layout, place: &Path, contents: &[Content]) -> io::Result<()> {
    fs::create_dir_all(place)?;
    let _lock = lock(&place.join(".unpack.lock")).map_err(io::Error::other)?;
    for (file, content) in layout.files.iter().zip(contents) {
        let Content::Memory(_, bytes) = content else { continue };
        let part = place.join(format!("{}.part", file.name));
        // Left behind by a process that was killed, or a link that must not be written through.
        if fs::symlink_metadata(&part).is_ok() {
            fs::remove_file(&part)?;
        }
        let written = (OpenOptions::new().write(true).create_new(true).open(&part))
            .and_then(|mut out| out.write_all(bytes))
            .and_then(|()| fs::rename(&part, place.join(file.name)));
        if let Err(error) = written {
            // So that a full disk is not left fuller.
            let _ = fs::remove_file(&part);
            return Err(error);
        }
    }
    Ok(())
}

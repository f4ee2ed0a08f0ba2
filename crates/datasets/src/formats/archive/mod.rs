//! Files out of a tar archive, plain or gzip, into memory.
//!
//! An archive is read once, from its beginning to its end, and what is wanted is handed over file by file. Nothing is
//! ever written, so a name in an archive is only compared, never opened; and yet an archive whose names would do harm
//! elsewhere (absolute, through `..` or through a link) is refused, because no published set has such names.
//!
//! The `tar` crate parses headers. Walking from one to the next is done here: the crate's own iterator reads extended
//! headers into memory as long as they claim to be, and even where it leaves them alone (`raw`) it answers a block that is
//! cut short, a wrong checksum and a size beyond 64 bits alike, with a text and without the place; its reader of PAX
//! records parts them at line feeds, which values may hold.

#[cfg_attr(feature = "archives", path = "enabled/mod.rs")]
#[cfg_attr(not(feature = "archives"), path = "disabled.rs")]
mod unpack;

use std::path::Path;

use crate::DatasetsError;

/// Takes the name and the content of a file.
type Each<'a> = dyn FnMut(&str, Vec<u8>) -> Result<(), DatasetsError> + 'a;

/// How much an archive may hold; checked while it is unpacked, before memory is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries of any kind, extended headers included.
    pub entries: u64,
    /// Bytes of one wanted file.
    pub entry_bytes: u64,
    /// Bytes of the whole archive once it is unpacked.
    pub total_bytes: u64,
    /// Bytes that each byte of the file may unpack to, on average, beyond the first 16 MiB.
    pub ratio: u64,
}

/// Hands every regular file of the tar archive at `path` whose name is `wanted` to `each`, in the archive's order.
///
/// The archive may be plain or gzip (told apart by content, not by name); gzip is unpacked on a thread of its own while
/// this one reads. Names have `/` between folders and are without `./` and trailing `/`. Memory stays within one file
/// and [`ArchiveLimits`].
///
/// ```
/// use fireclay_datasets::{ArchiveLimits, read_archive};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("set.tar");
/// let mut archive = tar::Builder::new(std::fs::File::create(&path)?);
/// for (name, content) in [("set/a.txt", "wanted"), ("set/b.bin", "other")] {
///     let mut header = tar::Header::new_ustar();
///     header.set_size(content.len() as u64);
///     archive.append_data(&mut header, name, content.as_bytes())?;
/// }
/// archive.finish()?;
///
/// let limits = ArchiveLimits { entries: 10, entry_bytes: 1_000, total_bytes: 100_000, ratio: 100 };
/// let mut found = Vec::new();
/// read_archive(&path, &limits, &|name| name.ends_with(".txt"), &mut |name, content| {
///     found.push((name.to_owned(), content));
///     Ok(())
/// })?;
/// assert_eq!(found, [("set/a.txt".to_owned(), b"wanted".to_vec())]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`DatasetsError::Archive`] if the archive is damaged, cut short or too large, holds a wanted name twice or as anything
/// but a regular file, or has names that lead out of it; [`DatasetsError::MissingFeature`] without the feature `archives`; [`DatasetsError::Read`] if the file cannot be read; and whatever
/// `each` returns.
pub fn read_archive(
    path: &Path,
    limits: &ArchiveLimits,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut Each<'_>,
) -> Result<(), DatasetsError> {
    unpack::read(path, limits, wanted, each)
}

//! Writing a file so that nobody ever sees half of it.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file whole or not at all: `write` fills a temporary file in the same folder, which is flushed to the disk
/// and renamed. Whoever opens `path` meanwhile finds what was there before; a crash at any moment leaves that file, and at
/// worst a temporary file named `.NAME.*.partial`.
///
/// ```
/// use fireclay_data::write_atomically;
///
/// # fn main() -> std::io::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("fireclay-atomic-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # let path = folder.join("notes.txt");
/// write_atomically(&path, |out| writeln!(out, "first"))?;
/// let broken = write_atomically(&path, |out| {
///     writeln!(out, "sec")?;
///     Err(std::io::Error::other("interrupted"))
/// });
/// assert!(broken.is_err());
/// assert_eq!(std::fs::read_to_string(&path)?, "first\n");
/// # std::fs::remove_dir_all(&folder)
/// # }
/// ```
///
/// # Errors
/// Those of the operating system, those of `write`, and a path that names no file; the temporary file is gone then.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let path = path.as_ref();
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let prefix = format!(".{}.", name.to_string_lossy());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix).suffix(".partial");
    #[cfg(unix)]
    {
        // Temporary files are private otherwise; the user's umask still applies.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut buffered = io::BufWriter::new(builder.tempfile_in(folder)?);
    write(&mut buffered)?;
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself reaches the disk with the folder; where folders cannot be opened, it does so by itself.
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

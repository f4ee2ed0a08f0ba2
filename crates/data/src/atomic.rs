//! Writing a file so that nobody ever sees half of it.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
/// A link is followed, and a file that is replaced keeps its rights. What is there and is no regular file stays as it is: a
/// device, a pipe, a folder; so does a file that may not be written to.
///
/// # Errors
/// Those of the operating system, those of `write`, and a path where no regular file can be; the temporary file is gone then.
pub fn write_atomically(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    write_as(Place::of(path.as_ref())?, write)
}

/// As [`write_atomically`], for secrets: the file may be read and written by its owner alone, also where another one was before.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn write_privately(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let place = Place::of(path.as_ref())?;
    #[cfg(unix)]
    let place = {
        use std::os::unix::fs::PermissionsExt;
        Place { permissions: Some(Permissions::from_mode(0o600)), ..place }
    };
    write_as(place, write)
}

fn write_as(place: Place, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = io::BufWriter::new(place.temporary()?);
    write(&mut buffered)?;
    let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(&place.path).map_err(|error| error.error)?;
    // The rename itself reaches the disk with the folder; where folders cannot be opened, it does so by itself.
    if let Ok(folder) = File::open(place.folder()) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Whether [`write_atomically`] could write there, before the work whose result is to be written: a temporary file is made and
/// removed. Nothing that is there changes.
///
/// # Errors
/// Those of [`write_atomically`].
pub fn check_writable(path: impl AsRef<Path>) -> io::Result<()> {
    Place::of(path.as_ref())?.temporary().map(drop)
}

/// More links than this, one after the other, go in a circle.
const MOST_LINKS: usize = 40;

/// Where a file is written.
struct Place {
    /// Past all links.
    path: PathBuf,
    /// Of the file that is there, or that the new one gets.
    #[cfg_attr(not(unix), allow(dead_code, reason = "other systems have no rights to keep"))]
    permissions: Option<Permissions>,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let path = past_links(path)?;
        if path.file_name().is_none() {
            return Err(io::Error::other("the path names no file"));
        }
        let permissions = match std::fs::metadata(&path) {
            Ok(found) if found.is_dir() => return Err(io::Error::other("it is a folder")),
            Ok(found) if !found.is_file() => {
                return Err(io::Error::other("it is a device, a pipe or a socket, not a regular file"));
            }
            Ok(found) if found.permissions().readonly() => {
                return Err(io::Error::other("the file that is there may only be read"));
            }
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(Place { path, permissions })
    }

    fn folder(&self) -> &Path {
        match self.path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let name = self.path.file_name().unwrap_or_default();
        let prefix = format!(".{}.", name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".partial");
        #[cfg(unix)]
        {
            // Temporary files are private otherwise; the user's umask still applies.
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(Permissions::from_mode(0o666));
        }
        let file = builder.tempfile_in(self.folder())?;
        #[cfg(unix)]
        if let Some(permissions) = &self.permissions {
            file.as_file().set_permissions(permissions.clone())?;
        }
        Ok(file)
    }
}

/// What a path leads to, past links, whether or not there is a file at the end.
fn past_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MOST_LINKS {
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_symlink() => {
                let to = std::fs::read_link(&path)?;
                path = path.parent().unwrap_or(Path::new("")).join(to);
            }
            _ => return Ok(path),
        }
    }
    Err(io::Error::other("links lead in a circle"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn write(path: &Path) -> io::Result<()> {
        let written = write_atomically(path, |out| out.write_all(b"new"));
        assert_eq!(written.is_ok(), check_writable(path).is_ok(), "{path:?}");
        written
    }

    #[test]
    fn links_are_followed_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("there")).unwrap();
        std::fs::write(at("there/file"), "old").unwrap();
        symlink("there/file", at("relative")).unwrap();
        symlink(at("relative"), at("twice")).unwrap();
        symlink(at("there/later"), at("dangling")).unwrap();
        symlink(at("circle"), at("circle")).unwrap();
        for (link, file) in [("twice", "there/file"), ("dangling", "there/later")] {
            write(&at(link)).unwrap();
            assert!(std::fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
            assert_eq!(std::fs::read(at(file)).unwrap(), b"new", "{link}");
        }
        assert!(write(&at("circle")).is_err());
    }

    #[test]
    fn secrets_are_their_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        for before in [None, Some(0o644)] {
            if let Some(mode) = before {
                std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            }
            write_privately(&path, |out| out.write_all(b"new")).unwrap();
            assert_eq!((std::fs::read(&path).unwrap(), mode()), (b"new".to_vec(), 0o600));
        }
    }

    #[test]
    fn what_is_no_regular_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let message = write(&pipe).unwrap_err().to_string();
        assert!(message.contains("a pipe"), "{message}");
        assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo());
        // A device of our own would need a superuser; one that is only looked at does as well.
        assert!(check_writable("/dev/null").is_err());
        assert!(write(folder.path()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    #[test]
    fn rights_are_kept_and_a_file_that_may_only_be_read_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (mode, is_written) in [(0o600, true), (0o664, true), (0o444, false)] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(write(&path).is_ok(), is_written, "{mode:o}");
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }
}

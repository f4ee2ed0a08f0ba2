//! Writing a file so that nobody ever sees half of it.

use std::path::Path;

use crate::StoreError;

/// Writes a file whole or not at all: into a temporary file in the same folder, flushed to the disk, then renamed.
///
/// A crash at any moment leaves the file that was there before, and at worst a temporary file named
/// `.NAME.*.partial`.
///
/// # Errors
/// [`StoreError::Write`] with the path, for a missing folder, a full disk or missing rights.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    fireclay_data::write_atomically(path, |out| out.write_all(bytes))
        .map_err(|source| StoreError::Write { path: path.to_path_buf(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_the_whole_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fireclay");
        write_atomically(&path, b"first, and longer").unwrap();
        write_atomically(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"second");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none/a.fireclay");
        let message = write_atomically(&path, b"x").unwrap_err().to_string();
        assert!(message.contains("none/a.fireclay") && message.contains("cannot write"), "{message}");
    }

    #[test]
    fn a_folder_in_the_way_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.fireclay");
        std::fs::create_dir(&path).unwrap();
        assert!(write_atomically(&path, b"x").is_err());
        assert!(path.is_dir());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }
}

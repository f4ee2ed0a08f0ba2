//! The part of a file that has arrived, and the note beside it that says what it is a part of.
//!
//! `NAME.part` holds the bytes. `NAME.part.etag` holds the address and the server's validator (ETag) of the version
//! they belong to; without it, or with another address, a part is not continued but fetched anew.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fireclay_data::sha256;

use super::http::looks_like_html;
use crate::DatasetsError;

pub(super) struct Part {
    bytes: PathBuf,
    note: PathBuf,
}

impl Part {
    pub(super) fn new(target: &Path) -> Self {
        let with = |ending: &str| {
            let mut path = target.as_os_str().to_owned();
            path.push(ending);
            PathBuf::from(path)
        };
        Self { bytes: with(".part"), note: with(".part.etag") }
    }

    /// How many bytes are here of the file at `url`, and of which version; `None` if there is nothing to continue.
    pub(super) fn resumable(&self, url: &str, total: u64) -> Result<Option<(u64, String)>, DatasetsError> {
        let Some(have) = absent_is_none(std::fs::metadata(&self.bytes), &self.bytes)? else {
            return Ok(None);
        };
        let mut note = String::new();
        if let Some(file) = absent_is_none(File::open(&self.note), &self.note)? {
            // A note that cannot be read as text is as good as none.
            let _ = file.take(1 << 16).read_to_string(&mut note);
        }
        let mut lines = note.lines();
        let same_url = lines.next() == Some(url);
        let etag = lines.next().filter(|etag| etag.starts_with('"'));
        let usable = have.is_file() && (1..=total).contains(&have.len());
        match etag {
            Some(etag) if same_url && usable => Ok(Some((have.len(), etag.to_owned()))),
            _ => Ok(None),
        }
    }

    /// Empties the part and notes what will arrive.
    pub(super) fn begin(&self, url: &str, etag: Option<&str>) -> Result<(), DatasetsError> {
        self.discard()?;
        if let Some(etag) = etag {
            std::fs::write(&self.note, format!("{url}\n{etag}\n")).map_err(super::write_error(&self.note))?;
        }
        Ok(())
    }

    /// Opens the part to write from byte `offset` on.
    pub(super) fn append(&self, offset: u64) -> Result<PartWriter<'_>, DatasetsError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        let file = options.open(&self.bytes).map_err(super::write_error(&self.bytes))?;
        file.set_len(offset).map_err(super::write_error(&self.bytes))?;
        Ok(PartWriter { file, path: &self.bytes })
    }

    pub(super) fn sha256(&self) -> Result<String, DatasetsError> {
        sha256::of_file(&self.bytes).map_err(self.read_error())
    }

    pub(super) fn looks_like_html(&self) -> Result<bool, DatasetsError> {
        let file = File::open(&self.bytes).map_err(self.read_error())?;
        let mut start = Vec::new();
        file.take(512).read_to_end(&mut start).map_err(self.read_error())?;
        Ok(looks_like_html(&start))
    }

    pub(super) fn discard(&self) -> Result<(), DatasetsError> {
        for path in [&self.bytes, &self.note] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(super::write_error(path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the complete, verified part its name.
    pub(super) fn publish(&self, target: &Path) -> Result<(), DatasetsError> {
        std::fs::rename(&self.bytes, target).map_err(super::write_error(target))?;
        if cfg!(unix)
            && let Some(folder) = target.parent()
        {
            // So that the name outlives a power cut. Its failure loses nothing: the file would be fetched again.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        self.discard()
    }

    fn read_error(&self) -> impl Fn(io::Error) -> DatasetsError {
        let path = self.bytes.clone();
        move |source| DatasetsError::Read { path: path.clone(), source }
    }
}

pub(super) struct PartWriter<'a> {
    file: File,
    path: &'a Path,
}

impl PartWriter<'_> {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DatasetsError> {
        self.file.write_all(bytes).map_err(super::write_error(self.path))
    }

    pub(super) fn sync(self) -> Result<(), DatasetsError> {
        self.file.sync_all().map_err(super::write_error(self.path))
    }
}

fn absent_is_none<T>(outcome: io::Result<T>, path: &Path) -> Result<Option<T>, DatasetsError> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DatasetsError::Read { path: path.to_owned(), source }),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Every write to `/dev/full` fails as on a full disk.
    #[test]
    fn a_full_disk_is_named() {
        let path = Path::new("/dev/full");
        let mut writer = PartWriter { file: OpenOptions::new().write(true).open(path).unwrap(), path };
        let message = writer.write(b"bytes").unwrap_err().to_string();
        assert!(message.contains("cannot write /dev/full") && message.contains("free space"), "{message}");
    }
}

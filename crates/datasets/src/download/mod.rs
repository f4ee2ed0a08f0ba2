//! Fetching published files: verified, resumed, and never visible half-written.
//!
//! A file arrives in `NAME.part` beside its place, is compared with the digest this crate was built with, and only
//! then takes its name. What the cache holds is compared again before every use. One process downloads at a time; a
//! second one waits for it and finds the file.

#[cfg_attr(feature = "download", path = "enabled/mod.rs")]
#[cfg_attr(not(feature = "download"), path = "disabled.rs")]
mod transfer;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fireclay_data::sha256;
use http::{Client, Part206};
use part::Part;

use crate::DatasetsError;
use crate::error::{MirrorFailure, MirrorProblem};

/// A published file: its name, what it must hold, and where it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteFile {
    /// The name it gets in the cache: a plain file name.
    pub name: String,
    /// SHA-256 of its content, in lower-case hexadecimal.
    pub sha256: String,
    /// Its size. Not one byte more is ever read.
    pub bytes: u64,
    /// Where it is served, tried in this order. Plain `http` is used only where it is written here.
    pub urls: Vec<String>,
}

/// How far a download has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DownloadProgress<'a> {
    /// The file's name.
    pub file: &'a str,
    /// Bytes of it that are here, those of an earlier, interrupted download included.
    pub bytes: u64,
    /// Its size.
    pub total_bytes: u64,
    /// Bytes received per second since this download began.
    pub bytes_per_s: f64,
}

/// How patient a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchOptions {
    /// How long a server may take to accept a connection. Once one mirror has used it up, the others get a third.
    pub connect_timeout: Duration,
    /// How long a server may be silent.
    pub silence_timeout: Duration,
    /// How often a mirror is asked when it answers with an error of its own (5xx) or breaks off; at least once.
    pub tries: u32,
    /// The pause before the second try; it doubles with each further one.
    pub backoff: Duration,
}

impl Default for FetchOptions {
    /// 10 s to connect, 30 s of silence, 4 tries, 250 ms before the second.
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            silence_timeout: Duration::from_secs(30),
            tries: 4,
            backoff: Duration::from_millis(250),
        }
    }
}

/// Makes sure that `folder` holds `file` as published, downloading it if need be, and returns its path.
///
/// # Errors
/// [`DatasetsError::Download`] with every mirror's reason, or [`DatasetsError::Write`] and [`DatasetsError::Read`] if the folder
/// cannot be used.
pub fn fetch(
    file: &RemoteFile,
    folder: &Path,
    progress: &dyn Fn(DownloadProgress<'_>),
) -> Result<PathBuf, DatasetsError> {
    fetch_with(file, folder, progress, FetchOptions::default())
}

/// [`fetch`] with another patience.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_with(
    file: &RemoteFile,
    folder: &Path,
    progress: &dyn Fn(DownloadProgress<'_>),
    options: FetchOptions,
) -> Result<PathBuf, DatasetsError> {
    let is_plain = Path::new(&file.name).file_name() == Some(file.name.as_ref());
    if !is_plain || file.name.contains(['/', '\\', '\0', ':']) {
        return Err(DatasetsError::FileName { name: file.name.clone() });
    }
    let target = folder.join(&file.name);
    if holds(&target, file)? {
        return Ok(target);
    }
    std::fs::create_dir_all(folder).map_err(write_error(folder))?;
    let _lock = lock(&folder.join(format!(".{}.lock", file.name)))?;
    // Another process may have fetched it while this one waited.
    if holds(&target, file)? {
        return Ok(target);
    }
    transfer::run(file, &target, progress, options)?;
    Ok(target)
}

/// Whether `path` is a file with the published content.
fn holds(path: &Path, file: &RemoteFile) -> Result<bool, DatasetsError> {
    let outcome = match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            return Err(DatasetsError::NotAFile {
                path: path.to_owned(),
                expected: "a downloaded file, or nothing",
            });
        }
        Ok(metadata) if metadata.len() != file.bytes => Ok(false),
        Ok(_) => sha256::of_file(path).map(|found| found == file.sha256),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    outcome.map_err(|source| DatasetsError::Read { path: path.to_owned(), source })
}

/// Held until dropped, or until this process ends however it ends.
pub(crate) fn lock(path: &Path) -> Result<File, DatasetsError> {
    let file = (OpenOptions::new().create(true).append(true).open(path)).map_err(write_error(path))?;
    loop {
        match file.lock() {
            Ok(()) => return Ok(file),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // Some network file systems have no locks; the rename at the end keeps the result whole without one.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => return Ok(file),
            Err(source) => return Err(write_error(path)(source)),
        }
    }
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> DatasetsError {
    let path = path.to_owned();
    move |source| DatasetsError::Write { path: path.clone(), source }
}

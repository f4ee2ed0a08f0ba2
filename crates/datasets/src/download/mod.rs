//! Fetching published files: verified, resumed, and never visible half-written.
//!
//! A file arrives in `NAME.part` beside its place, is compared with the digest this crate was built with, and only
//! then takes its name. What the cache holds is compared again before every use. One process downloads at a time; a
//! second one waits for it and finds the file.

mod http;
mod part;

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

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
    let mut download = Download {
        file,
        part: Part::new(&target),
        client: Client::new(options),
        options,
        progress,
        start: Instant::now(),
        received: 0,
    };
    download.run()?;
    download.part.publish(&target)?;
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

/// Why an attempt ended without the file.
enum Trouble {
    /// This disk's fault: no mirror can help.
    Disk(DatasetsError),
    /// Worth asking the same mirror again.
    Passing(MirrorProblem),
    /// Not worth it.
    Lasting(MirrorProblem),
}

impl From<DatasetsError> for Trouble {
    fn from(error: DatasetsError) -> Self {
        Trouble::Disk(error)
    }
}

struct Download<'a> {
    file: &'a RemoteFile,
    part: Part,
    client: Client,
    options: FetchOptions,
    progress: &'a dyn Fn(DownloadProgress<'_>),
    start: Instant,
    received: u64,
}

impl Download<'_> {
    /// Fills the part file with verified content.
    fn run(&mut self) -> Result<(), DatasetsError> {
        let mut failures = Vec::new();
        for url in &self.file.urls {
            match self.ask_mirror(url) {
                Ok(()) => return Ok(()),
                Err(Trouble::Disk(error)) => return Err(error),
                Err(Trouble::Passing(problem) | Trouble::Lasting(problem)) => {
                    failures.push(MirrorFailure { url: url.clone(), problem });
                }
            }
        }
        Err(DatasetsError::Download { file: self.file.name.clone(), failures })
    }

    fn ask_mirror(&mut self, url: &str) -> Result<(), Trouble> {
        let mut pause = self.options.backoff;
        let mut tries_left = self.options.tries.max(1);
        loop {
            tries_left -= 1;
            match self.attempt(url) {
                Err(Trouble::Passing(_)) if tries_left > 0 => {
                    std::thread::sleep(pause);
                    pause = pause.saturating_mul(2);
                }
                outcome => return outcome,
            }
        }
    }

    /// One request, for the whole file or for what is missing of it.
    fn attempt(&mut self, url: &str) -> Result<(), Trouble> {
        let resume = self.part.resumable(url, self.file.bytes)?;
        let (mut body, offset) = match &resume {
            Some((offset, _)) if *offset == self.file.bytes => {
                return self.verify(true);
            }
            Some((offset, etag)) => {
                let response = self.client.get(url, Some((*offset, etag)))?;
                match http::check_206(&response, *offset, self.file.bytes, etag) {
                    Part206::Continues => (response.into_body(), *offset),
                    Part206::WholeFile => (self.start_over(url, response)?, 0),
                    Part206::Mismatch => {
                        self.part.discard()?;
                        return Err(Trouble::Passing(MirrorProblem::Range { from: *offset }));
                    }
                }
            }
            None => {
                let response = self.client.get(url, None)?;
                (self.start_over(url, response)?, 0)
            }
        };
        self.receive(&mut body.as_reader(), offset)?;
        self.verify(resume.is_some())
    }

    /// Begins the part file anew for a response that carries the whole file.
    fn start_over(&mut self, url: &str, response: http::Response) -> Result<ureq::Body, Trouble> {
        let etag = http::strong_etag(&response);
        let promised = http::content_length(&response);
        let status = response.status().as_u16();
        let mut body = response.into_body();
        if status != 200 {
            return Err(Trouble::Lasting(MirrorProblem::Status { status }));
        }
        match promised {
            Some(found) if found != self.file.bytes => {
                let mut start = Vec::new();
                // Only the message depends on it, so a failure to read is no failure.
                let _ = body.as_reader().take(512.min(self.file.bytes)).read_to_end(&mut start);
                Err(Trouble::Lasting(MirrorProblem::Size {
                    expected: self.file.bytes,
                    found,
                    html: http::looks_like_html(&start),
                }))
            }
            _ => {
                self.part.begin(url, etag.as_deref())?;
                Ok(body)
            }
        }
    }

    /// Appends what arrives to the part file, which holds `offset` bytes, up to the file's size.
    fn receive(&mut self, body: &mut dyn Read, offset: u64) -> Result<(), Trouble> {
        let mut part = self.part.append(offset)?;
        let mut have = offset;
        let mut buffer = vec![0; 1 << 16];
        let outcome = loop {
            self.report(have);
            let missing = usize::try_from(self.file.bytes - have).unwrap_or(usize::MAX);
            let room = missing.min(buffer.len());
            if room == 0 {
                break Ok(());
            }
            match body.read(&mut buffer[..room]) {
                Ok(0) => {
                    break Err(MirrorProblem::Size { expected: self.file.bytes, found: have, html: false });
                }
                Ok(read) => {
                    part.write(&buffer[..read])?;
                    have += read as u64;
                    self.received += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(http::problem(error.into())),
            }
        };
        part.sync()?;
        match outcome {
            Ok(()) => Ok(()),
            Err(MirrorProblem::Size { expected, found, .. }) if self.part.looks_like_html()? => {
                self.part.discard()?;
                Err(Trouble::Lasting(MirrorProblem::Size { expected, found, html: true }))
            }
            Err(problem @ MirrorProblem::Unreachable(_)) => Err(Trouble::Lasting(problem)),
            Err(problem) => Err(Trouble::Passing(problem)),
        }
    }

    /// Compares the complete part file with the published digest; what does not match is deleted.
    fn verify(&mut self, resumed: bool) -> Result<(), Trouble> {
        let found = self.part.sha256()?;
        if found == self.file.sha256 {
            return Ok(());
        }
        let problem = MirrorProblem::Checksum {
            expected: self.file.sha256.clone(),
            found,
            html: self.part.looks_like_html()?,
        };
        self.part.discard()?;
        // The fault may lie in what an earlier run left here.
        Err(if resumed { Trouble::Passing(problem) } else { Trouble::Lasting(problem) })
    }

    fn report(&self, bytes: u64) {
        let seconds = self.start.elapsed().as_secs_f64();
        (self.progress)(DownloadProgress {
            file: &self.file.name,
            bytes,
            total_bytes: self.file.bytes,
            bytes_per_s: self.received as f64 / seconds.max(1e-6),
        });
    }
}

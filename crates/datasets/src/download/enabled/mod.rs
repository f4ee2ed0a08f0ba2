//! The transfer itself, with the crate `ureq`: mirrors in turn, resumed and verified.

mod http;
mod part;

use std::io::{self, Read};
use std::path::Path;
use std::time::Instant;

use super::{DownloadProgress, FetchOptions, RemoteFile, write_error};
use crate::DatasetsError;
use crate::error::{MirrorFailure, MirrorProblem};
use http::{Client, Part206};
use part::Part;

/// Puts the published file at `target`.
pub(super) fn run(
    file: &RemoteFile,
    target: &Path,
    progress: &dyn Fn(DownloadProgress<'_>),
    options: FetchOptions,
) -> Result<(), DatasetsError> {
    let mut download = Download {
        file,
        part: Part::new(target),
        client: Client::new(options),
        options,
        progress,
        start: Instant::now(),
        received: 0,
    };
    download.run()?;
    download.part.publish(target)
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

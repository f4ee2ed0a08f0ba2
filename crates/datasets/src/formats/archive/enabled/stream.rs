//! The bytes of a tar archive in order, counted against a limit, unpacked on another thread where they are packed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope};

use flate2::bufread::GzDecoder;

use crate::DatasetsError;
use crate::error::ArchiveProblem;

/// The unit of tar: headers take one, files are filled up to a multiple.
pub(super) const BLOCK: usize = 512;

/// What is unpacked at a time, and how many of them may wait to be read.
const CHUNK_BYTES: usize = 1 << 17;
const CHUNKS_AHEAD: usize = 4;

/// What memory is taken ahead of the bytes that fill it.
const MOST_AHEAD: u64 = 1 << 24;

/// The bytes of an archive.
pub(super) struct Stream<'a> {
    path: &'a Path,
    input: Input,
    /// Bytes read so far, and how many there may be.
    at: u64,
    most: u64,
}

enum Input {
    Plain(BufReader<File>),
    Gzip(Unpacked),
}

impl<'a> Stream<'a> {
    pub(super) fn plain(path: &'a Path, file: BufReader<File>, most: u64) -> Self {
        Self { path, input: Input::Plain(file), at: 0, most }
    }

    /// Starts a thread that unpacks `file` until it is at its end, or until this stream is dropped.
    pub(super) fn gzip<'scope>(
        path: &'a Path,
        file: BufReader<File>,
        most: u64,
        scope: &'scope Scope<'scope, '_>,
    ) -> Result<Self, DatasetsError> {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        let (give_back, used) = channel();
        (Builder::new().name("unpack".into()).spawn_scoped(scope, move || unpack(file, &sender, &used)))
            .map_err(|source| DatasetsError::Read { path: path.to_owned(), source })?;
        let unpacked = Unpacked { chunks, give_back, chunk: Chunk::default(), read: 0, trailing: None };
        Ok(Self { path, input: Input::Gzip(unpacked), at: 0, most })
    }

    /// How many bytes were read so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn refuse(&self, problem: ArchiveProblem) -> DatasetsError {
        DatasetsError::Archive { path: self.path.to_owned(), problem }
    }

    /// The next block; `None` where the archive ends before it.
    pub(super) fn block(&mut self) -> Result<Option<[u8; BLOCK]>, DatasetsError> {
        let start = self.at;
        self.check(BLOCK as u64)?;
        let mut block = [0; BLOCK];
        let mut filled = 0;
        while filled < BLOCK {
            match self.read(&mut block[filled..])? {
                0 if filled == 0 => return Ok(None),
                0 => return Err(self.refuse(ArchiveProblem::Cut { at: start, expected: "a whole block" })),
                read => filled += read,
            }
        }
        Ok(Some(block))
    }

    /// The next `len` bytes, and past what fills up their last block.
    pub(super) fn bytes(&mut self, len: u64) -> Result<Vec<u8>, DatasetsError> {
        self.check(len)?;
        let mut bytes = Vec::with_capacity(len.min(MOST_AHEAD) as usize);
        let start = self.at;
        let outcome = match &mut self.input {
            Input::Plain(file) => file.take(len).read_to_end(&mut bytes),
            Input::Gzip(unpacked) => unpacked.take(len).read_to_end(&mut bytes),
        };
        self.at += bytes.len() as u64;
        outcome.map_err(|source| self.failed(source))?;
        if bytes.len() as u64 != len {
            return Err(self.refuse(ArchiveProblem::Cut { at: start, expected: "a whole file" }));
        }
        self.skip_exactly(padding(len))?;
        Ok(bytes)
    }

    /// Past `len` bytes and what fills up their last block.
    pub(super) fn skip(&mut self, len: u64) -> Result<(), DatasetsError> {
        self.skip_exactly(len)?;
        self.skip_exactly(padding(len))
    }

    fn skip_exactly(&mut self, len: u64) -> Result<(), DatasetsError> {
        self.check(len)?;
        let start = self.at;
        let mut left = len;
        let mut scratch = [0; 4 * BLOCK];
        while left > 0 {
            let room = left.min(scratch.len() as u64) as usize;
            match self.read(&mut scratch[..room])? {
                0 => return Err(self.refuse(ArchiveProblem::Cut { at: start, expected: "a whole file" })),
                read => left -= read as u64,
            }
        }
        Ok(())
    }

    /// Past the zeros that fill up an archive, to its end; this is also what compares the checksum of gzip.
    pub(super) fn finish(mut self) -> Result<(), DatasetsError> {
        let mut scratch = [0; 4 * BLOCK];
        loop {
            let read = self.read(&mut scratch)?;
            self.check(0)?;
            if scratch.iter().take(read).any(|byte| *byte != 0) {
                return Err(self.refuse(ArchiveProblem::Trailing { after: "archive" }));
            }
            if read == 0 {
                break;
            }
        }
        match &self.input {
            Input::Gzip(Unpacked { trailing: Some(true), .. }) => {
                Err(self.refuse(ArchiveProblem::Trailing { after: "gzip stream" }))
            }
            _ => Ok(()),
        }
    }

    /// Whether `len` more bytes are within the limit.
    fn check(&self, len: u64) -> Result<(), DatasetsError> {
        match self.at.checked_add(len) {
            Some(end) if end <= self.most => Ok(()),
            end => Err(self.refuse(ArchiveProblem::Limit {
                what: "unpacked bytes of the whole archive".into(),
                found: end.unwrap_or(u64::MAX),
                limit: self.most,
            })),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, DatasetsError> {
        loop {
            let outcome = match &mut self.input {
                Input::Plain(file) => file.read(buffer),
                Input::Gzip(unpacked) => unpacked.read(buffer),
            };
            match outcome {
                Ok(read) => {
                    self.at += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    fn failed(&self, source: io::Error) -> DatasetsError {
        match self.input {
            Input::Plain(_) => DatasetsError::Read { path: self.path.to_owned(), source },
            Input::Gzip(_) => self.refuse(ArchiveProblem::Gzip { unpacked: self.at, source }),
        }
    }
}

/// What fills up the last block of `len` bytes.
fn padding(len: u64) -> u64 {
    len.next_multiple_of(BLOCK as u64) - len
}

/// Unpacked bytes on their way: the first `filled` of `memory`.
#[derive(Default)]
struct Chunk {
    memory: Vec<u8>,
    filled: usize,
}

/// What the unpacking thread says.
enum Said {
    Bytes(Chunk),
    Failed(io::Error),
    End { trailing: bool },
}

/// Reads what the unpacking thread sends.
struct Unpacked {
    chunks: Receiver<Said>,
    /// Memory that was read is filled again.
    give_back: Sender<Vec<u8>>,
    chunk: Chunk,
    read: usize,
    /// At the end: whether the file goes on after its gzip stream.
    trailing: Option<bool>,
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.chunk.filled {
            if self.trailing.is_some() {
                return Ok(0);
            }
            match self.chunks.recv() {
                Ok(Said::Bytes(chunk)) => {
                    let used = std::mem::replace(&mut self.chunk, chunk);
                    self.read = 0;
                    // A thread that is done wants no memory.
                    let _ = self.give_back.send(used.memory);
                }
                Ok(Said::Failed(error)) => return Err(error),
                Ok(Said::End { trailing }) => self.trailing = Some(trailing),
                Err(_) => return Err(io::Error::other("the unpacking thread ended")),
            }
        }
        let there = &self.chunk.memory[self.read..self.chunk.filled];
        let len = there.len().min(buffer.len());
        buffer[..len].copy_from_slice(&there[..len]);
        self.read += len;
        Ok(len)
    }
}

/// Unpacks `file` chunk by chunk until its end, or until nobody reads any more.
fn unpack(file: BufReader<File>, sender: &SyncSender<Said>, used: &Receiver<Vec<u8>>) {
    let mut decoder = GzDecoder::new(file);
    loop {
        let mut memory = used.try_recv().unwrap_or_default();
        memory.resize(CHUNK_BYTES, 0);
        let mut filled = 0;
        let mut outcome = Ok(());
        while filled < CHUNK_BYTES {
            match decoder.read(&mut memory[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        // What came before an error is handed over first, so that a lie within it is found.
        if sender.send(Said::Bytes(Chunk { memory, filled })).is_err() {
            return;
        }
        let last = match outcome {
            Err(error) => Said::Failed(error),
            Ok(()) if filled < CHUNK_BYTES => match decoder.into_inner().fill_buf() {
                Ok(rest) => Said::End { trailing: !rest.is_empty() },
                Err(error) => Said::Failed(error),
            },
            Ok(()) => continue,
        };
        // Nobody may be reading any more, which is no failure.
        let _ = sender.send(last);
        return;
    }
}

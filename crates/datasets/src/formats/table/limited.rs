//! A reader that ends with an error once a row has grown too long.
//!
//! The CSV parser collects a row before it hands it over; this stands between it and the file, and is told where each
//! row begins.

use std::io::{self, Read};

pub(super) struct Limited<R> {
    input: R,
    /// Bytes handed out.
    total: u64,
    /// How far this row may reach.
    until: u64,
    /// What was handed out last, and the byte before it.
    chunk: Vec<u8>,
    before: u8,
    pub(super) exceeded: bool,
    /// Whether the end of the file was met.
    pub(super) ended: bool,
    pub(super) quotes: u64,
}

impl<R: Read> Limited<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            total: 0,
            until: 0,
            chunk: Vec::new(),
            before: 0,
            exceeded: false,
            ended: false,
            quotes: 0,
        }
    }

    /// The next row begins at byte `start` and has `limit` bytes at most.
    pub(super) fn begin_row(&mut self, start: u64, limit: usize) {
        self.until = start.saturating_add(limit as u64);
    }

    /// Whether the byte before `position` ends a line; `position` is one that the parser has just reached.
    pub(super) fn ended_line(&self, position: u64) -> bool {
        let start = self.total - self.chunk.len() as u64;
        match position.checked_sub(start) {
            Some(0) | None => self.before == b'\n',
            Some(after) => self.chunk.get(after as usize - 1) == Some(&b'\n'),
        }
    }
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        // What was handed out before is used up, and the row still goes on.
        if self.total > self.until {
            self.exceeded = true;
            return Err(io::Error::other("the row is too long"));
        }
        let read = self.input.read(out)?;
        let bytes = out.get(..read).unwrap_or_default();
        // At the end of the file the last chunk stays, for the last row's line.
        if bytes.is_empty() {
            self.ended = true;
        } else {
            self.before = self.chunk.last().copied().unwrap_or(0);
            self.chunk.clear();
            self.chunk.extend_from_slice(bytes);
        }
        self.total += bytes.len() as u64;
        self.quotes += bytes.iter().filter(|byte| **byte == b'"').count() as u64;
        Ok(read)
    }
}

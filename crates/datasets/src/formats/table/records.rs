//! The rows of a table, each checked before it is handed on.

use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::TableProblem;
use super::limited::Limited;
use super::options::Format;
use crate::DatasetsError;

const MOST_COLUMNS: usize = 1 << 16;
const BUFFER_BYTES: usize = 1 << 16;

pub(super) struct Records<R> {
    path: PathBuf,
    reader: Reader<Limited<R>>,
    format: Format,
    /// Fields of the first row; 0 before it.
    width: usize,
    raw: ByteRecord,
    /// Lines of the file that were taken before.
    pub(super) lines_before: u64,
    /// The first row with a field over several lines, and over how many.
    pub(super) over_lines: Option<(u64, usize)>,
}

/// One row; its fields are UTF-8 without NUL.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    fields: csv::StringRecord,
}

impl Row {
    pub(super) fn get(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or_default()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.fields.iter()
    }
}

pub(super) fn refuse(path: &Path, problem: TableProblem) -> DatasetsError {
    DatasetsError::File { path: path.to_owned(), problem: Box::new(problem.into()) }
}

impl<R: Read> Records<R> {
    pub(super) fn new(path: &Path, input: R, format: Format) -> Result<Self, DatasetsError> {
        let delimiter = format.delimiter;
        if !delimiter.is_ascii() || matches!(delimiter, b'"' | b'\n' | b'\r' | 0) {
            return Err(refuse(path, TableProblem::Delimiter { delimiter }));
        }
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quoting(format.quotes)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(Limited::new(input));
        Ok(Self {
            path: path.to_owned(),
            reader,
            format,
            width: 0,
            raw: ByteRecord::new(),
            lines_before: 0,
            over_lines: None,
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<Row>, DatasetsError> {
        let limit = self.format.most_row_bytes;
        let start = self.reader.position().clone();
        // A line feed that belongs to a carriage return is still to come.
        let pending = start.byte() > 0 && !self.reader.get_ref().ended_line(start.byte());
        let start_line = start.line() + u64::from(pending) + self.lines_before;
        self.reader.get_mut().begin_row(start.byte(), limit);
        let mut raw = std::mem::take(&mut self.raw);
        let more = match self.reader.read_byte_record(&mut raw) {
            Ok(more) => more,
            Err(error) => return Err(self.failed(error, start_line)),
        };
        if !more {
            return Ok(None);
        }
        let line = self.line_of(&raw);
        let refuse = |problem| refuse(&self.path, problem);
        if self.width == 0 {
            if raw.len() > MOST_COLUMNS {
                return Err(refuse(TableProblem::TooManyColumns { found: raw.len(), limit: MOST_COLUMNS }));
            }
            self.width = raw.len();
        }
        // A row that reaches the end of the file over several lines, in a file where a quote has no partner.
        let limited = self.reader.get_ref();
        let odd = limited.ended && !limited.quotes.is_multiple_of(2);
        if self.format.quotes && odd && raw.as_slice().contains(&b'\n') {
            return Err(refuse(TableProblem::OpenQuote { line }));
        }
        if raw.len() != self.width {
            return Err(refuse(TableProblem::Ragged { line, expected: self.width, found: raw.len() }));
        }
        if self.over_lines.is_none() {
            let lines = raw.as_slice().iter().filter(|byte| **byte == b'\n').count() + 1;
            self.over_lines = (lines > 1).then_some((line, lines));
        }
        if raw.as_slice().contains(&0) {
            let found = "a NUL byte, as in UTF-16 or in files that are no text";
            let expected = self.format.encoding.name();
            return Err(refuse(TableProblem::Encoding { line, expected, found, example: "utf-16le" }));
        }
        match csv::StringRecord::from_byte_record(raw) {
            Ok(fields) => Ok(Some(Row { line, fields })),
            Err(_) => {
                let encoding = self.format.encoding;
                let found = match encoding.is_utf_8() {
                    true => "a byte that is not UTF-8",
                    false => "bytes that are none of its characters",
                };
                let (expected, example) = (encoding.name(), "windows-1252");
                Err(refuse(TableProblem::Encoding { line, expected, found, example }))
            }
        }
    }

    /// Takes a row's memory back.
    pub(super) fn recycle(&mut self, row: Row) {
        self.raw = row.fields.into_byte_record();
    }

    /// Where the row just read begins. The parser's own position is before blank lines, and before the line feed that
    /// belongs to a carriage return.
    fn line_of(&self, raw: &ByteRecord) -> u64 {
        let after = self.reader.position();
        let within = raw.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let limited = self.reader.get_ref();
        // A row that meets the end of the file has no line end of its own.
        let ended = u64::from(!limited.ended && limited.ended_line(after.byte()));
        after.line().saturating_sub(within + ended).max(1) + self.lines_before
    }

    fn failed(&self, error: csv::Error, line: u64) -> DatasetsError {
        let limited = self.reader.get_ref();
        if limited.exceeded {
            let limit = self.format.most_row_bytes;
            return refuse(&self.path, TableProblem::LongRow { line, limit });
        }
        DatasetsError::Read { path: self.path.clone(), source: error.into() }
    }
}

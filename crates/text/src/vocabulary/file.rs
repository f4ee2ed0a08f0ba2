//! Vocabularies as tab-separated text: a first line with the format's name and the number of entries, then one entry a
//! line, a word and its count, the reserved tokens first.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use fireclay_data::write_atomically;

use super::{Builder, Vocabulary};
use crate::error::beginning;
use crate::reserved::{self, MAX_WORDS};
use crate::words::MAX_WORD_BYTES;
use crate::{TextError, VocabularyProblem};

const FORMAT: &str = "fireclay-vocabulary-1";

/// A word, a tab, 20 digits and a line break, and room for what people may add: nothing more is read of one line.
const MAX_LINE_BYTES: usize = 2 * MAX_WORD_BYTES;

pub(super) fn write(vocabulary: &Vocabulary, path: &Path) -> Result<(), TextError> {
    write_atomically(path, |out| {
        writeln!(out, "{FORMAT}\t{}", vocabulary.len())?;
        for (token, word) in vocabulary.words.iter().enumerate() {
            let at_least = u64::from(token >= reserved::NAMES.len());
            let count = vocabulary.counts.as_ref().and_then(|counts| counts.get(token).copied());
            writeln!(out, "{word}\t{}", count.unwrap_or(at_least))?;
        }
        Ok(())
    })
    .map_err(|source| TextError::Write { path: path.to_path_buf(), source })
}

pub(super) fn read(path: &Path) -> Result<Vocabulary, TextError> {
    let unreadable = |source| TextError::Read { path: path.to_path_buf(), source };
    let is_file = std::fs::metadata(path).map_err(unreadable)?.is_file();
    if !is_file {
        // A pipe would be waited for.
        return Err(unreadable(std::io::Error::other("it is not a file")));
    }
    let mut lines =
        Lines { reader: BufReader::new(File::open(path).map_err(unreadable)?), line: Vec::new(), number: 0 };
    match entries(&mut lines) {
        Ok(vocabulary) => Ok(vocabulary),
        Err(Problem::Io(source)) => Err(unreadable(source)),
        Err(Problem::Vocabulary(problem)) => {
            let line = lines.number;
            Err(TextError::VocabularyFile { path: path.to_path_buf(), line, problem })
        }
    }
}

enum Problem {
    Io(std::io::Error),
    Vocabulary(VocabularyProblem),
}

impl From<VocabularyProblem> for Problem {
    fn from(problem: VocabularyProblem) -> Self {
        Problem::Vocabulary(problem)
    }
}

fn entries(lines: &mut Lines) -> Result<Vocabulary, Problem> {
    let expected = header(lines.next()?.unwrap_or_default())?;
    // The number is only a promise: room is made for no more than a small file could hold.
    let mut builder = Builder::with_capacity(expected.min(1 << 16));
    let mut counts = Vec::new();
    let (mut total, mut before) = (0u64, u64::MAX);
    for found in 0..expected {
        let Some(line) = lines.next()? else {
            return Err(VocabularyProblem::CutShort { expected, found }.into());
        };
        let Some((word, digits)) = line.split_once('\t') else {
            return Err(VocabularyProblem::Columns { found: beginning(line) }.into());
        };
        let bad_count = || VocabularyProblem::Count { word: beginning(word), found: beginning(digits) };
        // The standard library would take a sign before the digits.
        let digits_only = digits.bytes().all(|byte| byte.is_ascii_digit());
        let count: u64 = digits.parse().ok().filter(|_| digits_only).ok_or_else(bad_count)?;
        total = total.checked_add(count).ok_or_else(bad_count)?;
        counts.push(count);
        if let Some(name) = reserved::NAMES.get(found) {
            if word != *name {
                let (expected, found) = (*name, beginning(word));
                return Err(VocabularyProblem::Reserved { expected, found }.into());
            }
            continue;
        }
        if count == 0 {
            return Err(bad_count().into());
        }
        builder.push(word)?;
        if count > before {
            let word = word.to_string();
            return Err(VocabularyProblem::Order { word, found: count, before }.into());
        }
        before = count;
    }
    if lines.next()?.is_some() {
        return Err(VocabularyProblem::TooMany { expected }.into());
    }
    Ok(builder.finish(Some(counts)))
}

fn header(line: &str) -> Result<usize, VocabularyProblem> {
    let entries = line
        .strip_prefix(FORMAT)
        .and_then(|rest| rest.strip_prefix('\t'))
        .ok_or_else(|| VocabularyProblem::Header { expected: FORMAT, found: beginning(line) })?;
    let (least, most) = (reserved::NAMES.len() + 1, reserved::NAMES.len() + MAX_WORDS);
    let found = entries.parse().ok().filter(|entries| (least..=most).contains(entries));
    found.ok_or_else(|| VocabularyProblem::Entries { found: beginning(entries), least, most })
}

/// The lines of a file, never more than one in memory, and each short.
struct Lines {
    reader: BufReader<File>,
    line: Vec<u8>,
    number: usize,
}

impl Lines {
    /// The next line without its end, `\n` or `\r\n`.
    fn next(&mut self) -> Result<Option<&str>, Problem> {
        self.line.clear();
        let mut limited = self.reader.by_ref().take(MAX_LINE_BYTES as u64);
        let read = limited.read_until(b'\n', &mut self.line).map_err(Problem::Io)?;
        self.number += 1;
        if read == 0 {
            return Ok(None);
        }
        let Some(line) = self.line.strip_suffix(b"\n") else {
            // Without an end it is too long, or the file was cut, perhaps in the middle of a number.
            return match read {
                MAX_LINE_BYTES => Err(VocabularyProblem::LineTooLong { limit: MAX_LINE_BYTES }.into()),
                _ => Err(VocabularyProblem::Unfinished.into()),
            };
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        std::str::from_utf8(line).map(Some).map_err(|_| VocabularyProblem::NotUtf8.into())
    }
}

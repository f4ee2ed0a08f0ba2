//! How a table is written, found in its beginning: what stands between fields, and whether quotes stand around them.

use std::fmt;
use std::io::Read;
use std::path::Path;

use csv::ReaderBuilder;

use super::TextEncoding;

/// How much of a file is looked at.
pub(super) const SAMPLE_BYTES: usize = 1 << 20;

/// What may stand between fields, the more usual first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows of the sample that must have the same number of fields for a delimiter to be taken.
const AGREEING: f64 = 0.9;

/// How a table is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dialect {
    /// What stands between two fields.
    pub delimiter: u8,
    /// Whether fields may stand in double quotes; otherwise quotes are letters.
    pub quotes: bool,
    /// Whether the delimiter is another than the file's name says.
    pub unusual_delimiter: bool,
    /// How its text is written in bytes.
    pub encoding: TextEncoding,
}

/// What is unusual, in words for people; empty if nothing is.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delimiter =
            self.unusual_delimiter.then(|| format!("fields are separated by {}", name(self.delimiter)));
        let quotes = (!self.quotes).then(|| "quotes are read as letters".to_owned());
        let encoding = (!self.encoding.is_utf_8()).then(|| format!("the text is {}", self.encoding));
        let notes: Vec<String> = delimiter.into_iter().chain(quotes).chain(encoding).collect();
        f.write_str(&notes.join(", and "))
    }
}

fn name(delimiter: u8) -> String {
    match delimiter {
        b',' => "commas".into(),
        b';' => "semicolons".into(),
        b'\t' => "tabs".into(),
        b'|' => "vertical bars".into(),
        other => format!("{:?}", char::from(other)),
    }
}

impl Dialect {
    /// The delimiter and the quotes that are asked for, and where that is left open what the beginning of the file looks like. `is_whole` says that this
    /// is all of it.
    pub(super) fn find(
        path: &Path,
        sample: &[u8],
        is_whole: bool,
        (delimiter, quotes): (Option<u8>, Option<bool>),
    ) -> Self {
        let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        let by_name = match extension.as_deref() {
            Some("tsv" | "tab") => b'\t',
            _ => b',',
        };
        // A row that is cut off would have too few fields.
        let end = match is_whole {
            true => sample.len(),
            false => sample.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1),
        };
        let sample = &sample[..end];
        let delimiter = delimiter.unwrap_or_else(|| most_agreeing(sample, by_name, quotes));
        let quotes = quotes.unwrap_or_else(|| has_quotes(sample, delimiter));
        let encoding = TextEncoding::default();
        Dialect { delimiter, quotes, unusual_delimiter: delimiter != by_name, encoding }
    }
}

/// The rows of a sample, read in one way.
struct Rows {
    /// Fields that most rows have, and the share of rows that have so many.
    width: usize,
    agreeing: f64,
    /// Whether a field goes over several lines.
    over_lines: bool,
}

impl Rows {
    fn read(sample: &[u8], delimiter: u8, quotes: bool) -> Self {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .quoting(quotes)
            .from_reader(sample);
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        let (mut rows, mut over_lines) = (0usize, false);
        let mut record = csv::ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            rows += 1;
            *counts.entry(record.len()).or_default() += 1;
            over_lines |= record.as_slice().contains(&b'\n');
        }
        let (width, most) = counts.into_iter().max_by_key(|(_, rows)| *rows).unwrap_or_default();
        Rows { width, agreeing: most as f64 / rows.max(1) as f64, over_lines }
    }

    fn is_table(&self) -> bool {
        self.width > 1 && self.agreeing >= AGREEING
    }
}

/// The delimiter that the file's name says if the rows agree with it, otherwise the one that they agree with most.
fn most_agreeing(sample: &[u8], by_name: u8, quotes: Option<bool>) -> u8 {
    let read = |delimiter: u8| {
        let quotes = quotes.unwrap_or_else(|| has_quotes(sample, delimiter));
        Rows::read(sample, delimiter, quotes)
    };
    let usual = read(by_name);
    if usual.width > 1 && usual.agreeing == 1.0 {
        return by_name;
    }
    let others = DELIMITERS.into_iter().filter(|delimiter| *delimiter != by_name);
    let mut best = (by_name, usual);
    for delimiter in others {
        let rows = read(delimiter);
        let better = !best.1.is_table() || (rows.agreeing, rows.width) > (best.1.agreeing, best.1.width);
        if rows.is_table() && better {
            best = (delimiter, rows);
        }
    }
    best.0
}

/// Whether fields stand in quotes: unless rows only run into each other by quotes that have no partner, and are all alike without.
fn has_quotes(sample: &[u8], delimiter: u8) -> bool {
    if !Rows::read(sample, delimiter, true).over_lines || have_partners(sample, delimiter) {
        return true;
    }
    let without = Rows::read(sample, delimiter, false);
    !(without.width > 1 && without.agreeing == 1.0)
}

/// Whether each quote that begins a field has one that ends it: behind that the field or the line ends.
fn have_partners(sample: &[u8], delimiter: u8) -> bool {
    let (mut at, mut begins) = (0, true);
    while let Some(byte) = sample.get(at) {
        at += 1;
        if !(begins && *byte == b'"') {
            begins = *byte == delimiter || *byte == b'\n';
            continue;
        }
        // Two quotes are one in the field.
        loop {
            let Some(found) = sample[at..].iter().position(|byte| *byte == b'"') else { return false };
            at += found + 1;
            match sample.get(at) {
                Some(b'"') => at += 1,
                None | Some(b'\n' | b'\r') => break,
                Some(next) if *next == delimiter => break,
                Some(_) => return false,
            }
        }
        begins = false;
    }
    true
}

/// Takes the line away by which spreadsheets are told a delimiter, `sep=;`, and gives the delimiter.
pub(super) fn take_stated(sample: &mut Vec<u8>) -> Option<u8> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let rest = sample.strip_prefix(MARK).unwrap_or(sample);
    let start = sample.len() - rest.len();
    let (word, delimiter) = (rest.get(..4)?, *rest.get(4)?);
    let end = match rest.get(5..)? {
        [b'\n', ..] => 6,
        [b'\r', b'\n', ..] => 7,
        _ => return None,
    };
    let is_stated = word.eq_ignore_ascii_case(b"sep=") && delimiter.is_ascii();
    is_stated.then(|| sample.drain(..start + end));
    is_stated.then_some(delimiter)
}

/// Reads up to so many bytes, and whether the input ended within them.
pub(super) fn beginning(input: &mut impl Read, most: usize) -> std::io::Result<(Vec<u8>, bool)> {
    let mut sample = Vec::new();
    input.by_ref().take(most as u64).read_to_end(&mut sample)?;
    let is_whole = sample.len() < most;
    Ok((sample, is_whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str, text: &str) -> (char, bool) {
        let found = Dialect::find(Path::new(name), text.as_bytes(), true, (None, None));
        (char::from(found.delimiter), found.quotes)
    }

    #[test]
    fn the_delimiter_is_what_makes_rows_alike() {
        for (name, text, delimiter) in [
            ("a.csv", "x,y\n1,2\n", ','),
            ("a.csv", "x;y\n1,5;2\n2,5;3\n", ';'),
            ("a.csv", "x;y;z\n1,5;2,5;red\n2,5;3,5;blue\n", ';'),
            ("a.txt", "x\ty\n1, or so\t2\n3\t4\n", '\t'),
            ("a.csv", "x|y\n1|2\n", '|'),
            ("a.tsv", "text\tlabel\na, b\t1\nc, d\t2\n", '\t'),
            ("a.tsv", "x,y\n1,2\n", ','),
            ("a.csv", "word\none\ntwo\n", ','),
            ("a.csv", "text,label\n\"one; two\",1\n\"three; four\",2\n", ','),
        ] {
            assert_eq!(find(name, text).0, delimiter, "{text:?}");
        }
    }

    #[test]
    fn a_lone_quote_is_a_letter_and_a_text_over_lines_is_quoted() {
        assert_eq!(
            find("a.tsv", "text\tlabel\n\"so he said\tgood\nfine\tgood\n\"again\tbad\n"),
            ('\t', false)
        );
        assert_eq!(find("a.csv", "text,label\n\"over\nlines, two\",good\nfine,bad\n"), (',', true));
        assert_eq!(find("a.csv", "text,label\n\"one, two\",good\n"), (',', true));
        // Alike without quotes as well, but they have partners.
        assert_eq!(find("a.csv", "text,label\n\"over,\nlines\",good\nfine,bad\n"), (',', true));
        assert_eq!(find("a.csv", "text,label\n\"she \"\"said\"\",\nso\",good\n"), (',', true));
    }

    #[test]
    fn options_decide_and_notes_say_what_is_unusual() {
        let found = Dialect::find(Path::new("a.csv"), b"x,y\n1,2\n", true, (Some(b';'), Some(false)));
        assert_eq!((found.delimiter, found.quotes), (b';', false));
        assert_eq!(found.to_string(), "fields are separated by semicolons, and quotes are read as letters");
        let usual = Dialect::find(Path::new("a.csv"), b"x,y\n1,2\n", true, (None, None));
        assert_eq!(usual.to_string(), "");
    }

    #[test]
    fn a_delimiter_that_a_first_line_states_is_taken() {
        for (text, delimiter, rest) in [
            ("sep=;\nx;y\n", Some(b';'), "x;y\n"),
            ("\u{feff}SEP=,\r\nx,y\n", Some(b','), "x,y\n"),
            ("sep=,y\n1,2\n", None, "sep=,y\n1,2\n"),
            ("sep", None, "sep"),
        ] {
            let mut sample = text.as_bytes().to_vec();
            assert_eq!((take_stated(&mut sample), sample.as_slice()), (delimiter, rest.as_bytes()));
        }
    }

    #[test]
    fn a_row_that_the_sample_cuts_off_does_not_count() {
        let found = Dialect::find(Path::new("a.csv"), b"x;y\n1;2\n3", false, (None, None));
        assert_eq!(found.delimiter, b';');
    }
}

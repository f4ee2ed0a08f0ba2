//! The header of an `.npy` file: a Python dict as text, read by a small strict parser of no recursion, which says at which
//! byte the text is wrong. The crate `npyz` takes as much memory as a header claims, up to 4 GiB, and descends once
//! for each bracket of the text.
//!
//! ```text
//! "\x93NUMPY"  major, minor   length of the text: u16 in version 1, u32 in 2 and 3, little-endian
//! {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }   and spaces, and a line feed
//! values
//! ```

use std::io::{self, Read};
use std::path::Path;

use super::NumpyProblem;
use crate::DatasetsError;
use crate::formats::whole;

pub(super) const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// NumPy itself refuses longer ones.
const MOST_HEADER_BYTES: u64 = 1 << 16;

/// NumPy's own limit.
const MOST_DIMENSIONS: usize = 64;

/// The kinds of values that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
#[non_exhaustive]
pub enum NpyKind {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F16,
    F32,
    F64,
}

impl NpyKind {
    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        match self {
            NpyKind::Bool | NpyKind::U8 | NpyKind::I8 => 1,
            NpyKind::U16 | NpyKind::I16 | NpyKind::F16 => 2,
            NpyKind::U32 | NpyKind::I32 | NpyKind::F32 => 4,
            NpyKind::U64 | NpyKind::I64 | NpyKind::F64 => 8,
        }
    }
}

/// What the header of an `.npy` file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NpyHeader {
    /// What the values are.
    pub kind: NpyKind,
    /// Whether the first byte of a value is its highest.
    pub big_endian: bool,
    /// Whether the first dimension moves fastest; otherwise the last one does.
    pub fortran_order: bool,
    /// The dimensions; none for a single value.
    pub shape: Vec<usize>,
    /// Where the values begin in the file.
    pub data_offset: u64,
    /// How many bytes the values take.
    pub data_bytes: u64,
}

impl NpyHeader {
    /// Reads the header of an `.npy` file and compares it with the file's size.
    ///
    /// ```
    /// use fireclay_datasets::{NpyHeader, NpyKind};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("two.npy");
    /// let text = b"{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }\n";
    /// let file = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text, &[7, 8]].concat();
    /// std::fs::write(&path, &file)?;
    /// let header = NpyHeader::read(&path)?;
    /// assert_eq!((header.kind, &header.shape[..]), (NpyKind::U8, &[2][..]));
    /// assert_eq!(header.mappable_bytes(), Some(file.len() as u64 - 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DatasetsError::File`] if it is not an array of numbers or does not fit the file's size.
    pub fn read(path: &Path) -> Result<Self, DatasetsError> {
        let (mut file, file_bytes) = whole::open(path, "a NumPy array (.npy)")?;
        let header = Self::from_reader(&mut file);
        let header = header.map_err(|source| DatasetsError::Read { path: path.to_owned(), source })?;
        header.and_then(|header| header.check_file_bytes(file_bytes)).map_err(|problem| refuse(path, problem))
    }

    /// Where the values begin if they can be used as they lie in the file: bytes, with the last dimension fastest.
    pub fn mappable_bytes(&self) -> Option<u64> {
        let in_order = !self.fortran_order || self.shape.len() < 2;
        (self.kind == NpyKind::U8 && in_order).then_some(self.data_offset)
    }

    pub(super) fn check_file_bytes(self, file_bytes: u64) -> Result<Self, NumpyProblem> {
        let found = file_bytes.saturating_sub(self.data_offset);
        match found == self.data_bytes {
            true => Ok(self),
            false => Err(NumpyProblem::Size { expected: self.data_bytes, found: found.to_string() }),
        }
    }

    /// Reads a header; afterwards `input` stands at the first value.
    pub(super) fn from_reader(input: &mut impl Read) -> io::Result<Result<Self, NumpyProblem>> {
        let mut start = Vec::new();
        input.by_ref().take(8).read_to_end(&mut start)?;
        let Some([major, minor]) = start.strip_prefix(MAGIC) else {
            return Ok(Err(NumpyProblem::NotNpy { found: describe(&start) }));
        };
        let (major, minor) = (*major, *minor);
        let length_bytes = match (major, minor) {
            (1, 0) => 2,
            (2 | 3, 0) => 4,
            _ => return Ok(Err(NumpyProblem::Version { major, minor })),
        };
        let mut length = Vec::new();
        input.by_ref().take(length_bytes).read_to_end(&mut length)?;
        let bytes = length.iter().rev().fold(0, |bytes, byte| bytes << 8 | u64::from(*byte));
        if bytes > MOST_HEADER_BYTES {
            return Ok(Err(NumpyProblem::LongHeader { bytes, limit: MOST_HEADER_BYTES }));
        }
        let mut text = Vec::new();
        input.by_ref().take(bytes).read_to_end(&mut text)?;
        if length.len() as u64 != length_bytes || text.len() as u64 != bytes {
            let at = text.len();
            return Ok(Err(NumpyProblem::Header { expected: "more of it, the file ends", at }));
        }
        Ok(parse(&text, 8 + length_bytes + bytes))
    }
}

pub(super) fn refuse(path: &Path, problem: NumpyProblem) -> DatasetsError {
    DatasetsError::File { path: path.to_owned(), problem: Box::new(problem.into()) }
}

fn describe(start: &[u8]) -> &'static str {
    match start {
        [] => "an empty file",
        [b'P', b'K', ..] => "a ZIP file, perhaps an .npz",
        [0x80, 2..=5, ..] => "what looks like a Python pickle",
        _ => "bytes of another kind",
    }
}

/// The header's text; `data_offset` is where the file goes on after it.
fn parse(text: &[u8], data_offset: u64) -> Result<NpyHeader, NumpyProblem> {
    let mut dict = Text { text, at: 0 };
    let (mut descr, mut fortran_order, mut dims) = (None, None, None);
    dict.expect(b'{', "a dict")?;
    while !dict.skip(b'}') {
        let at = dict.at;
        let key = dict.string()?;
        dict.expect(b':', "a colon after the key")?;
        let again = match key {
            b"descr" => descr.replace(dict.dtype()?).is_some(),
            b"fortran_order" => fortran_order.replace(dict.boolean()?).is_some(),
            b"shape" => dims.replace(dict.tuple()?).is_some(),
            _ => true,
        };
        if again {
            let expected = "the keys 'descr', 'fortran_order' and 'shape', each once";
            return Err(NumpyProblem::Header { expected, at });
        }
        if !dict.skip(b',') {
            dict.expect(b'}', "a comma or the end of the dict")?;
            break;
        }
    }
    dict.spaces();
    if dict.at != text.len() {
        return Err(dict.wrong("nothing after the dict"));
    }
    let (Some((kind, big_endian)), Some(fortran_order), Some(dims)) = (descr, fortran_order, dims) else {
        return Err(dict.wrong("the keys 'descr', 'fortran_order' and 'shape', each once"));
    };
    let shape: Result<Vec<usize>, _> = dims.iter().map(|dim| usize::try_from(*dim)).collect();
    let data_bytes = (dims.iter())
        .try_fold(kind.bytes() as u64, |product, dim| product.checked_mul(*dim))
        // A dimension of 0 hides what would overflow without it.
        .filter(|_| {
            dims.iter().filter(|dim| **dim > 0).try_fold(8u64, |p, dim| p.checked_mul(*dim)).is_some()
        });
    match (shape, data_bytes) {
        (Ok(shape), Some(data_bytes)) => {
            Ok(NpyHeader { kind, big_endian, fortran_order, shape, data_offset, data_bytes })
        }
        _ => Err(NumpyProblem::Shape { shape: dims }),
    }
}

/// A place in the header's text.
struct Text<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn wrong(&self, expected: &'static str) -> NumpyProblem {
        NumpyProblem::Header { expected, at: self.at }
    }

    fn spaces(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    /// Whether the next letter is this one; then it is passed.
    fn skip(&mut self, letter: u8) -> bool {
        self.spaces();
        let found = self.text.get(self.at) == Some(&letter);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, letter: u8, expected: &'static str) -> Result<(), NumpyProblem> {
        match self.skip(letter) {
            true => Ok(()),
            false => Err(self.wrong(expected)),
        }
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let len = rest.iter().position(|letter| !wanted(*letter)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Text in quotes, without escapes.
    fn string(&mut self) -> Result<&'a [u8], NumpyProblem> {
        let quote = match (self.skip(b'\''), self.text.get(self.at)) {
            (true, _) => b'\'',
            (false, Some(b'"')) => {
                self.at += 1;
                b'"'
            }
            _ => return Err(self.wrong("text in quotes")),
        };
        let content = self.take_while(|letter| letter != quote && letter != b'\\' && letter >= b' ');
        self.expect(quote, "the end of a text in quotes")?;
        Ok(content)
    }

    fn boolean(&mut self) -> Result<bool, NumpyProblem> {
        self.spaces();
        let at = self.at;
        match self.take_while(|letter| letter.is_ascii_alphabetic()) {
            b"True" => Ok(true),
            b"False" => Ok(false),
            _ => Err(NumpyProblem::Header { expected: "True or False", at }),
        }
    }

    /// Whole numbers in brackets; a single one is followed by a comma, as in Python.
    fn tuple(&mut self) -> Result<Vec<u64>, NumpyProblem> {
        let expected = "a shape such as (3, 4)";
        self.expect(b'(', expected)?;
        let mut dims = Vec::new();
        while !self.skip(b')') {
            let digits = self.take_while(|letter| letter.is_ascii_digit());
            let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            dims.push(number.ok_or_else(|| self.wrong("a dimension that fits into 64 bits"))?);
            if dims.len() > MOST_DIMENSIONS {
                return Err(self.wrong("at most 64 dimensions"));
            }
            // Python 2 marked long numbers.
            if self.text.get(self.at) == Some(&b'L') {
                self.at += 1;
            }
            if !self.skip(b',') {
                if dims.len() == 1 {
                    return Err(self.wrong("a comma, as in (3,)"));
                }
                self.expect(b')', expected)?;
                break;
            }
        }
        Ok(dims)
    }

    /// The kind of values, and whether the highest byte comes first.
    fn dtype(&mut self) -> Result<(NpyKind, bool), NumpyProblem> {
        self.spaces();
        if self.text.get(self.at) == Some(&b'[') {
            return Err(NumpyProblem::Records);
        }
        let descr = self.string()?;
        let (order, name) = match descr {
            [order @ (b'<' | b'>' | b'|' | b'='), name @ ..] => (*order, name),
            name => (b'=', name),
        };
        let kind = match name {
            b"b1" | b"?" => NpyKind::Bool,
            b"u1" | b"B" => NpyKind::U8,
            b"i1" | b"b" => NpyKind::I8,
            b"u2" => NpyKind::U16,
            b"i2" => NpyKind::I16,
            b"u4" => NpyKind::U32,
            b"i4" => NpyKind::I32,
            b"u8" => NpyKind::U64,
            b"i8" => NpyKind::I64,
            b"f2" => NpyKind::F16,
            b"f4" => NpyKind::F32,
            b"f8" => NpyKind::F64,
            [b'O', ..] => return Err(NumpyProblem::Objects),
            _ => return Err(NumpyProblem::Kind { descr: String::from_utf8_lossy(descr).into_owned() }),
        };
        let big_endian = match order {
            b'>' => true,
            b'<' => false,
            // Without an order, of the machine's own, or of none where a value is one byte.
            _ => cfg!(target_endian = "big"),
        };
        Ok((kind, big_endian))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> Result<NpyHeader, NumpyProblem> {
        parse(text.as_bytes(), 128)
    }

    #[test]
    fn headers_as_numpy_writes_them() {
        let found = header("{'descr': '>i8', 'fortran_order': True, 'shape': (3, 4), }      \n").unwrap();
        let expected = NpyHeader {
            kind: NpyKind::I64,
            big_endian: true,
            fortran_order: true,
            shape: vec![3, 4],
            data_offset: 128,
            data_bytes: 96,
        };
        assert_eq!(found, expected);
        let single = header("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n").unwrap();
        assert_eq!((single.shape.len(), single.data_bytes), (0, 4));
        // Python 2, other quotes, other order.
        let old = header("{\"shape\": (3L,), \"fortran_order\": False, \"descr\": \"|u1\"}").unwrap();
        assert_eq!((old.shape, old.kind), (vec![3], NpyKind::U8));
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "byte 0: expected a dict"),
            ("{'descr': '<f4', 'fortran_order': False}", "each once"),
            ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}", "byte 17"),
            ("{'descr': '<f4', 'x': 1}", "each once"),
            ("{'descr': '<f4', 'fortran_order': 1, 'shape': ()}", "True or False"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "a dimension"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3)}", "a comma"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "64 bits"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': ()} + x", "nothing after"),
            ("{'descr': '<f\\'4', 'fortran_order': False, 'shape': ()}", "end of a text"),
            ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "named fields"),
            ("{'descr': '|O', 'fortran_order': False, 'shape': ()}", "pickle"),
            ("{'descr': '<c16', 'fortran_order': False, 'shape': ()}", "\"<c16\" are not read"),
            ("{'descr': '<U5', 'fortran_order': False, 'shape': ()}", "are not read"),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
                "no file can hold",
            ),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}",
                "no file can hold",
            ),
        ] {
            let message = header(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
        let many = format!("{{'descr': '<f4', 'shape': ({})", "1, ".repeat(1_000));
        assert!(header(&many).unwrap_err().to_string().contains("64 dimensions"));
    }
}

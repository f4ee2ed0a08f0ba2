//! The encodings of texts, and reading another one as UTF-8.
//!
//! Everything behind this sees UTF-8: the rows, their limits and their line numbers. A file in UTF-8 passes through untouched and
//! is checked row by row later; bytes that are no text in another encoding become a byte that is never part of UTF-8, so that the
//! same check finds them, in the right line.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use encoding_rs::{Decoder, DecoderResult, Encoding, UTF_8};

use crate::DatasetsError;
use crate::error::USUAL_ENCODINGS;

/// How much of a file is decoded at a time.
const CHUNK_BYTES: usize = 1 << 16;

/// The longest byte order mark.
const MARK_BYTES: usize = 3;

/// Stands for bytes that are no text: UTF-8 never holds it.
const MALFORMED: u8 = 0xff;

/// How the text of a file is written in bytes.
///
/// ```
/// use fireclay_datasets::TextEncoding;
///
/// let encoding: TextEncoding = "latin1".parse()?;
/// assert_eq!((encoding.name(), TextEncoding::default().name()), ("windows-1252", "UTF-8"));
/// let message = "latin".parse::<TextEncoding>().unwrap_err().to_string();
/// assert!(message.contains("did you mean \"latin1\"?"));
/// # Ok::<(), fireclay_datasets::DatasetsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// Labels of usual encodings. There are many more: all of the [WHATWG's standard](https://encoding.spec.whatwg.org).
    pub const USUAL: [&str; 11] = USUAL_ENCODINGS;

    /// The name in the standard; `latin1` and `iso-8859-1` are `windows-1252` there, of which they are a part.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether it is UTF-8.
    pub fn is_utf_8(self) -> bool {
        self.0 == UTF_8
    }
}

/// UTF-8.
impl Default for TextEncoding {
    fn default() -> Self {
        TextEncoding(UTF_8)
    }
}

impl fmt::Display for TextEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// By its label, in any case.
impl FromStr for TextEncoding {
    type Err = DatasetsError;

    fn from_str(label: &str) -> Result<Self, DatasetsError> {
        let found = Encoding::for_label_no_replacement(label.trim().as_bytes());
        found.map(TextEncoding).ok_or_else(|| DatasetsError::UnknownEncoding { label: label.to_owned() })
    }
}

/// A file's text as UTF-8.
pub(super) struct Decoded<R> {
    /// The first bytes, as they were looked at for a byte order mark.
    beginning: io::Cursor<Vec<u8>>,
    input: R,
    encoding: TextEncoding,
    /// None for UTF-8.
    decoding: Option<Box<Decoding>>,
}

/// A text that is being decoded.
struct Decoding {
    decoder: Decoder,
    /// Bytes of the file, of which those before `next` are decoded.
    bytes: Vec<u8>,
    next: usize,
    /// Whether the file has no more of them.
    is_read: bool,
    /// UTF-8, of which what stands before `given` was handed out.
    text: Vec<u8>,
    given: usize,
    is_done: bool,
}

impl<R: Read> Decoded<R> {
    /// Decodes what is written in `encoding`, in UTF-8 if it is not said; a byte order mark says it better.
    pub(super) fn new(mut input: R, encoding: Option<TextEncoding>) -> io::Result<Self> {
        let mut beginning = Vec::with_capacity(MARK_BYTES);
        (&mut input).take(MARK_BYTES as u64).read_to_end(&mut beginning)?;
        let marked = Encoding::for_bom(&beginning).map(|(encoding, _)| TextEncoding(encoding));
        let encoding = marked.or(encoding).unwrap_or_default();
        let decoding = (!encoding.is_utf_8()).then(|| Box::new(Decoding::new(encoding)));
        Ok(Self { beginning: io::Cursor::new(beginning), input, encoding, decoding })
    }

    /// The encoding that was found or said.
    pub(super) fn encoding(&self) -> TextEncoding {
        self.encoding
    }

    fn read_bytes(beginning: &mut io::Cursor<Vec<u8>>, input: &mut R, out: &mut [u8]) -> io::Result<usize> {
        match beginning.read(out)? {
            0 => input.read(out),
            read => Ok(read),
        }
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Self { beginning, input, decoding, .. } = self;
        match decoding {
            None => Self::read_bytes(beginning, input, out),
            Some(decoding) => decoding.read(out, |bytes| Self::read_bytes(beginning, input, bytes)),
        }
    }
}

impl Decoding {
    fn new(encoding: TextEncoding) -> Self {
        Decoding {
            decoder: encoding.0.new_decoder_with_bom_removal(),
            bytes: Vec::with_capacity(CHUNK_BYTES),
            next: 0,
            is_read: false,
            text: Vec::with_capacity(CHUNK_BYTES),
            given: 0,
            is_done: false,
        }
    }

    fn read(
        &mut self,
        out: &mut [u8],
        mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        while self.given == self.text.len() && !self.is_done && !out.is_empty() {
            self.decode(&mut read)?;
        }
        let count = out.len().min(self.text.len() - self.given);
        out[..count].copy_from_slice(&self.text[self.given..][..count]);
        self.given += count;
        Ok(count)
    }

    /// Replaces the text by what comes next, which may be nothing yet.
    fn decode(&mut self, read: &mut impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        if self.next == self.bytes.len() && !self.is_read {
            self.bytes.resize(CHUNK_BYTES, 0);
            self.next = CHUNK_BYTES;
            let count = read(&mut self.bytes)?;
            self.bytes.truncate(count);
            self.next = 0;
            self.is_read = count == 0;
        }
        self.given = 0;
        self.text.resize(CHUNK_BYTES, 0);
        let (result, taken, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.bytes[self.next..],
            &mut self.text,
            self.is_read,
        );
        self.next += taken;
        self.text.truncate(written);
        match result {
            DecoderResult::InputEmpty => self.is_done = self.is_read,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => self.text.push(MALFORMED),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let most = out.len().min(self.1);
            self.0.read(&mut out[..most])
        }
    }

    fn encoding(label: &str) -> Option<TextEncoding> {
        Some(label.parse().unwrap())
    }

    fn decoded(bytes: &[u8], encoding: Option<TextEncoding>) -> Vec<u8> {
        let whole = |step: usize| {
            let mut text = Vec::new();
            let mut decoded = Decoded::new(Slow(bytes, step), encoding).unwrap();
            let mut piece = vec![0; step];
            loop {
                match decoded.read(&mut piece).unwrap() {
                    0 => return text,
                    read => text.extend_from_slice(&piece[..read]),
                }
            }
        };
        let text = whole(1 << 20);
        [1, 2, 3, 7].into_iter().for_each(|step| assert_eq!(whole(step), text, "{step} bytes at a time"));
        text
    }

    fn utf_16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn a_text_is_the_same_in_every_encoding() {
        let text = "größe,naïve\n日本,😀\n";
        assert_eq!(decoded(text.as_bytes(), None), text.as_bytes());
        assert_eq!(decoded(text.as_bytes(), encoding("utf8")), text.as_bytes());
        assert_eq!(decoded(&utf_16(text, u16::to_le_bytes), encoding("utf-16le")), text.as_bytes());
        assert_eq!(decoded(&utf_16(text, u16::to_be_bytes), encoding("UTF-16BE")), text.as_bytes());
        for (label, bytes, text) in [
            ("windows-1252", &b"gr\xf6\xdfe \x80"[..], "größe €"),
            ("latin1", b"caf\xe9", "café"),
            ("iso-8859-15", b"\xa4", "€"),
            ("shift_jis", b"\x93\xfa\x96{", "日本"),
            ("gb18030", b"\xc4\xe3", "你"),
        ] {
            assert_eq!(decoded(bytes, encoding(label)), text.as_bytes(), "{label}");
        }
    }

    #[test]
    fn a_byte_order_mark_says_it_better() {
        let marked = "\u{feff}a,é\n";
        for said in [None, encoding("utf-8"), encoding("windows-1252"), encoding("utf-16le")] {
            assert_eq!(decoded(&utf_16(marked, u16::to_le_bytes), said), "a,é\n".as_bytes());
            assert_eq!(decoded(&utf_16(marked, u16::to_be_bytes), said), "a,é\n".as_bytes());
            // That of UTF-8 is left to the reader of rows.
            assert_eq!(decoded(marked.as_bytes(), said), marked.as_bytes());
        }
    }

    #[test]
    fn what_is_no_text_becomes_a_byte_that_is_none() {
        assert_eq!(decoded(b"a\x81\xffb\xfd", encoding("shift_jis")), b"a\xffb\xff");
        // A character that the file cuts off, and half of a pair.
        assert_eq!(decoded(b"a\x93", encoding("shift_jis")), b"a\xff");
        assert_eq!(decoded(b"a\0b", encoding("utf-16le")), b"a\xff");
        assert_eq!(decoded(b"\x00\xd8a\0", encoding("utf-16le")), b"\xffa");
        assert_eq!(decoded(b"", encoding("utf-16le")), b"");
    }

    #[test]
    fn more_than_a_chunk_is_decoded() {
        let text: String = (0..50_000).map(|row| format!("{row},é日😀\n")).collect();
        let bytes = utf_16(&text, u16::to_le_bytes);
        let mut found = String::new();
        Decoded::new(&bytes[..], encoding("utf-16le")).unwrap().read_to_string(&mut found).unwrap();
        assert!(found == text);
    }

    #[test]
    fn usual_labels_are_known_and_others_are_refused() {
        TextEncoding::USUAL
            .iter()
            .for_each(|label| assert!(label.parse::<TextEncoding>().is_ok(), "{label}"));
        assert_eq!(" Windows-1252 ".parse::<TextEncoding>().unwrap().to_string(), "windows-1252");
        for label in ["windows-1225", "iso-2022-kr", "replacement", ""] {
            let message = label.parse::<TextEncoding>().unwrap_err().to_string();
            assert!(message.contains(&format!("no encoding is called {label:?}")), "{message}");
            assert!(message.contains("usual ones are \"utf-8\", \"utf-16le\""), "{message}");
        }
        let message = "windows-1225".parse::<TextEncoding>().unwrap_err().to_string();
        assert!(message.contains("did you mean \"windows-1252\"?"), "{message}");
    }
}

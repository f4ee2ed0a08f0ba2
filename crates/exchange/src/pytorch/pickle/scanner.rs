//! The bytes of a pickle, from first to last.

use super::PickleError;

pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Scanner { bytes, position: 0 }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// The next bytes, without a copy: no more is there than the file is long.
    pub(super) fn take(&mut self, count: u64) -> Result<&'a [u8], PickleError> {
        let left = &self.bytes[self.position..];
        let taken = usize::try_from(count).ok().and_then(|count| left.get(..count)).ok_or_else(|| {
            PickleError::Malformed(format!(
                "{count} bytes are said to follow byte {} of the pickle, and {} do",
                self.position,
                left.len()
            ))
        })?;
        self.position += taken.len();
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, PickleError> {
        Ok(self.take(1)?[0])
    }

    /// A whole number of as many bytes as `N`, the smallest first.
    pub(super) fn unsigned<const N: usize>(&mut self) -> Result<u64, PickleError> {
        let bytes = self.take(N as u64)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// All up to the end of the line, which is left out.
    pub(super) fn line(&mut self) -> Result<&'a str, PickleError> {
        let left = &self.bytes[self.position..];
        let Some(length) = left.iter().position(|byte| *byte == b'\n') else {
            return Err(PickleError::Malformed(format!(
                "the line at byte {} of the pickle has no end",
                self.position
            )));
        };
        self.position += length + 1;
        text(&left[..length])
    }

    /// A text with its length before it, in `N` bytes.
    pub(super) fn text<const N: usize>(&mut self) -> Result<&'a str, PickleError> {
        let length = self.unsigned::<N>()?;
        text(self.take(length)?)
    }
}

fn text(bytes: &[u8]) -> Result<&str, PickleError> {
    std::str::from_utf8(bytes).map_err(|_| PickleError::Malformed("a text of the pickle is not UTF-8".into()))
}

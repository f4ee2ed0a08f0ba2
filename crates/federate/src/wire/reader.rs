//! Reading messages, which anybody may have written: lengths are compared with the bytes that are there before memory is taken.

use crate::FederateError;
use crate::id::ClientId;

/// The bytes of a message that were not read yet.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Reader { what, rest: bytes }
    }

    pub(crate) fn error(&self, problem: impl Into<String>) -> FederateError {
        FederateError::Message { what: self.what, problem: problem.into() }
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], FederateError> {
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => {
                Err(self
                    .error(format!("expected {length} bytes more, found {}; it is cut off", self.rest.len())))
            }
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], FederateError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, FederateError> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, FederateError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, FederateError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, FederateError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    pub(crate) fn f64(&mut self) -> Result<f64, FederateError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, FederateError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            found => Err(self.error(format!("expected 0 or 1, found {found}"))),
        }
    }

    /// A number that is there or not.
    pub(crate) fn optional_f64(&mut self) -> Result<Option<f64>, FederateError> {
        Ok(match self.boolean()? {
            true => Some(self.f64()?),
            false => None,
        })
    }

    /// How many items follow, each of which takes `least` bytes or more.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, FederateError> {
        let count = self.u32()? as usize;
        match count.checked_mul(least.max(1)) {
            Some(bytes) if bytes <= self.rest.len() => Ok(count),
            _ => {
                let found = self.rest.len();
                Err(self
                    .error(format!("expected {count} items of {least} bytes or more, found {found} bytes")))
            }
        }
    }

    /// Bytes behind their length.
    pub(crate) fn block(&mut self) -> Result<&'a [u8], FederateError> {
        let length = self.u64()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.bytes(length)
    }

    pub(crate) fn text(&mut self, most: usize) -> Result<&'a str, FederateError> {
        let length = usize::from(self.u16()?);
        if length > most {
            return Err(self.error(format!("expected a text of {most} bytes at most, found {length}")));
        }
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.error("expected a text in UTF-8, found other bytes"))
    }

    /// Words of the other side, which are shown to people: what would change a terminal is replaced.
    pub(crate) fn reason(&mut self, most: usize) -> Result<String, FederateError> {
        Ok(self.text(most)?.replace(char::is_control, "?"))
    }

    pub(crate) fn client(&mut self) -> Result<ClientId, FederateError> {
        self.text(ClientId::MAX_BYTES)?.parse()
    }

    /// # Errors
    /// [`FederateError::Message`] if there are bytes that nothing has read.
    pub(crate) fn end(self) -> Result<(), FederateError> {
        match self.rest.len() {
            0 => Ok(()),
            found => Err(self.error(format!("expected its end, found {found} bytes more"))),
        }
    }
}

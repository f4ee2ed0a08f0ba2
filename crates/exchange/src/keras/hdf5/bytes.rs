//! A place in the bytes of a file, from which numbers are read; no read goes past the end.

/// What is wrong with a file of HDF5, or of an archive around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::keras) enum Problem {
    /// The bytes contradict themselves, or the format.
    Malformed(String),
    /// A count or a size beyond what is read.
    TooLarge {
        /// What of the file.
        what: String,
        /// As the file says.
        found: u64,
        /// The most.
        limit: u64,
    },
}

pub(in crate::keras) fn malformed<T>(problem: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Malformed(problem.into()))
}

/// Reads little-endian numbers one after another.
#[derive(Clone, Copy)]
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
    what: &'static str,
}

impl<'a> Bytes<'a> {
    /// Begins at `address`; `what` is what errors call the place.
    pub(super) fn at(all: &'a [u8], address: u64, what: &'static str) -> Result<Self, Problem> {
        match usize::try_from(address).ok().filter(|at| *at <= all.len()) {
            Some(at) => Ok(Bytes { all, at, what }),
            None => {
                malformed(format!("{what} is said to be at byte {address} of a file of {} bytes", all.len()))
            }
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Problem> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.all.len());
        let Some(end) = end else {
            return malformed(format!(
                "{} at byte {} needs {count} bytes more, and the file ends at {}",
                self.what,
                self.at,
                self.all.len()
            ));
        };
        let bytes = &self.all[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, count: usize) -> Result<(), Problem> {
        self.take(count).map(|_| ())
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        let mut number = [0; N];
        number.copy_from_slice(self.take(N)?);
        Ok(number)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Problem> {
        self.number().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Problem> {
        self.number().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Problem> {
        self.number().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Problem> {
        self.number().map(u64::from_le_bytes)
    }

    pub(super) fn left(&self) -> usize {
        self.all.len() - self.at
    }

    /// Four letters that begin a structure.
    pub(super) fn signature(&mut self, expected: &[u8; 4]) -> Result<(), Problem> {
        let (at, found) = (self.at, self.take(4)?);
        match found == expected {
            true => Ok(()),
            false => malformed(format!(
                "{} at byte {at} begins with '{}'; expected '{}'",
                self.what,
                found.escape_ascii(),
                expected.escape_ascii()
            )),
        }
    }

    /// One byte that says which version of a structure it is.
    pub(super) fn version(&mut self, known: &[u8]) -> Result<u8, Problem> {
        let (at, found) = (self.at, self.u8()?);
        match known.contains(&found) {
            true => Ok(found),
            false => malformed(format!(
                "{} at byte {at} has version {found}; expected {}; a file that Keras saves has it (libver='earliest')",
                self.what,
                known.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ")
            )),
        }
    }
}

/// The text of a field that is filled up with zeros.
pub(super) fn text(bytes: &[u8], what: &str) -> Result<String, Problem> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    match std::str::from_utf8(&bytes[..end]) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) => malformed(format!("{what} is not UTF-8")),
    }
}

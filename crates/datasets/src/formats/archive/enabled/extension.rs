//! What extended headers say about the entry after them: PAX records and GNU's long names.

/// No header of a data set needs more.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// What was said about the next entry.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Extension {
    pub(super) name: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    /// Whether its bytes are the filled places of a larger file.
    pub(super) is_sparse: bool,
}

impl Extension {
    /// Takes over PAX records, each `LENGTH KEY=VALUE\n`; on an error says what is wrong.
    pub(super) fn add_pax(&mut self, mut records: &[u8]) -> Result<(), &'static str> {
        while !records.is_empty() {
            let (record, rest) = split_record(records).ok_or("has a damaged extended record")?;
            let equals = record.iter().position(|byte| *byte == b'=');
            let (key, value) = record.split_at(equals.ok_or("has an extended record without a value")?);
            let value = value.get(1..).unwrap_or_default();
            match key {
                b"path" => self.name = Some(value.to_owned()),
                b"size" => {
                    let size = number(value).ok_or("has an extended size that is no number")?;
                    self.size = Some(size);
                }
                _ => self.is_sparse |= key.starts_with(b"GNU.sparse."),
            }
            records = rest;
        }
        Ok(())
    }

    /// Takes over a long name as GNU writes it, ended by a zero.
    pub(super) fn add_gnu_name(&mut self, mut name: Vec<u8>) {
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        name.truncate(end);
        self.name = Some(name);
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `KEY=VALUE` of the first record, and what follows it.
fn split_record(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = records.iter().take(20).position(|byte| *byte == b' ')?;
    let len = usize::try_from(number(records.get(..space)?)?).ok()?;
    let (record, rest) = records.split_at_checked(len)?;
    let content = record.get(space + 1..)?.strip_suffix(b"\n")?;
    Some((content, rest))
}

/// A decimal number without sign or spaces.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_taken_over() {
        let mut extension = Extension::default();
        extension.add_pax(b"12 path=a\nb\n12 size=123\n21 mtime=1.25 and so\n").unwrap();
        assert_eq!(extension.name.as_deref(), Some(&b"a\nb"[..]));
        assert_eq!((extension.size, extension.is_sparse), (Some(123), false));
        extension.add_pax(b"22 GNU.sparse.major=1\n").unwrap();
        assert!(extension.is_sparse);
        extension.add_gnu_name(b"long\0\0".to_vec());
        assert_eq!(extension.name.as_deref(), Some(&b"long"[..]));
    }

    #[test]
    fn damaged_records_are_refused() {
        for bad in [
            &b"\n"[..],
            b"path=a\n",
            b"9 path=a\n\n",
            b"8 path=a\n",
            b"99 path=a\n",
            b"0 path=a\n",
            b"1 ",
            b"-9 path=a\n",
            b"99999999999999999999 path=a\n",
            b"9 patha1\n",
            b"9 size=x\n",
            b"9 size=-\n",
        ] {
            assert!(Extension::default().add_pax(bad).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }
}

//! UTF-8, checked.

/// Why bytes are no text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    /// What they look like, for messages.
    pub(super) found: &'static str,
    /// Where the first byte is that does not fit.
    pub(super) at: usize,
}

/// The text, without a byte order mark.
pub(super) fn decode_text(bytes: Vec<u8>) -> Result<String, Unreadable> {
    check_start(&bytes)?;
    // UTF-16 of plain letters is UTF-8 as well, with a NUL beside each letter.
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Unreadable { found: "a NUL byte, as in UTF-16 or in files that are no text", at });
    }
    let mut text = String::from_utf8(bytes).map_err(|error| Unreadable {
        found: "a byte that is not UTF-8",
        at: error.utf8_error().valid_up_to(),
    })?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Refuses the byte order marks of UTF-16.
fn check_start(bytes: &[u8]) -> Result<(), Unreadable> {
    match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(Unreadable { found: "UTF-16", at: 0 }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_dropped_once() {
        let text = "\u{feff}\u{feff}a\r\nשלום é e\u{301}";
        assert_eq!(decode_text(text.into()).unwrap(), &text[3..]);
    }

    #[test]
    fn what_is_not_utf_8_is_named_with_its_place() {
        for (bytes, found, at) in [
            (&b"abc\xff"[..], "not UTF-8", 3),
            (b"\xff\xfea\0", "UTF-16", 0),
            (b"\xfe\xff\0a", "UTF-16", 0),
            (b"a\0b\0", "NUL", 1),
            (b"caf\xe9 noir", "not UTF-8", 3),
        ] {
            let unreadable = decode_text(bytes.to_vec()).unwrap_err();
            assert!(unreadable.found.contains(found), "{unreadable:?}");
            assert_eq!(unreadable.at, at);
        }
    }
}

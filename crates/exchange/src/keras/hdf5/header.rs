//! Object headers of version 1: the messages that say what a group or a dataset is.

use super::bytes::{Bytes, Problem, malformed};

/// Continuations of one header.
const MOST_BLOCKS: usize = 64;

/// One message.
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    pub(super) body: &'a [u8],
}

/// Kinds of messages, by the numbers of the format.
pub(super) mod kind {
    pub(in super::super) const DATASPACE: u16 = 0x01;
    pub(in super::super) const LINK_INFO: u16 = 0x02;
    pub(in super::super) const DATATYPE: u16 = 0x03;
    pub(in super::super) const LINK: u16 = 0x06;
    pub(in super::super) const EXTERNAL_FILES: u16 = 0x07;
    pub(in super::super) const LAYOUT: u16 = 0x08;
    pub(in super::super) const FILTERS: u16 = 0x0b;
    pub(in super::super) const ATTRIBUTE: u16 = 0x0c;
    pub(in super::super) const CONTINUATION: u16 = 0x10;
    pub(in super::super) const SYMBOL_TABLE: u16 = 0x11;
}

/// All messages of the header at `address`.
///
/// `budget` is how many bytes of headers there may still be: no honest file has one twice.
pub(super) fn messages<'a>(
    file: &'a [u8],
    address: u64,
    budget: &mut usize,
) -> Result<Vec<Message<'a>>, Problem> {
    let mut bytes = Bytes::at(file, address, "an object header")?;
    if file[address as usize..].starts_with(b"OHDR") {
        return malformed(format!(
            "the object header at byte {address} is of version 2, which Keras does not write; save the model again with Keras"
        ));
    }
    bytes.version(&[1])?;
    bytes.skip(1)?;
    let count = usize::from(bytes.u16()?);
    bytes.skip(4)?;
    let size = bytes.u32()? as usize;
    bytes.skip(4)?;
    let mut spend = |size: usize| match budget.checked_sub(size) {
        Some(left) => {
            *budget = left;
            Ok(())
        }
        None => malformed("the object headers together are longer than the file"),
    };
    spend(size)?;
    let mut blocks = vec![bytes.take(size)?];
    let mut found = Vec::new();
    let mut block = 0;
    while let Some(&content) = blocks.get(block) {
        let mut bytes = Bytes::at(content, 0, "a header message")?;
        while bytes.left() >= 8 && found.len() < count {
            let (kind, size, flags) = (bytes.u16()?, bytes.u16()?, bytes.u8()?);
            bytes.skip(3)?;
            let body = bytes.take(usize::from(size))?;
            if flags & 2 != 0 {
                return malformed(format!(
                    "message {kind:#x} of the header at byte {address} is shared, which Keras does not write"
                ));
            }
            if kind == kind::CONTINUATION {
                let mut place = Bytes::at(body, 0, "a continuation")?;
                let (offset, length) = (place.u64()?, place.u64()?);
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                spend(length)?;
                blocks.push(Bytes::at(file, offset, "a continued object header")?.take(length)?);
                if blocks.len() > MOST_BLOCKS {
                    return malformed(format!(
                        "the object header at byte {address} is in more than {MOST_BLOCKS} parts"
                    ));
                }
            }
            found.push(Message { kind, body });
        }
        block += 1;
    }
    match found.len() == count {
        true => Ok(found),
        false => malformed(format!(
            "the object header at byte {address} promises {count} messages and has {}",
            found.len()
        )),
    }
}

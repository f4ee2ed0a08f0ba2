//! Attributes, of which Keras's are texts.

use super::bytes::{Bytes, Problem, malformed, text};
use super::datatype::{Datatype, dataspace};

/// An attribute whose value has not been looked at yet.
pub(super) struct Attribute<'a> {
    pub(super) name: String,
    datatype: &'a [u8],
    dataspace: &'a [u8],
    data: &'a [u8],
}

impl<'a> Attribute<'a> {
    pub(super) fn read(message: &'a [u8]) -> Result<Self, Problem> {
        let mut bytes = Bytes::at(message, 0, "an attribute")?;
        let version = bytes.version(&[1, 2, 3])?;
        bytes.skip(1)?;
        let sizes = [bytes.u16()?, bytes.u16()?, bytes.u16()?].map(usize::from);
        if version == 3 {
            bytes.skip(1)?;
        }
        let padded = |size: usize| if version == 1 { size.next_multiple_of(8) } else { size };
        let [name, datatype, dataspace] = sizes.map(padded);
        let name = text(bytes.take(name)?, "the name of an attribute")?;
        let (datatype, dataspace) = (bytes.take(datatype)?, bytes.take(dataspace)?);
        let data = bytes.take(bytes.left())?;
        Ok(Attribute { name, datatype, dataspace, data })
    }

    /// The value, if it is one text.
    pub(super) fn text(&self, file: &[u8]) -> Result<Option<String>, Problem> {
        let shape = dataspace(&mut Bytes::at(self.dataspace, 0, "a dataspace")?)?;
        if shape.iter().product::<usize>() != 1 {
            return Ok(None);
        }
        let mut data = Bytes::at(self.data, 0, "the value of an attribute")?;
        Ok(Some(match Datatype::read(&mut Bytes::at(self.datatype, 0, "a datatype")?)? {
            Datatype::Text(size) => text(data.take(size)?, "an attribute")?,
            Datatype::VariableText => {
                let (length, heap, index) = (data.u32()? as usize, data.u64()?, data.u32()?);
                let object = global_object(file, heap, index)?;
                let Some(object) = object.get(..length) else {
                    return malformed(format!(
                        "a text of {length} bytes lies in an object of {}",
                        object.len()
                    ));
                };
                text(object, "an attribute")?
            }
            Datatype::F16 | Datatype::F32 | Datatype::F64 | Datatype::Integer { .. } => return Ok(None),
        }))
    }
}

/// An object of a global heap.
fn global_object(file: &[u8], address: u64, index: u32) -> Result<&[u8], Problem> {
    if address == 0 || index == 0 {
        return Ok(&[]);
    }
    let mut head = Bytes::at(file, address, "a global heap")?;
    head.signature(b"GCOL")?;
    head.version(&[1])?;
    head.skip(3)?;
    let size = usize::try_from(head.u64()?).unwrap_or(usize::MAX);
    let content = head.take(size.saturating_sub(16))?;
    let mut bytes = Bytes::at(content, 0, "an object of a global heap")?;
    while bytes.left() >= 16 {
        let found = bytes.u16()?;
        bytes.skip(6)?;
        let size = usize::try_from(bytes.u64()?).unwrap_or(usize::MAX);
        if u32::from(found) == index {
            return bytes.take(size);
        }
        // The last one, with the number 0, is the free space.
        if found == 0 {
            break;
        }
        bytes.skip(size.checked_next_multiple_of(8).unwrap_or(usize::MAX))?;
    }
    malformed(format!("object {index} is not in the global heap at byte {address}"))
}

//! Groups of the classic form: a B-tree over nodes with symbols, whose names lie in a local heap.

use super::bytes::{Bytes, Problem, malformed, text};

/// Longer names than any layer has.
const MOST_NAME_BYTES: usize = 255;

/// Deep enough for any number of members.
const MOST_LEVELS: usize = 16;

/// A member of a group.
pub(super) struct Member {
    pub(super) name: String,
    /// Of its object header.
    pub(super) address: u64,
}

/// The members of the group whose symbol table message says where tree and heap are.
///
/// `most` is how many members there may be in this file at all.
pub(super) fn members(file: &[u8], message: &[u8], most: usize) -> Result<Vec<Member>, Problem> {
    let mut place = Bytes::at(message, 0, "a symbol table")?;
    let (tree, heap) = (place.u64()?, place.u64()?);
    let names = local_heap(file, heap)?;
    let mut members = Vec::new();
    let mut nodes = vec![(tree, 0)];
    let mut visited = 0;
    while let Some((address, depth)) = nodes.pop() {
        visited += 1;
        // A node that is no leaf has members below it.
        if depth > MOST_LEVELS || visited > 2 * most + MOST_LEVELS {
            return malformed(format!("the tree of a group at byte {tree} does not end"));
        }
        if file.get(address as usize..).is_some_and(|bytes| bytes.starts_with(b"SNOD")) {
            symbols(file, address, names, &mut members)?;
            if members.len() > most {
                return malformed(format!(
                    "the group at byte {tree} has more members than the file has room for"
                ));
            }
            continue;
        }
        let mut bytes = Bytes::at(file, address, "a group's tree")?;
        bytes.signature(b"TREE")?;
        bytes.version(&[0])?;
        bytes.skip(1)?;
        let entries = usize::from(bytes.u16()?);
        bytes.skip(16)?;
        let mut children = Vec::new();
        for _ in 0..entries {
            bytes.skip(8)?;
            children.push((bytes.u64()?, depth + 1));
        }
        nodes.extend(children.into_iter().rev());
    }
    Ok(members)
}

fn local_heap(file: &[u8], address: u64) -> Result<&[u8], Problem> {
    let mut bytes = Bytes::at(file, address, "a local heap")?;
    bytes.signature(b"HEAP")?;
    bytes.version(&[0])?;
    bytes.skip(3)?;
    let size = usize::try_from(bytes.u64()?).unwrap_or(usize::MAX);
    bytes.skip(8)?;
    let data = bytes.u64()?;
    Bytes::at(file, data, "the names of a local heap")?.take(size)
}

fn symbols(file: &[u8], address: u64, names: &[u8], members: &mut Vec<Member>) -> Result<(), Problem> {
    let mut bytes = Bytes::at(file, address, "a group's node")?;
    bytes.signature(b"SNOD")?;
    bytes.version(&[1])?;
    bytes.skip(1)?;
    for _ in 0..bytes.u16()? {
        let (offset, address, kind) = (bytes.u64()?, bytes.u64()?, bytes.u32()?);
        bytes.skip(20)?;
        let name = usize::try_from(offset).ok().and_then(|offset| names.get(offset..));
        let Some(name) = name else {
            return malformed(format!(
                "the name of a member lies at {offset} of {} bytes of names",
                names.len()
            ));
        };
        let Some(end) = name.iter().take(MOST_NAME_BYTES + 1).position(|byte| *byte == 0) else {
            return Err(Problem::TooLarge {
                what: "the length of a name".into(),
                found: name.len() as u64,
                limit: MOST_NAME_BYTES as u64,
            });
        };
        let name = text(&name[..end], "the name of a member")?;
        if kind == 2 {
            return malformed(format!("'{name}' is a link to another place, which is not followed"));
        }
        members.push(Member { name, address });
    }
    Ok(())
}

//! Datasets: where their bytes lie, in one piece or in chunks, and what was done to them.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::bytes::{Bytes, Problem, malformed};
use super::datatype::{Datatype, dataspace};
use super::header::{Message, kind};

/// Deflate cannot pack more than 1,032 bytes into one.
pub(super) const MOST_PER_PACKED_BYTE: u64 = 1_032;

const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;

/// A dataset whose values have not been read yet.
#[derive(Debug)]
pub(in crate::keras) struct Dataset {
    pub(in crate::keras) shape: Vec<usize>,
    datatype: Datatype,
    layout: Layout,
    /// In the order in which they were applied.
    filters: Vec<u16>,
}

#[derive(Debug)]
enum Layout {
    /// In the header itself.
    Compact(Vec<u8>),
    /// Address and size.
    Contiguous(u64, u64),
    /// Address of the tree, and sizes of a chunk.
    Chunked(u64, Vec<usize>),
}

impl Dataset {
    /// The dataset that messages describe; `None` if they describe none.
    pub(super) fn read(messages: &[Message<'_>]) -> Result<Option<Self>, Problem> {
        let find = |kind| messages.iter().find(|message| message.kind == kind).map(|message| message.body);
        let Some(layout) = find(kind::LAYOUT) else { return Ok(None) };
        if find(kind::EXTERNAL_FILES).is_some() {
            return malformed("a dataset lies in another file, which is not opened");
        }
        let (Some(space), Some(datatype)) = (find(kind::DATASPACE), find(kind::DATATYPE)) else {
            return malformed("a dataset has no shape or no type");
        };
        let shape = dataspace(&mut Bytes::at(space, 0, "a dataspace")?)?;
        let datatype = Datatype::read(&mut Bytes::at(datatype, 0, "a datatype")?)?;
        let layout = Layout::read(layout, shape.len())?;
        let filters = find(kind::FILTERS).map_or(Ok(Vec::new()), filters)?;
        if !filters.is_empty() && !matches!(layout, Layout::Chunked(..)) {
            return malformed("a dataset in one piece has filters");
        }
        Ok(Some(Dataset { shape, datatype, layout, filters }))
    }

    /// How many bytes its values have.
    pub(super) fn byte_count(&self) -> u64 {
        self.shape.iter().fold(self.datatype.size() as u64, |bytes, size| bytes.saturating_mul(*size as u64))
    }

    /// All values, row-major. `budget` is how many bytes may still be read from the file: no honest file has the same
    /// bytes twice.
    pub(super) fn values(&self, file: &[u8], budget: &mut u64) -> Result<Vec<f32>, Problem> {
        if matches!(self.datatype, Datatype::Text(_) | Datatype::VariableText) {
            return malformed("a dataset holds text; expected numbers");
        }
        let expected = self.byte_count();
        let packed = self.filters.contains(&DEFLATE);
        let most = budget.saturating_mul(if packed { MOST_PER_PACKED_BYTE } else { 1 });
        if expected > most {
            return malformed(format!(
                "a dataset of shape {:?} has {expected} bytes, and the file has {budget} for it",
                self.shape
            ));
        }
        match &self.layout {
            Layout::Compact(bytes) => numbers(bytes, self.datatype, expected),
            Layout::Contiguous(..) if expected == 0 => Ok(Vec::new()),
            Layout::Contiguous(address, size) => {
                if *size != expected {
                    return malformed(format!(
                        "a dataset of shape {:?} has {expected} bytes, and {size} are said to be stored",
                        self.shape
                    ));
                }
                *budget -= expected;
                let bytes = Bytes::at(file, *address, "a dataset")?.take(expected as usize)?;
                numbers(bytes, self.datatype, expected)
            }
            Layout::Chunked(tree, chunk) => {
                let bytes = self.join(file, *tree, chunk, budget)?;
                numbers(&bytes, self.datatype, expected)
            }
        }
    }

    /// Puts the chunks together.
    fn join(&self, file: &[u8], tree: u64, chunk: &[usize], budget: &mut u64) -> Result<Vec<u8>, Problem> {
        let size = self.datatype.size();
        let across: Vec<usize> =
            self.shape.iter().zip(chunk).map(|(size, chunk)| size.div_ceil(*chunk)).collect();
        let expected = across.iter().fold(1u64, |count, size| count.saturating_mul(*size as u64));
        // A chunk is named by a key of at least 24 bytes.
        if expected > file.len() as u64 / 24 {
            return malformed(format!("{expected} chunks are more than the file has room for"));
        }
        let chunk_bytes = chunk.iter().fold(size as u64, |bytes, size| bytes.saturating_mul(*size as u64));
        let places = chunks(file, tree, self.shape.len(), expected as usize)?;
        let mut seen = std::collections::BTreeSet::new();
        let mut out = vec![0; self.byte_count() as usize];
        for place in &places {
            let aligned = place.offsets.iter().zip(chunk).all(|(offset, chunk)| offset % chunk == 0);
            let inside = place.offsets.iter().zip(&self.shape).all(|(offset, size)| offset < size);
            if !aligned || !inside || !seen.insert(&place.offsets) {
                return malformed(format!(
                    "a chunk is said to be at {:?} of {:?}",
                    place.offsets, self.shape
                ));
            }
            if place.filter_mask != 0 {
                return malformed("a chunk was stored without some of its filters");
            }
            let stored = u64::from(place.size);
            let most = stored * if self.filters.contains(&DEFLATE) { MOST_PER_PACKED_BYTE } else { 1 };
            if chunk_bytes > most || stored > *budget {
                return malformed(format!("a chunk of {chunk_bytes} bytes is said to be stored in {stored}"));
            }
            *budget -= stored;
            let bytes = Bytes::at(file, place.address, "a chunk")?.take(place.size as usize)?;
            let bytes = unfilter(bytes, &self.filters, chunk_bytes, size)?;
            copy_chunk(&bytes, chunk, &place.offsets, &mut out, &self.shape, size);
        }
        match places.len() as u64 == expected {
            true => Ok(out),
            false => malformed(format!("{} chunks are stored; expected {expected}", places.len())),
        }
    }
}

impl Layout {
    fn read(message: &[u8], rank: usize) -> Result<Self, Problem> {
        let mut bytes = Bytes::at(message, 0, "a data layout")?;
        bytes.version(&[3])?;
        match bytes.u8()? {
            0 => {
                let size = usize::from(bytes.u16()?);
                Ok(Layout::Compact(bytes.take(size)?.to_vec()))
            }
            1 => Ok(Layout::Contiguous(bytes.u64()?, bytes.u64()?)),
            2 => {
                let dimensions = usize::from(bytes.u8()?);
                if dimensions != rank + 1 {
                    return malformed(format!("chunks have {dimensions} sizes; expected {}", rank + 1));
                }
                let tree = bytes.u64()?;
                let mut chunk = Vec::new();
                for _ in 0..rank {
                    chunk.push(bytes.u32()? as usize);
                }
                match chunk.contains(&0) {
                    false => Ok(Layout::Chunked(tree, chunk)),
                    true => malformed("chunks have a size of 0"),
                }
            }
            other => malformed(format!("a data layout has class {other}; expected 0, 1 or 2")),
        }
    }
}

/// Numbers of the filters, in the order in which they were applied.
fn filters(message: &[u8]) -> Result<Vec<u16>, Problem> {
    let mut bytes = Bytes::at(message, 0, "a list of filters")?;
    let version = bytes.version(&[1, 2])?;
    let count = bytes.u8()?;
    if version == 1 {
        bytes.skip(6)?;
    }
    let mut found = Vec::new();
    for _ in 0..count {
        let id = bytes.u16()?;
        let name = if version == 1 || id >= 256 { usize::from(bytes.u16()?) } else { 0 };
        bytes.skip(2)?;
        let values = usize::from(bytes.u16()?);
        bytes.skip(if version == 1 { name.next_multiple_of(8) } else { name })?;
        bytes.skip(4 * values)?;
        if version == 1 && values % 2 == 1 {
            bytes.skip(4)?;
        }
        if !matches!(id, DEFLATE | SHUFFLE) || found.contains(&id) {
            return malformed(format!(
                "a dataset went through filter {id}; only gzip (1) and shuffle (2) are read, each once"
            ));
        }
        found.push(id);
    }
    Ok(found)
}

fn unfilter(bytes: &[u8], filters: &[u16], expected: u64, element: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = bytes.to_vec();
    for filter in filters.iter().rev() {
        bytes = match *filter {
            DEFLATE => {
                let mut out = Vec::new();
                match ZlibDecoder::new(bytes.as_slice()).take(expected + 1).read_to_end(&mut out) {
                    Ok(_) => out,
                    Err(error) => return malformed(format!("a chunk cannot be unpacked: {error}")),
                }
            }
            // The first bytes of all elements, then the second ones, and so on.
            _ => {
                let count = bytes.len() / element;
                let mut out = bytes.clone();
                for (place, byte) in bytes.iter().take(count * element).enumerate() {
                    out[place % count * element + place / count] = *byte;
                }
                out
            }
        };
    }
    match bytes.len() as u64 == expected {
        true => Ok(bytes),
        false => malformed(format!("a chunk has {} bytes; expected {expected}", bytes.len())),
    }
}

/// Where a chunk lies.
struct ChunkPlace {
    size: u32,
    filter_mask: u32,
    offsets: Vec<usize>,
    address: u64,
}

fn chunks(file: &[u8], tree: u64, rank: usize, most: usize) -> Result<Vec<ChunkPlace>, Problem> {
    let mut found = Vec::new();
    let mut nodes = vec![(tree, None)];
    let mut visited = 0;
    while let Some((address, level)) = nodes.pop() {
        visited += 1;
        if visited > 2 * most + 16 {
            return malformed(format!("the tree of chunks at byte {tree} does not end"));
        }
        let mut bytes = Bytes::at(file, address, "a tree of chunks")?;
        bytes.signature(b"TREE")?;
        bytes.version(&[1])?;
        let own = bytes.u8()?;
        if level.is_some_and(|level| own != level) {
            return malformed(format!("the tree of chunks at byte {tree} is not in order"));
        }
        let entries = bytes.u16()?;
        bytes.skip(16)?;
        for _ in 0..entries {
            let (size, filter_mask) = (bytes.u32()?, bytes.u32()?);
            let mut offsets = Vec::new();
            for _ in 0..rank {
                offsets.push(usize::try_from(bytes.u64()?).unwrap_or(usize::MAX));
            }
            bytes.skip(8)?;
            let address = bytes.u64()?;
            match own.checked_sub(1) {
                Some(below) => nodes.push((address, Some(below))),
                None => found.push(ChunkPlace { size, filter_mask, offsets, address }),
            }
            if found.len() > most || nodes.len() > 2 * most + 16 {
                return malformed(format!("the tree of chunks at byte {tree} has more than {most}"));
            }
        }
    }
    Ok(found)
}

/// Copies the part of a chunk that is inside the dataset, by rows of the last dimension.
fn copy_chunk(
    bytes: &[u8],
    chunk: &[usize],
    offsets: &[usize],
    out: &mut [u8],
    shape: &[usize],
    element: usize,
) {
    let Some((&width, outer)) = chunk.split_last() else {
        out.copy_from_slice(bytes);
        return;
    };
    let last = outer.len();
    let copied = width.min(shape[last] - offsets[last]) * element;
    for (row, from) in bytes.chunks_exact(width * element).enumerate() {
        // The place of this row in each outer dimension, and from it the row of the dataset.
        let (mut rest, mut to, mut stride, mut inside) = (row, 0, 1, true);
        for axis in (0..last).rev() {
            let place = offsets[axis] + rest % chunk[axis];
            rest /= chunk[axis];
            inside &= place < shape[axis];
            to += place * stride;
            stride *= shape[axis];
        }
        if inside {
            let to = (to * shape[last] + offsets[last]) * element;
            out[to..to + copied].copy_from_slice(&from[..copied]);
        }
    }
}

fn numbers(bytes: &[u8], datatype: Datatype, expected: u64) -> Result<Vec<f32>, Problem> {
    if bytes.len() as u64 != expected {
        return malformed(format!("a dataset has {} bytes; expected {expected}", bytes.len()));
    }
    let number =
        |bytes: &[u8]| -> u64 { bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)) };
    let each = bytes.chunks_exact(datatype.size().max(1));
    Ok(match datatype {
        Datatype::F16 => each.map(|bytes| half::f16::from_bits(number(bytes) as u16).to_f32()).collect(),
        Datatype::F32 => each.map(|bytes| f32::from_bits(number(bytes) as u32)).collect(),
        Datatype::F64 => each.map(|bytes| f64::from_bits(number(bytes)) as f32).collect(),
        Datatype::Integer { size, signed } => each
            .map(|bytes| match signed {
                true => {
                    let unused = 64 - 8 * size as u32;
                    ((number(bytes) << unused) as i64 >> unused) as f32
                }
                false => number(bytes) as f32,
            })
            .collect(),
        Datatype::Text(_) | Datatype::VariableText => Vec::new(),
    })
}

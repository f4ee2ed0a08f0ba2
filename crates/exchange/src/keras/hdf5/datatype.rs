//! What one element of a dataset or an attribute is, and how many there are.

use super::bytes::{Bytes, Problem, malformed};

/// The most values of one dataset.
const MOST_VALUES: u64 = 1 << 32;

/// Deep enough for any tensor of a network.
const MOST_DIMENSIONS: u8 = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Datatype {
    F16,
    F32,
    F64,
    /// Whole numbers of so many bytes, with a sign or not.
    Integer {
        size: usize,
        signed: bool,
    },
    /// Text of so many bytes, filled up with zeros.
    Text(usize),
    /// Text of any length, which lies in a global heap.
    VariableText,
}

impl Datatype {
    pub(super) fn size(self) -> usize {
        match self {
            Datatype::F16 => 2,
            Datatype::F32 => 4,
            Datatype::F64 => 8,
            Datatype::Integer { size, .. } | Datatype::Text(size) => size,
            Datatype::VariableText => 16,
        }
    }

    pub(super) fn read(bytes: &mut Bytes<'_>) -> Result<Self, Problem> {
        let head = bytes.u8()?;
        let bits = [bytes.u8()?, bytes.u8()?, bytes.u8()?];
        let size = bytes.u32()?;
        let (class, version) = (head & 15, head >> 4);
        if !(1..=3).contains(&version) {
            return malformed(format!("a datatype has version {version}; expected 1 to 3"));
        }
        let little_endian = bits[0] & 1 == 0;
        match class {
            0 if little_endian && matches!(size, 1 | 2 | 4 | 8) => {
                let (offset, precision) = (bytes.u16()?, bytes.u16()?);
                match offset == 0 && u32::from(precision) == 8 * size {
                    true => Ok(Datatype::Integer { size: size as usize, signed: bits[0] & 8 != 0 }),
                    false => malformed("a type of whole numbers leaves bits out"),
                }
            }
            1 if little_endian && bits[0] & 0x40 == 0 => {
                let (offset, precision) = (bytes.u16()?, bytes.u16()?);
                let fields = [bytes.u8()?, bytes.u8()?, bytes.u8()?, bytes.u8()?];
                let bias = bytes.u32()?;
                match (size, offset, precision, fields, bias, bits[1]) {
                    (2, 0, 16, [10, 5, 0, 10], 15, 15) => Ok(Datatype::F16),
                    (4, 0, 32, [23, 8, 0, 23], 127, 31) => Ok(Datatype::F32),
                    (8, 0, 64, [52, 11, 0, 52], 1023, 63) => Ok(Datatype::F64),
                    _ => malformed(format!(
                        "a floating-point type of {size} bytes is none of IEEE's half, single and double"
                    )),
                }
            }
            0 | 1 => malformed("numbers are big-endian or of an odd size; expected little-endian"),
            3 => Ok(Datatype::Text(size as usize)),
            9 if bits[0] & 15 == 1 && size == 16 => Ok(Datatype::VariableText),
            _ => malformed(format!(
                "a datatype has class {class}; expected whole numbers, floating point or text"
            )),
        }
    }
}

/// Sizes of a dataset or an attribute; none for a single value.
pub(super) fn dataspace(bytes: &mut Bytes<'_>) -> Result<Vec<usize>, Problem> {
    let version = bytes.version(&[1, 2])?;
    let (rank, _flags, kind) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
    match (version, kind) {
        (1, _) => bytes.skip(4)?,
        // A null dataspace has no value at all.
        (_, 2) => return Ok(vec![0]),
        _ => {}
    }
    if rank > MOST_DIMENSIONS {
        return Err(Problem::TooLarge {
            what: "the number of dimensions".into(),
            found: rank.into(),
            limit: MOST_DIMENSIONS.into(),
        });
    }
    let mut shape = Vec::new();
    let mut values = 1u64;
    for _ in 0..rank {
        let size = bytes.u64()?;
        values = values.saturating_mul(size.max(1));
        if values > MOST_VALUES {
            return Err(Problem::TooLarge {
                what: "the number of values of one dataset".into(),
                found: values,
                limit: MOST_VALUES,
            });
        }
        shape.push(size as usize);
    }
    Ok(shape)
}

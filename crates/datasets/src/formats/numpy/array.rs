//! An array as NumPy saves it.

use std::io::Read;
use std::path::Path;

use fireclay_data::Bytes;

use super::NumpyProblem;
use super::header::{NpyHeader, NpyKind, refuse};
use crate::DatasetsError;
use crate::formats::whole;

/// The most one array may take.
pub(super) const MOST_BYTES: u64 = 8 << 30;

/// What memory is taken ahead of the bytes that fill it.
const MOST_AHEAD: u64 = 1 << 24;

/// An array of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct NpyArray {
    /// The dimensions; none for a single value.
    pub shape: Vec<usize>,
    /// The values, with the last dimension fastest, however the file had them.
    pub values: NpyValues,
}

/// The values of an [`NpyArray`]; halves are widened to `F32`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
#[non_exhaustive]
pub enum NpyValues {
    Bool(Vec<bool>),
    U8(Bytes),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl NpyArray {
    /// Reads an `.npy` file, of version 1.0 to 3.0: booleans, integers and floats of up to 64 bits, of either byte
    /// order and either order of dimensions. Python objects are refused: they would be a pickle.
    ///
    /// Memory stays within twice the file's own size, at most 8 GiB of values. Bytes whose last dimension is fastest
    /// stay in their file where they are more than [`Bytes::MAP_ABOVE`], see [`Bytes::read_or_map`].
    ///
    /// ```
    /// use fireclay_datasets::{NpyArray, NpyValues};
    ///
    /// # fn main() -> Result<(), fireclay_datasets::DatasetsError> {
    /// let text = b"{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }\n";
    /// let values = [0, 1, 0, 2, 0, 3, 0, 4];
    /// let file = [b"\x93NUMPY\x01\x00", &(text.len() as u16).to_le_bytes()[..], text, &values].concat();
    /// let array = NpyArray::from_bytes("square.npy", &file)?;
    /// assert_eq!((array.shape, array.values), (vec![2, 2], NpyValues::I16(vec![1, 3, 2, 4])));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DatasetsError::File`] if it is not such an array, or holds fewer or more bytes than its header promises.
    pub fn read(path: &Path) -> Result<Self, DatasetsError> {
        Self::read_or_map(path, Bytes::MAP_ABOVE)
    }

    /// As [`NpyArray::read`], with another limit above which bytes stay in their file.
    ///
    /// # Errors
    /// As [`NpyArray::read`].
    pub fn read_or_map(path: &Path, map_above: u64) -> Result<Self, DatasetsError> {
        let (mut file, file_bytes) = whole::open(path, "a NumPy array (.npy)")?;
        let read_error = |source| DatasetsError::Read { path: path.to_owned(), source };
        let header = NpyHeader::from_reader(&mut file).map_err(read_error)?;
        let header = header.and_then(|header| header.check_file_bytes(file_bytes));
        let header = header.map_err(|problem| refuse(path, problem))?;
        if let (Some(offset), Ok(len)) = (header.mappable_bytes(), usize::try_from(header.data_bytes))
            && header.data_bytes > map_above
        {
            let values = NpyValues::U8(Bytes::read_or_map(path, offset, len, map_above)?);
            return Ok(Self { shape: header.shape, values });
        }
        let values = read_values(&header, &mut file).map_err(read_error)?;
        values.and_then(|values| Self::new(header, values)).map_err(|problem| refuse(path, problem))
    }

    /// As [`NpyArray::read`], from a file's bytes; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`NpyArray::read`].
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Self, DatasetsError> {
        let read = || -> std::io::Result<Result<Self, NumpyProblem>> {
            let mut rest = bytes;
            let header = match NpyHeader::from_reader(&mut rest)? {
                Ok(header) => header.check_file_bytes(bytes.len() as u64),
                Err(problem) => Err(problem),
            };
            match header {
                Ok(header) => {
                    Ok(read_values(&header, &mut rest)?.and_then(|values| Self::new(header, values)))
                }
                Err(problem) => Ok(Err(problem)),
            }
        };
        let path = Path::new(name);
        let outcome = read().map_err(|source| DatasetsError::Read { path: path.to_owned(), source })?;
        outcome.map_err(|problem| refuse(path, problem))
    }

    /// From the bytes of the values, as many as the header promises.
    pub(super) fn new(header: NpyHeader, bytes: Vec<u8>) -> Result<Self, NumpyProblem> {
        let values = decode(&header, bytes);
        Ok(Self { values, shape: header.shape })
    }
}

/// As many bytes as the header promises.
pub(super) fn read_values(
    header: &NpyHeader,
    input: &mut impl Read,
) -> std::io::Result<Result<Vec<u8>, NumpyProblem>> {
    let expected = header.data_bytes;
    if expected > MOST_BYTES || usize::try_from(expected).is_err() {
        return Ok(Err(NumpyProblem::TooLarge { bytes: expected, limit: MOST_BYTES }));
    }
    let mut bytes = Vec::with_capacity(expected.min(MOST_AHEAD) as usize);
    input.by_ref().take(expected).read_to_end(&mut bytes)?;
    let found = bytes.len() as u64;
    match found == expected {
        true => Ok(Ok(bytes)),
        false => Ok(Err(NumpyProblem::Size { expected, found: found.to_string() })),
    }
}

impl NpyValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            NpyValues::Bool(values) => values.len(),
            NpyValues::U8(values) => values.len(),
            NpyValues::I8(values) => values.len(),
            NpyValues::U16(values) => values.len(),
            NpyValues::I16(values) => values.len(),
            NpyValues::U32(values) => values.len(),
            NpyValues::I32(values) => values.len(),
            NpyValues::U64(values) => values.len(),
            NpyValues::I64(values) => values.len(),
            NpyValues::F32(values) => values.len(),
            NpyValues::F64(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values as 32-bit floats, each rounded to the nearest.
    pub fn to_f32(&self) -> Vec<f32> {
        match self {
            NpyValues::Bool(values) => values.iter().map(|v| f32::from(u8::from(*v))).collect(),
            NpyValues::U8(values) => values.iter().map(|v| f32::from(*v)).collect(),
            NpyValues::I8(values) => values.iter().map(|v| f32::from(*v)).collect(),
            NpyValues::U16(values) => values.iter().map(|v| f32::from(*v)).collect(),
            NpyValues::I16(values) => values.iter().map(|v| f32::from(*v)).collect(),
            NpyValues::U32(values) => values.iter().map(|v| *v as f32).collect(),
            NpyValues::I32(values) => values.iter().map(|v| *v as f32).collect(),
            NpyValues::U64(values) => values.iter().map(|v| *v as f32).collect(),
            NpyValues::I64(values) => values.iter().map(|v| *v as f32).collect(),
            NpyValues::F32(values) => values.clone(),
            NpyValues::F64(values) => values.iter().map(|v| *v as f32).collect(),
        }
    }

    /// The values as whole numbers; `None` for floats.
    pub(super) fn integers(&self) -> Option<Box<dyn Iterator<Item = i128> + '_>> {
        Some(match self {
            NpyValues::Bool(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::U8(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::I8(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::U16(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::I16(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::U32(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::I32(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::U64(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::I64(values) => Box::new(values.iter().map(|v| i128::from(*v))),
            NpyValues::F32(_) | NpyValues::F64(_) => return None,
        })
    }
}

fn decode(header: &NpyHeader, bytes: Vec<u8>) -> NpyValues {
    /// Values of one type from their bytes, in the order of the last dimension.
    macro_rules! values {
        ($type:ty) => {{
            let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
            let convert = match header.big_endian {
                true => <$type>::from_be_bytes,
                false => <$type>::from_le_bytes,
            };
            last_fastest(header, chunks.iter().map(|chunk| convert(*chunk)).collect())
        }};
    }
    match header.kind {
        NpyKind::Bool => {
            let values = last_fastest(header, bytes);
            NpyValues::Bool(values.into_iter().map(|byte| byte != 0).collect())
        }
        NpyKind::U8 => NpyValues::U8(last_fastest(header, bytes).into()),
        NpyKind::I8 => NpyValues::I8(values!(i8)),
        NpyKind::U16 => NpyValues::U16(values!(u16)),
        NpyKind::I16 => NpyValues::I16(values!(i16)),
        NpyKind::U32 => NpyValues::U32(values!(u32)),
        NpyKind::I32 => NpyValues::I32(values!(i32)),
        NpyKind::U64 => NpyValues::U64(values!(u64)),
        NpyKind::I64 => NpyValues::I64(values!(i64)),
        NpyKind::F16 => NpyValues::F32(values!(u16).into_iter().map(widen).collect()),
        NpyKind::F32 => NpyValues::F32(values!(f32)),
        NpyKind::F64 => NpyValues::F64(values!(f64)),
    }
}

/// Brings values whose first dimension is fastest to the order in which the last one is.
fn last_fastest<T: Copy>(header: &NpyHeader, values: Vec<T>) -> Vec<T> {
    let shape = &header.shape;
    if !header.fortran_order || shape.len() < 2 || values.is_empty() {
        return values;
    }
    // How far apart neighbours of each dimension lie in the file.
    let strides: Vec<usize> = (shape.iter())
        .scan(1, |stride, dim| {
            let this = *stride;
            *stride *= dim;
            Some(this)
        })
        .collect();
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        ordered.push(values[at]);
        for dim in (0..shape.len()).rev() {
            index[dim] += 1;
            at += strides[dim];
            if index[dim] < shape[dim] {
                break;
            }
            at -= strides[dim] * shape[dim];
            index[dim] = 0;
        }
    }
    ordered
}

/// A half of IEEE 754 as a float: every one of them is one.
fn widen(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let (exponent, fraction) = (u32::from(half >> 10) & 0x1f, u32::from(half) & 0x3ff);
    let magnitude = match exponent {
        // Subnormal: the fraction counts steps of 2^-24.
        0 => (fraction as f32 / 16_777_216.0).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        for (half, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65_504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0x7c00, f32::INFINITY),
        ] {
            assert_eq!(widen(half), value, "{half:x}");
        }
        assert!(widen(0x7e00).is_nan() && widen(0x8000).is_sign_negative());
    }
}

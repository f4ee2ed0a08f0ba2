//! The kinds of numbers that files hold, and how each becomes an f32.

use std::fmt;

use half::{bf16, f16};
use safetensors::Dtype;

/// A kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// 64-bit floating point.
    F64,
    /// 32-bit floating point.
    F32,
    /// IEEE 754's 16 bits.
    F16,
    /// The upper half of an f32.
    BF16,
    /// 64-bit whole number with a sign.
    I64,
    /// 32-bit whole number with a sign.
    I32,
    /// 16-bit whole number with a sign.
    I16,
    /// 8-bit whole number with a sign.
    I8,
    /// 8-bit whole number.
    U8,
    /// A byte that is 0 or 1.
    Bool,
}

impl ElementType {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            ElementType::F64 | ElementType::I64 => 8,
            ElementType::F32 | ElementType::I32 => 4,
            ElementType::F16 | ElementType::BF16 | ElementType::I16 => 2,
            ElementType::I8 | ElementType::U8 | ElementType::Bool => 1,
        }
    }

    /// `FloatStorage`, as PyTorch calls the storages.
    pub(super) fn of_storage(class: &str) -> Option<Self> {
        Some(match class {
            "DoubleStorage" => ElementType::F64,
            "FloatStorage" => ElementType::F32,
            "HalfStorage" => ElementType::F16,
            "BFloat16Storage" => ElementType::BF16,
            "LongStorage" => ElementType::I64,
            "IntStorage" => ElementType::I32,
            "ShortStorage" => ElementType::I16,
            "CharStorage" => ElementType::I8,
            "ByteStorage" => ElementType::U8,
            "BoolStorage" => ElementType::Bool,
            _ => return None,
        })
    }

    /// `float32`, as PyTorch calls the kinds.
    pub(super) fn of_dtype(name: &str) -> Option<Self> {
        Some(match name {
            "float64" => ElementType::F64,
            "float32" => ElementType::F32,
            "float16" => ElementType::F16,
            "bfloat16" => ElementType::BF16,
            "int64" => ElementType::I64,
            "int32" => ElementType::I32,
            "int16" => ElementType::I16,
            "int8" => ElementType::I8,
            "uint8" => ElementType::U8,
            "bool" => ElementType::Bool,
            _ => return None,
        })
    }

    /// As safetensors call it.
    pub(super) fn of_safetensors(dtype: Dtype) -> Option<Self> {
        Some(match dtype {
            Dtype::F64 => ElementType::F64,
            Dtype::F32 => ElementType::F32,
            Dtype::F16 => ElementType::F16,
            Dtype::BF16 => ElementType::BF16,
            Dtype::I64 => ElementType::I64,
            Dtype::I32 => ElementType::I32,
            Dtype::I16 => ElementType::I16,
            Dtype::I8 => ElementType::I8,
            Dtype::U8 => ElementType::U8,
            Dtype::BOOL => ElementType::Bool,
            _ => return None,
        })
    }

    /// The number that these bytes are, the smallest byte first, if an f32 can stand for it: a finite f64 must be within
    /// f32's range and is rounded, a whole number must be one of those that f32 has.
    pub(super) fn to_f32(self, bytes: &[u8]) -> Result<f32, f64> {
        let whole = |number: i64| {
            let near = number as f32;
            if near as i128 == i128::from(number) { Ok(near) } else { Err(number as f64) }
        };
        match (self, bytes) {
            (ElementType::F32, &[a, b, c, d]) => Ok(f32::from_le_bytes([a, b, c, d])),
            (ElementType::F16, &[a, b]) => Ok(f16::from_le_bytes([a, b]).to_f32()),
            (ElementType::BF16, &[a, b]) => Ok(bf16::from_le_bytes([a, b]).to_f32()),
            (ElementType::F64, &[a, b, c, d, e, f, g, h]) => {
                let number = f64::from_le_bytes([a, b, c, d, e, f, g, h]);
                let near = number as f32;
                if near.is_finite() == number.is_finite() { Ok(near) } else { Err(number) }
            }
            (ElementType::I64, &[a, b, c, d, e, f, g, h]) => {
                whole(i64::from_le_bytes([a, b, c, d, e, f, g, h]))
            }
            (ElementType::I32, &[a, b, c, d]) => whole(i32::from_le_bytes([a, b, c, d]).into()),
            (ElementType::I16, &[a, b]) => whole(i16::from_le_bytes([a, b]).into()),
            (ElementType::I8, &[a]) => whole(i8::from_le_bytes([a]).into()),
            (ElementType::U8 | ElementType::Bool, &[a]) => whole(a.into()),
            _ => Err(f64::NAN),
        }
    }
}

/// As PyTorch writes it: `float32`.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ElementType::F64 => "float64",
            ElementType::F32 => "float32",
            ElementType::F16 => "float16",
            ElementType::BF16 => "bfloat16",
            ElementType::I64 => "int64",
            ElementType::I32 => "int32",
            ElementType::I16 => "int16",
            ElementType::I8 => "int8",
            ElementType::U8 => "uint8",
            ElementType::Bool => "bool",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_f32_lacks_are_refused() {
        assert_eq!(ElementType::I64.to_f32(&16_777_216i64.to_le_bytes()), Ok(16_777_216.0));
        assert_eq!(ElementType::I64.to_f32(&16_777_217i64.to_le_bytes()), Err(16_777_217.0));
        assert_eq!(ElementType::I64.to_f32(&i64::MIN.to_le_bytes()), Ok(i64::MIN as f32));
        assert_eq!(ElementType::I8.to_f32(&[0xff]), Ok(-1.0));
        assert_eq!(ElementType::F64.to_f32(&0.1f64.to_le_bytes()), Ok(0.1));
        assert_eq!(ElementType::F64.to_f32(&1e300f64.to_le_bytes()), Err(1e300));
        assert_eq!(ElementType::F64.to_f32(&f64::INFINITY.to_le_bytes()), Ok(f32::INFINITY));
        assert_eq!(ElementType::F16.to_f32(&f16::from_f32(1.5).to_le_bytes()), Ok(1.5));
        assert_eq!(ElementType::BF16.to_f32(&bf16::from_f32(-2.5).to_le_bytes()), Ok(-2.5));
        assert_eq!(ElementType::Bool.to_f32(&[1]), Ok(1.0));
    }
}

//! Tensors as requests bring them and answers carry them: a name, a type, a shape, and the values in row-major order.

use std::fmt;

use half::{bf16, f16};
use serde_json::{Number, Value};

use crate::refusal::Refusal;

/// The type of a tensor's elements, by the names of the Open Inference Protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datatype {
    /// `true` or `false`, a byte each.
    Bool,
    /// 8 bits without sign.
    Uint8,
    /// 16 bits without sign.
    Uint16,
    /// 32 bits without sign.
    Uint32,
    /// 64 bits without sign.
    Uint64,
    /// 8 bits.
    Int8,
    /// 16 bits.
    Int16,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
    /// IEEE 754 half precision.
    Fp16,
    /// The upper half of single precision.
    Bf16,
    /// IEEE 754 single precision.
    Fp32,
    /// IEEE 754 double precision.
    Fp64,
    /// Texts, or bytes of any number.
    Bytes,
}

impl Datatype {
    const ALL: [(&'static str, Datatype); 14] = [
        ("BOOL", Datatype::Bool),
        ("UINT8", Datatype::Uint8),
        ("UINT16", Datatype::Uint16),
        ("UINT32", Datatype::Uint32),
        ("UINT64", Datatype::Uint64),
        ("INT8", Datatype::Int8),
        ("INT16", Datatype::Int16),
        ("INT32", Datatype::Int32),
        ("INT64", Datatype::Int64),
        ("FP16", Datatype::Fp16),
        ("BF16", Datatype::Bf16),
        ("FP32", Datatype::Fp32),
        ("FP64", Datatype::Fp64),
        ("BYTES", Datatype::Bytes),
    ];

    /// The type of a name such as `FP32`.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, datatype)| *datatype)
    }

    /// `FP32`
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, datatype)| *datatype == self).map_or("", |(name, _)| name)
    }

    /// Bytes of an element; `None` where elements differ in it.
    pub fn size(self) -> Option<usize> {
        match self {
            Datatype::Bool | Datatype::Uint8 | Datatype::Int8 => Some(1),
            Datatype::Uint16 | Datatype::Int16 | Datatype::Fp16 | Datatype::Bf16 => Some(2),
            Datatype::Uint32 | Datatype::Int32 | Datatype::Fp32 => Some(4),
            Datatype::Uint64 | Datatype::Int64 | Datatype::Fp64 => Some(8),
            Datatype::Bytes => None,
        }
    }
}

impl fmt::Display for Datatype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The values of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub enum Elements {
    /// `UINT8`
    Bytes(Vec<u8>),
    /// Whole numbers of other types, and truth values as 0 and 1.
    Integers(Vec<i128>),
    /// `FP16`, `BF16` and `FP32`
    Floats(Vec<f32>),
    /// `FP64`
    Doubles(Vec<f64>),
    /// `BYTES`; of JSON's texts their UTF-8. `None` is JSON's null, a value that is missing.
    Texts(Vec<Option<Vec<u8>>>),
    /// Cells of a table's column, where a protocol has no types.
    Cells(Vec<Cell>),
}

/// A cell of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Not there.
    Missing,
    /// A number, however the training rows wrote theirs.
    Number(f64),
    /// True or false, however the training rows wrote them.
    Flag(bool),
    /// As it is written.
    Text(String),
}

impl Cell {
    /// A whole number, which stays as it is however large, as it may name something.
    pub fn integer(value: i128) -> Self {
        match value.unsigned_abs() < 1 << f64::MANTISSA_DIGITS {
            true => Cell::Number(value as f64),
            false => Cell::Text(value.to_string()),
        }
    }
}

/// A tensor with its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub datatype: Datatype,
    /// Its shape, of which the first number is that of the samples.
    pub shape: Vec<usize>,
    /// As many as the shape says.
    pub elements: Elements,
}

impl Tensor {
    /// A tensor of values as they lie in a request: little-endian, and before each text its length in four bytes.
    ///
    /// # Errors
    /// If the bytes are not those of as many elements as the shape has.
    pub fn from_binary(
        name: &str,
        datatype: Datatype,
        shape: &[usize],
        bytes: &[u8],
    ) -> Result<Self, Refusal> {
        let count = count(name, shape)?;
        let elements = match datatype.size() {
            Some(size) if count.checked_mul(size) != Some(bytes.len()) => {
                return Err(Refusal::bad(format!(
                    "input {name:?} is {datatype} of shape {shape:?}, which is {} bytes; its binary data has {}",
                    count.saturating_mul(size),
                    bytes.len()
                )));
            }
            Some(_) => fixed(datatype, bytes),
            None => Elements::Texts(texts(name, count, bytes)?),
        };
        Tensor { name: name.to_owned(), datatype, shape: shape.to_vec(), elements }.checked()
    }

    /// A tensor of values as they stand in JSON, without the lists around them.
    ///
    /// # Errors
    /// If there are more or less than the shape says, or one is not of the type.
    pub fn from_json(
        name: &str,
        datatype: Datatype,
        shape: &[usize],
        values: Vec<Value>,
    ) -> Result<Self, Refusal> {
        let count = count(name, shape)?;
        if values.len() != count {
            return Err(Refusal::bad(format!(
                "input {name:?} has shape {shape:?}, which is {count} values; its data has {}",
                values.len()
            )));
        }
        let wrong = |value: &Value| {
            let found: String = value.to_string().chars().take(40).collect();
            Refusal::bad(format!("input {name:?} is {datatype}, and one of its values is {found}"))
        };
        let numbers = || values.iter().map(|value| value.as_number().ok_or_else(|| wrong(value)));
        let elements = match datatype {
            Datatype::Bytes => Elements::Texts(
                values
                    .iter()
                    .map(|value| match value {
                        Value::Null => Ok(None),
                        Value::String(text) => Ok(Some(text.clone().into_bytes())),
                        other => Err(wrong(other)),
                    })
                    .collect::<Result<_, _>>()?,
            ),
            Datatype::Fp64 => Elements::Doubles(
                numbers().map(|number| Ok(double(number?))).collect::<Result<_, Refusal>>()?,
            ),
            Datatype::Fp32 | Datatype::Fp16 | Datatype::Bf16 => Elements::Floats(
                numbers().map(|number| Ok(double(number?) as f32)).collect::<Result<_, Refusal>>()?,
            ),
            Datatype::Bool => Elements::Integers(
                values
                    .iter()
                    .map(|value| value.as_bool().map(i128::from).ok_or_else(|| wrong(value)))
                    .collect::<Result<_, _>>()?,
            ),
            _ => {
                let [least, most] = range(datatype);
                let whole = |value: &Value| {
                    let number = value.as_number().and_then(Number::as_i128);
                    number.filter(|number| (least..=most).contains(number)).ok_or_else(|| wrong(value))
                };
                let numbers = values.iter().map(whole).collect::<Result<Vec<i128>, _>>()?;
                match datatype {
                    Datatype::Uint8 => {
                        Elements::Bytes(numbers.into_iter().map(|number| number as u8).collect())
                    }
                    _ => Elements::Integers(numbers),
                }
            }
        };
        Tensor { name: name.to_owned(), datatype, shape: shape.to_vec(), elements }.checked()
    }

    /// A tensor of `FP32`, of as many numbers as the shape says, all of which are finite.
    pub(crate) fn of_floats(name: &str, shape: Vec<usize>, numbers: Vec<f32>) -> Self {
        Tensor { name: name.to_owned(), datatype: Datatype::Fp32, shape, elements: Elements::Floats(numbers) }
    }

    /// Samples in it.
    pub fn samples(&self) -> usize {
        self.shape.first().copied().unwrap_or(0)
    }

    /// No number of it is NaN or infinite.
    fn checked(self) -> Result<Self, Refusal> {
        let place = match &self.elements {
            Elements::Floats(values) => values.iter().position(|value| !value.is_finite()),
            Elements::Doubles(values) => values.iter().position(|value| !value.is_finite()),
            _ => None,
        };
        match place {
            Some(place) => Err(Refusal::bad(format!(
                "value {place} of input {:?} is NaN, infinite or too large for {}; a missing value of a table is null or an \
                 empty text in a tensor of BYTES",
                self.name, self.datatype
            ))),
            None => Ok(self),
        }
    }
}

/// The shortest decimal that is this number again: 0.1, and not 0.10000000149.
pub(crate) fn shortest(value: f32) -> f64 {
    match value.is_finite() {
        true => fast_float2::parse(zmij::Buffer::new().format_finite(value)).unwrap_or(f64::from(value)),
        false => f64::from(value),
    }
}

/// Axes of a tensor at most.
const MOST_AXES: usize = 16;

/// How many elements a shape has.
///
/// # Errors
/// If it has none, or more axes or elements than can be.
pub(crate) fn count(name: &str, shape: &[usize]) -> Result<usize, Refusal> {
    if shape.len() > MOST_AXES {
        return Err(Refusal::bad(format!(
            "input {name:?} has {} axes; expected {MOST_AXES} at most",
            shape.len()
        )));
    }
    let count = shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size));
    match (shape, count) {
        ([], _) => Err(Refusal::bad(format!(
            "input {name:?} has no shape; its first number is that of the samples, as in [1, 4]"
        ))),
        (_, None) => {
            Err(Refusal::bad(format!("input {name:?} has shape {shape:?}, which is more than can be")))
        }
        (_, Some(count)) => Ok(count),
    }
}

fn double(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// The least and the most number of a type.
fn range(datatype: Datatype) -> [i128; 2] {
    match datatype {
        Datatype::Uint8 => [0, u8::MAX.into()],
        Datatype::Uint16 => [0, u16::MAX.into()],
        Datatype::Uint32 => [0, u32::MAX.into()],
        Datatype::Uint64 => [0, u64::MAX.into()],
        Datatype::Int8 => [i8::MIN.into(), i8::MAX.into()],
        Datatype::Int16 => [i16::MIN.into(), i16::MAX.into()],
        Datatype::Int32 => [i32::MIN.into(), i32::MAX.into()],
        _ => [i64::MIN.into(), i64::MAX.into()],
    }
}

/// Elements of a type that has a size, from as many bytes as they have.
fn fixed(datatype: Datatype, bytes: &[u8]) -> Elements {
    fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (elements, _) = bytes.as_chunks::<N>();
        elements.iter().map(|bytes| number(*bytes)).collect()
    }
    match datatype {
        Datatype::Uint8 => Elements::Bytes(bytes.to_vec()),
        Datatype::Bool => Elements::Integers(bytes.iter().map(|byte| i128::from(*byte != 0)).collect()),
        Datatype::Int8 => Elements::Integers(each(bytes, |bytes| i8::from_le_bytes(bytes).into())),
        Datatype::Uint16 => Elements::Integers(each(bytes, |bytes| u16::from_le_bytes(bytes).into())),
        Datatype::Int16 => Elements::Integers(each(bytes, |bytes| i16::from_le_bytes(bytes).into())),
        Datatype::Uint32 => Elements::Integers(each(bytes, |bytes| u32::from_le_bytes(bytes).into())),
        Datatype::Int32 => Elements::Integers(each(bytes, |bytes| i32::from_le_bytes(bytes).into())),
        Datatype::Uint64 => Elements::Integers(each(bytes, |bytes| u64::from_le_bytes(bytes).into())),
        Datatype::Int64 => Elements::Integers(each(bytes, |bytes| i64::from_le_bytes(bytes).into())),
        Datatype::Fp16 => Elements::Floats(each(bytes, |bytes| f16::from_le_bytes(bytes).to_f32())),
        Datatype::Bf16 => Elements::Floats(each(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32())),
        Datatype::Fp32 => Elements::Floats(each(bytes, f32::from_le_bytes)),
        Datatype::Fp64 => Elements::Doubles(each(bytes, f64::from_le_bytes)),
        // It has no size.
        Datatype::Bytes => Elements::Texts(Vec::new()),
    }
}

fn texts(name: &str, count: usize, mut bytes: &[u8]) -> Result<Vec<Option<Vec<u8>>>, Refusal> {
    // Each has four bytes at least, so that a lie about the number takes no memory.
    let mut texts = Vec::with_capacity(count.min(bytes.len() / 4));
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let Some((text, rest)) = rest.split_at_checked(length) else {
            return Err(Refusal::bad(format!(
                "text {} of input {name:?} says it has {length} bytes, and {} follow",
                texts.len(),
                rest.len()
            )));
        };
        texts.push(Some(text.to_vec()));
        bytes = rest;
    }
    match (bytes, texts.len()) {
        ([], found) if found == count => Ok(texts),
        ([], found) => Err(Refusal::bad(format!(
            "input {name:?} has {count} texts by its shape; its binary data has {found}"
        ))),
        (left, _) => Err(Refusal::bad(format!(
            "{} bytes are left over behind the texts of input {name:?}",
            left.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(tensor: Result<Tensor, Refusal>) -> String {
        tensor.expect_err("it is to be refused").to_string()
    }

    #[test]
    fn the_shortest_decimal_of_a_number_is_that_number_again() {
        for bits in (0..u32::MAX).step_by(99_991) {
            let value = f32::from_bits(bits);
            let found = shortest(value);
            if !value.is_finite() {
                assert_eq!(found.to_bits(), f64::from(value).to_bits());
                continue;
            }
            assert_eq!((found as f32).to_bits(), bits, "{value:?}");
            assert_eq!(format!("{found:e}").len(), format!("{value:e}").len(), "{value:?}");
        }
    }

    #[test]
    fn values_are_the_same_in_json_and_in_binary() {
        let cases: [(Datatype, Vec<u8>, Vec<Value>); 9] = [
            (Datatype::Bool, vec![0, 1], vec![json!(false), json!(true)]),
            (Datatype::Uint8, vec![0, 255], vec![json!(0), json!(255)]),
            (Datatype::Int8, vec![0x80, 1], vec![json!(-128), json!(1)]),
            (
                Datatype::Int16,
                [(-2i16).to_le_bytes(), 3i16.to_le_bytes()].concat(),
                vec![json!(-2), json!(3)],
            ),
            (
                Datatype::Uint64,
                [u64::MAX.to_le_bytes(), 1u64.to_le_bytes()].concat(),
                vec![json!(u64::MAX), json!(1)],
            ),
            (Datatype::Fp32, [0.5f32.to_le_bytes(), 2f32.to_le_bytes()].concat(), vec![json!(0.5), json!(2)]),
            (Datatype::Fp16, [0, 0x38, 0, 0x40].to_vec(), vec![json!(0.5), json!(2)]),
            (Datatype::Bf16, [0, 0x3f, 0, 0x40].to_vec(), vec![json!(0.5), json!(2.0)]),
            (Datatype::Bytes, b"\x02\0\0\0ab\0\0\0\0".to_vec(), vec![json!("ab"), json!("")]),
        ];
        for (datatype, binary, json) in cases {
            let binary = Tensor::from_binary("x", datatype, &[2], &binary).unwrap();
            assert_eq!(binary, Tensor::from_json("x", datatype, &[2], json).unwrap());
            assert_eq!(Datatype::from_name(datatype.name()), Some(datatype));
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_with_both_numbers() {
        let binary = |datatype, shape: &[usize], bytes: &[u8]| {
            refused(Tensor::from_binary("x", datatype, shape, bytes))
        };
        assert!(
            binary(Datatype::Fp32, &[2, 3], &[0; 20]).contains("which is 24 bytes; its binary data has 20")
        );
        assert!(binary(Datatype::Fp32, &[usize::MAX, 4], &[]).contains("more than can be"));
        assert!(binary(Datatype::Fp32, &[], &[0; 4]).contains("has no shape"));
        assert!(binary(Datatype::Fp32, &[1; 1_000_000], &[0; 4]).contains("has 1000000 axes"));
        assert!(binary(Datatype::Bytes, &[1], b"\x09\0\0\0ab").contains("says it has 9 bytes, and 2 follow"));
        assert!(binary(Datatype::Bytes, &[1], b"\xff\xff\xff\xffab").contains("4294967295 bytes"));
        assert!(binary(Datatype::Bytes, &[3], b"\0\0\0\0").contains("3 texts by its shape"));
        assert!(binary(Datatype::Bytes, &[1], b"\0\0\0\0abc").contains("3 bytes are left over"));
        assert!(binary(Datatype::Fp32, &[1], &f32::NAN.to_le_bytes()).contains("value 0"));

        let json = |datatype, values: Vec<Value>| refused(Tensor::from_json("x", datatype, &[1], values));
        assert!(json(Datatype::Fp32, vec![]).contains("its data has 0"));
        assert!(json(Datatype::Fp32, vec![json!("one")]).contains("one of its values is \"one\""));
        assert!(json(Datatype::Fp32, vec![json!(1e300)]).contains("too large"));
        assert!(json(Datatype::Uint8, vec![json!(256)]).contains("256"));
        assert!(json(Datatype::Int32, vec![json!(1.5)]).contains("1.5"));
        assert!(json(Datatype::Bytes, vec![json!(1)]).contains("BYTES"));
    }
}

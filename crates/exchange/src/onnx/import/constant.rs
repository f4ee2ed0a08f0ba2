//! Numbers that are in a file.

/// Numbers with a shape, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) struct Constant {
    /// Sizes; none for a single number. Their product is the number of values.
    pub(in crate::onnx) shape: Vec<usize>,
    /// What the file called its type; [`values`](Self::values) are of the type that stands for it here.
    pub(in crate::onnx) element: Element,
    pub(in crate::onnx) values: Values,
}

/// The values of a [`Constant`].
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) enum Values {
    /// From any floating-point type.
    Float(Vec<f32>),
    /// From any type of whole numbers.
    Int(Vec<i64>),
    Bool(Vec<bool>),
}

/// The types of numbers that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::onnx) enum Element {
    Float32,
    Float16,
    BFloat16,
    Float64,
    Int64,
    Int32,
    Int16,
    Int8,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Bool,
}

impl Element {
    /// The type with this number in ONNX, or what to say of it.
    pub(in crate::onnx) fn of(number: i32) -> Result<Self, String> {
        Ok(match number {
            1 => Element::Float32,
            2 => Element::Uint8,
            3 => Element::Int8,
            4 => Element::Uint16,
            5 => Element::Int16,
            6 => Element::Int32,
            7 => Element::Int64,
            9 => Element::Bool,
            10 => Element::Float16,
            11 => Element::Float64,
            12 => Element::Uint32,
            13 => Element::Uint64,
            16 => Element::BFloat16,
            other => {
                let found = match other {
                    0 => "no type".to_owned(),
                    8 => "strings".to_owned(),
                    14 | 15 => "complex numbers".to_owned(),
                    17..=20 => "8-bit floating point".to_owned(),
                    21 | 22 => "4-bit numbers".to_owned(),
                    other => format!("type {other}"),
                };
                return Err(format!(
                    "it has {found}; expected float32, float16, bfloat16, double, bool or whole numbers of 8 to 64 bits"
                ));
            }
        })
    }

    pub(in crate::onnx) fn is_float(self) -> bool {
        matches!(self, Element::Float32 | Element::Float16 | Element::BFloat16 | Element::Float64)
    }

    /// Bytes of one value in `raw_data`.
    pub(super) fn bytes(self) -> usize {
        match self {
            Element::Int8 | Element::Uint8 | Element::Bool => 1,
            Element::Float16 | Element::BFloat16 | Element::Int16 | Element::Uint16 => 2,
            Element::Float32 | Element::Int32 | Element::Uint32 => 4,
            Element::Float64 | Element::Int64 | Element::Uint64 => 8,
        }
    }

    /// As messages call it: `float32`.
    pub(in crate::onnx) fn name(self) -> &'static str {
        match self {
            Element::Float32 => "float32",
            Element::Float16 => "float16",
            Element::BFloat16 => "bfloat16",
            Element::Float64 => "double",
            Element::Int64 => "int64",
            Element::Int32 => "int32",
            Element::Int16 => "int16",
            Element::Int8 => "int8",
            Element::Uint8 => "uint8",
            Element::Uint16 => "uint16",
            Element::Uint32 => "uint32",
            Element::Uint64 => "uint64",
            Element::Bool => "bool",
        }
    }
}

impl Constant {
    /// 64-bit whole numbers in a list, as newer operators take their settings.
    pub(in crate::onnx) fn ints(values: Vec<i64>) -> Self {
        Constant { shape: vec![values.len()], element: Element::Int64, values: Values::Int(values) }
    }

    /// One floating-point number.
    pub(in crate::onnx) fn float(value: f32) -> Self {
        Constant { shape: Vec::new(), element: Element::Float32, values: Values::Float(vec![value]) }
    }

    pub(in crate::onnx) fn as_floats(&self) -> Option<&[f32]> {
        match &self.values {
            Values::Float(values) => Some(values),
            _ => None,
        }
    }

    pub(in crate::onnx) fn as_ints(&self) -> Option<&[i64]> {
        match &self.values {
            Values::Int(values) => Some(values),
            _ => None,
        }
    }

    pub(in crate::onnx) fn as_bools(&self) -> Option<&[bool]> {
        match &self.values {
            Values::Bool(values) => Some(values),
            _ => None,
        }
    }

    /// The only number, of whatever type.
    pub(in crate::onnx) fn single(&self) -> Option<f64> {
        match &self.values {
            Values::Float(values) => {
                <[f32; 1]>::try_from(values.as_slice()).ok().map(|[value]| f64::from(value))
            }
            Values::Int(values) => <[i64; 1]>::try_from(values.as_slice()).ok().map(|[value]| value as f64),
            Values::Bool(values) => {
                <[bool; 1]>::try_from(values.as_slice()).ok().map(|[value]| f64::from(u8::from(value)))
            }
        }
    }

    /// How many values there are.
    pub(in crate::onnx) fn len(&self) -> usize {
        match &self.values {
            Values::Float(values) => values.len(),
            Values::Int(values) => values.len(),
            Values::Bool(values) => values.len(),
        }
    }
}

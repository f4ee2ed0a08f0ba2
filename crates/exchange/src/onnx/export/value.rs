//! Inputs and outputs of a graph, as they are shown and as they are written.

use std::fmt;

use crate::onnx::proto::{
    DataType, Dimension, DimensionValue, TensorShapeProto, TensorType, TypeProto, TypeValue, ValueInfoProto,
};

/// An input or an output of an ONNX model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnnxValue {
    /// By which it is given or asked for: `input`, `logits`.
    pub name: String,
    /// The type of its numbers.
    pub element_type: OnnxType,
    /// Its sizes.
    pub shape: Vec<OnnxSize>,
    /// What it is, in words.
    pub description: String,
}

/// The type of the numbers in an input or an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnnxType {
    /// 32-bit floating point.
    Float32,
    /// 64-bit whole numbers.
    Int64,
    /// Bytes.
    Uint8,
}

/// One size of an input or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnnxSize {
    /// Always the same.
    Fixed(usize),
    /// Any number, which is the same wherever the name is: `batch`, `steps`.
    Any(String),
}

impl From<usize> for OnnxSize {
    fn from(size: usize) -> Self {
        OnnxSize::Fixed(size)
    }
}

impl From<&str> for OnnxSize {
    fn from(name: &str) -> Self {
        OnnxSize::Any(name.to_owned())
    }
}

impl fmt::Display for OnnxType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnnxType::Float32 => "float32",
            OnnxType::Int64 => "int64",
            OnnxType::Uint8 => "uint8",
        })
    }
}

impl fmt::Display for OnnxSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OnnxSize::Fixed(size) => size.fmt(f),
            OnnxSize::Any(name) => name.fmt(f),
        }
    }
}

/// `input: float32 [batch, 1, 28, 28]`
impl fmt::Display for OnnxValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<String> = self.shape.iter().map(OnnxSize::to_string).collect();
        write!(f, "{}: {} [{}]", self.name, self.element_type, sizes.join(", "))
    }
}

impl OnnxValue {
    pub(in crate::onnx) fn new(
        name: impl Into<String>,
        element_type: OnnxType,
        shape: Vec<OnnxSize>,
        description: impl Into<String>,
    ) -> Self {
        OnnxValue { name: name.into(), element_type, shape, description: description.into() }
    }

    pub(super) fn to_proto(&self) -> ValueInfoProto {
        let elem_type = match self.element_type {
            OnnxType::Float32 => DataType::Float,
            OnnxType::Int64 => DataType::Int64,
            OnnxType::Uint8 => DataType::Uint8,
        };
        let dim = |size: &OnnxSize| {
            let value = match size {
                OnnxSize::Fixed(size) => DimensionValue::Size(*size as i64),
                OnnxSize::Any(name) => DimensionValue::Name(name.clone()),
            };
            Dimension { value: Some(value), ..Dimension::default() }
        };
        let shape = Some(TensorShapeProto { dim: self.shape.iter().map(dim).collect() });
        let tensor = TypeValue::Tensor(TensorType { elem_type: elem_type.into(), shape });
        ValueInfoProto {
            name: self.name.clone(),
            r#type: Some(TypeProto { value: Some(tensor), ..TypeProto::default() }),
            doc_string: self.description.clone(),
        }
    }
}

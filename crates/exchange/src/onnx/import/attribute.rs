//! Settings of nodes.

use super::super::proto::{AttributeProto, AttributeType};
use super::constant::Constant;
use super::{Problem, tensor};
use crate::words::short;

/// A setting of a node.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) enum Attribute {
    Int(i64),
    Float(f32),
    Text(String),
    Ints(Vec<i64>),
    Floats(Vec<f32>),
    Texts(Vec<String>),
    Tensor(Constant),
    /// A graph, as control flow has it, or something else that is not read.
    Other(&'static str),
}

impl Attribute {
    pub(super) fn read(attribute: AttributeProto) -> Result<Self, Problem> {
        let name = short(&attribute.name);
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .map_err(|_| Problem::Malformed(format!("the text of attribute '{name}' is not UTF-8")))
        };
        let missing = || Problem::Malformed(format!("attribute '{name}' has no value of its type"));
        let kind = match AttributeType::try_from(attribute.r#type) {
            Ok(AttributeType::Undefined) => guess(&attribute),
            Ok(kind) => kind,
            Err(_) => return Ok(Attribute::Other("a type that is not known")),
        };
        Ok(match kind {
            // The message's fields are not written where they have their defaults.
            AttributeType::Int => Attribute::Int(attribute.i.unwrap_or_default()),
            AttributeType::Float => Attribute::Float(attribute.f.unwrap_or_default()),
            AttributeType::String => Attribute::Text(text(attribute.s.unwrap_or_default())?),
            AttributeType::Ints => Attribute::Ints(attribute.ints),
            AttributeType::Floats => Attribute::Floats(attribute.floats),
            AttributeType::Strings => {
                Attribute::Texts(attribute.strings.into_iter().map(text).collect::<Result<_, _>>()?)
            }
            AttributeType::Tensor => Attribute::Tensor(tensor::read(attribute.t.ok_or_else(missing)?)?),
            AttributeType::Graph | AttributeType::Graphs => Attribute::Other("a graph"),
            AttributeType::SparseTensor | AttributeType::SparseTensors => Attribute::Other("a sparse tensor"),
            AttributeType::Tensors => Attribute::Other("several tensors"),
            AttributeType::TypeProto | AttributeType::TypeProtos => Attribute::Other("a type"),
            AttributeType::Undefined => return Err(missing()),
        })
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Attribute::Int(_) => "a whole number",
            Attribute::Float(_) => "a number",
            Attribute::Text(_) => "a text",
            Attribute::Ints(_) => "whole numbers",
            Attribute::Floats(_) => "numbers",
            Attribute::Texts(_) => "texts",
            Attribute::Tensor(_) => "a tensor",
            Attribute::Other(kind) => kind,
        }
    }
}

/// The type of an attribute of an old file, which does not say it.
fn guess(attribute: &AttributeProto) -> AttributeType {
    let found = [
        (attribute.f.is_some(), AttributeType::Float),
        (attribute.i.is_some(), AttributeType::Int),
        (attribute.s.is_some(), AttributeType::String),
        (attribute.t.is_some(), AttributeType::Tensor),
        (attribute.g.is_some(), AttributeType::Graph),
        (!attribute.floats.is_empty(), AttributeType::Floats),
        (!attribute.ints.is_empty(), AttributeType::Ints),
        (!attribute.strings.is_empty(), AttributeType::Strings),
    ];
    found.into_iter().find(|(found, _)| *found).map_or(AttributeType::Undefined, |(_, kind)| kind)
}

//! An operator at work, with its settings read as what they must be.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::proto::NodeProto;
use super::Problem;
use super::attribute::Attribute;
use crate::Unsupported;
use crate::words::short;

/// A node of a graph.
#[derive(Clone, Debug)]
pub(in crate::onnx) struct Node {
    /// Its place among the nodes, counted from 1.
    pub(in crate::onnx) position: usize,
    /// Often empty.
    pub(in crate::onnx) name: String,
    /// `Conv`
    pub(in crate::onnx) kind: String,
    /// Empty for ONNX's own operators.
    pub(in crate::onnx) domain: String,
    /// Names of values; empty where an optional one is left out. None are left out at the end.
    pub(in crate::onnx) inputs: Vec<String>,
    /// Likewise.
    pub(in crate::onnx) outputs: Vec<String>,
    pub(in crate::onnx) attributes: BTreeMap<String, Attribute>,
    /// All must hold for it to run: those of the branches of `If` that it is in, from outside to inside.
    pub(in crate::onnx) conditions: Arc<[Condition]>,
}

/// A truth value that decides whether a node runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::onnx) struct Condition {
    pub(in crate::onnx) value: Arc<str>,
    /// What it has to be.
    pub(in crate::onnx) when: bool,
}

impl Node {
    pub(super) fn read(position: usize, node: NodeProto) -> Result<Self, Problem> {
        let about = |problem: String| {
            Problem::Malformed(format!(
                "node {position} '{}' ({}): {problem}",
                short(&node.name),
                short(&node.op_type)
            ))
        };
        if node.op_type.is_empty() {
            return Err(about("it does not say which operator it is".into()));
        }
        let mut attributes = BTreeMap::new();
        for attribute in node.attribute {
            let name = attribute.name.clone();
            let value = Attribute::read(attribute).map_err(|problem| match problem {
                Problem::Malformed(problem) => about(problem),
                Problem::Tensor { problem, .. } => about(format!("attribute '{}': {problem}", short(&name))),
                other => other,
            })?;
            if attributes.insert(name.clone(), value).is_some() {
                return Err(about(format!("attribute '{}' is there twice", short(&name))));
            }
        }
        let domain = if node.domain == "ai.onnx" { String::new() } else { node.domain };
        let without_end = |mut names: Vec<String>| {
            while names.last().is_some_and(|name| name.is_empty()) {
                names.pop();
            }
            names
        };
        Ok(Node {
            position,
            name: node.name,
            kind: node.op_type,
            domain,
            inputs: without_end(node.input),
            outputs: without_end(node.output),
            attributes,
            conditions: Arc::default(),
        })
    }

    /// The name of an input, if it is there.
    pub(in crate::onnx) fn input(&self, index: usize) -> Option<&str> {
        self.inputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The name of an output, if anything may read it.
    pub(in crate::onnx) fn output(&self, index: usize) -> Option<&str> {
        self.outputs.get(index).map(String::as_str).filter(|name| !name.is_empty())
    }

    /// The whole number of a setting; `default` where it is not there. The error is a reason for a list.
    pub(in crate::onnx) fn int(&self, name: &str, default: i64) -> Result<i64, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(value)) => Ok(*value),
            Some(other) => Err(wrong(name, other, "a whole number")),
        }
    }

    pub(in crate::onnx) fn flag(&self, name: &str, default: bool) -> Result<bool, String> {
        Ok(self.int(name, default.into())? != 0)
    }

    pub(in crate::onnx) fn float(&self, name: &str, default: f32) -> Result<f32, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Float(value)) if value.is_finite() => Ok(*value),
            Some(Attribute::Float(value)) => Err(format!("{name} is {value}; expected a finite number")),
            Some(other) => Err(wrong(name, other, "a number")),
        }
    }

    pub(in crate::onnx) fn ints(&self, name: &str) -> Result<Option<&[i64]>, String> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Ints(values)) => Ok(Some(values)),
            Some(other) => Err(wrong(name, other, "whole numbers")),
        }
    }

    pub(in crate::onnx) fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, String> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(value)) => Ok(value),
            Some(other) => Err(wrong(name, other, "a text")),
        }
    }

    pub(in crate::onnx) fn texts(&self, name: &str) -> Result<Option<&[String]>, String> {
        match self.attributes.get(name) {
            None => Ok(None),
            Some(Attribute::Texts(values)) => Ok(Some(values)),
            Some(other) => Err(wrong(name, other, "texts")),
        }
    }

    /// `com.microsoft.FusedConv`, and without a domain for ONNX's own.
    pub(in crate::onnx) fn full_kind(&self) -> String {
        match self.domain.is_empty() {
            true => short(&self.kind),
            false => format!("{}.{}", short(&self.domain), short(&self.kind)),
        }
    }

    /// An entry of a list of what cannot be taken over.
    pub(in crate::onnx) fn unsupported(&self, reason: impl Into<String>) -> Unsupported {
        Unsupported {
            position: self.position.to_string(),
            name: short(&self.name),
            kind: self.full_kind(),
            reason: reason.into(),
        }
    }
}

fn wrong(name: &str, found: &Attribute, expected: &str) -> String {
    format!("{name} is {}; expected {expected}", found.kind())
}

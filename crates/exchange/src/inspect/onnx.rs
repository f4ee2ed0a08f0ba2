//! ONNX, read by messages that leave out the weights: what a message does not name is stepped over.

use std::collections::BTreeMap;
use std::path::Path;

use fireclay_store::map_file;
use prost::Message;

use super::{Inspection, TensorEntry};
use crate::onnx::check_messages;
use crate::{ExchangeError, FileFormat};

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(int64, tag = "1")]
    ir_version: i64,
    #[prost(string, tag = "2")]
    producer_name: String,
    #[prost(string, tag = "3")]
    producer_version: String,
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
    #[prost(message, repeated, tag = "8")]
    opset_import: Vec<Opset>,
    #[prost(message, repeated, tag = "14")]
    metadata: Vec<Entry>,
}

#[derive(Clone, PartialEq, Message)]
struct Opset {
    #[prost(string, tag = "1")]
    domain: String,
    #[prost(int64, tag = "2")]
    version: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Entry {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Tensor>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    output: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Node {
    #[prost(string, tag = "4")]
    op_type: String,
    #[prost(string, tag = "7")]
    domain: String,
}

#[derive(Clone, PartialEq, Message)]
struct Tensor {
    #[prost(int64, repeated, packed = "false", tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(message, optional, tag = "2")]
    kind: Option<Type>,
}

#[derive(Clone, PartialEq, Message)]
struct Type {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorType>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorType {
    #[prost(int32, tag = "1")]
    elem_type: i32,
    #[prost(message, optional, tag = "2")]
    shape: Option<Shape>,
}

#[derive(Clone, PartialEq, Message)]
struct Shape {
    #[prost(message, repeated, tag = "1")]
    dim: Vec<Dimension>,
}

#[derive(Clone, PartialEq, Message)]
struct Dimension {
    #[prost(int64, optional, tag = "1")]
    value: Option<i64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

pub(super) fn inspect(path: &Path) -> Result<Inspection, ExchangeError> {
    let bytes = map_file(path)?;
    check_messages(path, &bytes)?;
    let model = Model::decode(&*bytes).map_err(|error| ExchangeError::Malformed {
        path: path.to_path_buf(),
        format: FileFormat::Onnx,
        problem: error.to_string(),
    })?;
    let graph = model.graph.unwrap_or_default();
    let mut facts = Vec::new();
    let producer = format!("{} {}", model.producer_name, model.producer_version);
    if !producer.trim().is_empty() {
        facts.push(("written by".to_owned(), producer.trim().to_owned()));
    }
    let opsets: Vec<String> = (model.opset_import.iter())
        .map(|opset| match opset.domain.as_str() {
            "" => opset.version.to_string(),
            domain => format!("{domain} {}", opset.version),
        })
        .collect();
    facts.push((
        "operators".to_owned(),
        format!("opset {}, IR version {}", opsets.join(", "), model.ir_version),
    ));
    // Before IR version 4 the weights stood among the inputs.
    let weights: std::collections::HashSet<&str> =
        graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    for (what, values) in [("input", &graph.input), ("output", &graph.output)] {
        let shown = values.iter().filter(|value| !weights.contains(value.name.as_str()));
        facts.extend(shown.map(|value| (what.to_owned(), described(value))));
    }
    facts.extend(model.metadata.into_iter().map(|entry| (entry.key, entry.value)));
    let mut layers = BTreeMap::new();
    for node in &graph.node {
        let kind = match node.domain.as_str() {
            "" | "ai.onnx" => node.op_type.clone(),
            domain => format!("{domain}.{}", node.op_type),
        };
        *layers.entry(kind).or_insert(0) += 1;
    }
    let tensors = (graph.initializer.into_iter())
        .map(|tensor| TensorEntry {
            dtype: dtype(tensor.data_type),
            shape: tensor.dims.iter().map(|size| u64::try_from(*size).unwrap_or_default()).collect(),
            name: tensor.name,
            range: None,
        })
        .collect();
    Ok(Inspection {
        format: FileFormat::Onnx,
        bytes: bytes.len() as u64,
        facts,
        card: None,
        layers: layers.into_iter().collect(),
        tensors,
    })
}

/// `input: f32 [batch, 1, 28, 28]`
fn described(value: &Value) -> String {
    let Some(tensor) = value.kind.as_ref().and_then(|kind| kind.tensor.as_ref()) else {
        return value.name.clone();
    };
    let shape = tensor.shape.as_ref().map_or(String::new(), |shape| {
        let sizes = shape.dim.iter().map(|dimension| match (&dimension.value, &dimension.name) {
            (Some(size), _) => size.to_string(),
            (None, Some(name)) if !name.is_empty() => name.clone(),
            _ => "?".to_owned(),
        });
        format!(" [{}]", sizes.collect::<Vec<_>>().join(", "))
    });
    format!("{}: {}{shape}", value.name, dtype(tensor.elem_type))
}

fn dtype(number: i32) -> String {
    match number {
        1 => "f32",
        2 => "u8",
        3 => "i8",
        4 => "u16",
        5 => "i16",
        6 => "i32",
        7 => "i64",
        8 => "string",
        9 => "bool",
        10 => "f16",
        11 => "f64",
        12 => "u32",
        13 => "u64",
        16 => "bf16",
        other => return format!("type {other}"),
    }
    .to_owned()
}

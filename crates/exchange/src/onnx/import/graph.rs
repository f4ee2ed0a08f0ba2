//! A whole graph: its nodes, its constants and what goes in and out, each name given once and read after it is given.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::super::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, OperatorSetIdProto, TypeValue, ValueInfoProto,
};
use super::constant::{Constant, Element};
use super::node::Node;
use super::nodes::{Nodes, refuse_sparse};
use super::tensor::MOST_RANK;
use super::{MOST_BYTES, Problem, opset, wire};
use crate::ExchangeError;
use crate::words::short;

/// The versions of ONNX's operators that are known.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// What an ONNX file holds, checked.
#[derive(Clone, Debug, Default)]
pub(in crate::onnx) struct Graph {
    /// The version of ONNX's own operators.
    pub(in crate::onnx) opset: i64,
    /// `pytorch 2.9`; may be empty.
    pub(in crate::onnx) producer: String,
    /// What the file says besides, a key and a text.
    pub(in crate::onnx) metadata: Vec<(String, String)>,
    /// What goes in; constants are not among them.
    pub(in crate::onnx) inputs: Vec<GraphValue>,
    pub(in crate::onnx) outputs: Vec<GraphValue>,
    /// In an order in which they can run, in the form of the newest operators, those of branches among them. `Constant` nodes
    /// are not.
    pub(in crate::onnx) nodes: Vec<Node>,
    /// Initializers and the values of `Constant` nodes, by name.
    pub(in crate::onnx) constants: HashMap<String, Constant>,
    /// What was decided on the way, a sentence each.
    pub(in crate::onnx) notes: Vec<String>,
}

/// An input or an output of a graph.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::onnx) struct GraphValue {
    pub(in crate::onnx) name: String,
    pub(in crate::onnx) element: Element,
    /// `None` where not even the rank is known.
    pub(in crate::onnx) sizes: Option<Vec<Size>>,
}

/// A size of an input or an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::onnx) enum Size {
    Fixed(usize),
    /// Any, by its name: `batch`; empty if it has none.
    Any(String),
}

impl Graph {
    /// Reads a file.
    ///
    /// # Errors
    /// [`ExchangeError::Malformed`], [`ExchangeError::TooLarge`] and [`ExchangeError::Tensor`] for whatever is not as ONNX
    /// has it; operators that are not known are no error here.
    pub(in crate::onnx) fn read(path: &Path) -> Result<Self, ExchangeError> {
        let bytes = crate::file::read(path, MOST_BYTES)?;
        let model = decode(&bytes).map_err(|problem| problem.at(path))?;
        drop(bytes);
        Graph::of(model).map_err(|problem| problem.at(path))
    }

    /// Reads a file that is in memory.
    pub(in crate::onnx) fn of_bytes(bytes: &[u8]) -> Result<Self, Problem> {
        Graph::of(decode(bytes)?)
    }

    /// Checks a message and takes it apart.
    pub(in crate::onnx) fn of(model: ModelProto) -> Result<Self, Problem> {
        let opset = version(&model.opset_import)?;
        let proto = model.graph.ok_or_else(|| Problem::Malformed("there is no graph in it".into()))?;
        let producer = format!("{} {}", short(&model.producer_name), short(&model.producer_version));
        let mut graph = Graph {
            opset,
            producer: producer.trim().to_owned(),
            metadata: model.metadata_props.into_iter().map(|entry| (entry.key, entry.value)).collect(),
            ..Graph::default()
        };
        let made = graph.fill(proto)?;
        opset::to_newest(opset, &mut graph.nodes, &mut graph.constants, &made).map_err(Problem::Malformed)?;
        graph.check_weights()?;
        Ok(graph)
    }

    /// Takes up all parts, and gives the names that are taken.
    fn fill(&mut self, proto: GraphProto) -> Result<HashSet<String>, Problem> {
        refuse_sparse(&proto)?;
        let mut nodes = Nodes::default();
        nodes.tensors(proto.initializer)?;
        // Before version 4 of the format the weights stood among the inputs, too.
        for input in proto.input {
            if !nodes.constants.contains_key(&input.name) {
                self.inputs.push(GraphValue::read(input, "input")?);
            }
        }
        for output in proto.output {
            self.outputs.push(GraphValue::read(output, "output")?);
        }
        for input in &self.inputs {
            if !nodes.made.insert(input.name.clone()) {
                return Err(Problem::Malformed(format!(
                    "there are two inputs called '{}'",
                    short(&input.name)
                )));
            }
        }
        nodes.nodes(proto.node)?;
        let Nodes { nodes, constants, made, doubles, .. } = nodes;
        (self.nodes, self.constants) = (nodes, constants);
        if self.outputs.is_empty() {
            return Err(Problem::Malformed("the graph has no output".into()));
        }
        if let Some(output) = self.outputs.iter().find(|output| !made.contains(&output.name)) {
            return Err(Problem::Malformed(format!("nothing makes the output '{}'", short(&output.name))));
        }
        if doubles > 0 {
            self.notes.push(format!("{doubles} tensors of doubles are rounded to float32"));
        }
        Ok(made)
    }

    /// Refuses weights that are infinite. Elsewhere infinity has its place: as the score of what attention is not to see.
    fn check_weights(&self) -> Result<(), Problem> {
        const WEIGHTED: [&str; 9] = [
            "Conv",
            "ConvTranspose",
            "Gemm",
            "MatMul",
            "LSTM",
            "GRU",
            "RNN",
            "BatchNormalization",
            "LayerNormalization",
        ];
        for node in self.nodes.iter().filter(|node| WEIGHTED.contains(&node.kind.as_str())) {
            for name in &node.inputs {
                let Some(values) = self.constants.get(name).and_then(Constant::as_floats) else { continue };
                if let Some(place) = values.iter().position(|value| !value.is_finite()) {
                    let problem = format!(
                        "value {place} is {}, and it is a weight of node {} ({}); expected finite numbers",
                        values[place], node.position, node.kind
                    );
                    return Err(Problem::Tensor { name: short(name), problem });
                }
            }
        }
        Ok(())
    }
}

/// Makes a message of bytes that were counted.
fn decode(bytes: &[u8]) -> Result<ModelProto, Problem> {
    wire::check(bytes)?;
    ModelProto::decode(bytes).map_err(|error| Problem::Malformed(error.to_string()))
}

/// The version of ONNX's own operators.
fn version(opsets: &[OperatorSetIdProto]) -> Result<i64, Problem> {
    let own = opsets.iter().find(|opset| matches!(opset.domain.as_str(), "" | "ai.onnx"));
    let version = own.ok_or_else(|| {
        Problem::Malformed("it does not say which version of ONNX's operators it uses".into())
    })?;
    match OPSETS.contains(&version.version) {
        true => Ok(version.version),
        false => Err(Problem::Malformed(format!(
            "its operators are of version {}; expected {} to {}; onnx.version_converter changes it",
            version.version,
            OPSETS.start(),
            OPSETS.end()
        ))),
    }
}

impl GraphValue {
    fn read(value: ValueInfoProto, what: &str) -> Result<Self, Problem> {
        let about =
            |problem: String| Problem::Malformed(format!("{what} '{}': {problem}", short(&value.name)));
        let Some(TypeValue::Tensor(tensor)) = value.r#type.and_then(|kind| kind.value) else {
            return Err(about("it is no tensor".into()));
        };
        let element = Element::of(tensor.elem_type).map_err(about)?;
        let sizes = tensor.shape.map(|shape| shape.dim);
        let rank = sizes.as_ref().map_or(0, Vec::len);
        if rank > MOST_RANK {
            return Err(about(format!("it has {rank} dimensions; expected at most {MOST_RANK}")));
        }
        let sizes = sizes
            .map(|sizes| sizes.into_iter().map(size).collect::<Result<Vec<_>, _>>())
            .transpose()
            .map_err(about)?;
        Ok(GraphValue { name: value.name.clone(), element, sizes })
    }
}

fn size(dimension: Dimension) -> Result<Size, String> {
    match dimension.value {
        // Some tools write 0 or -1 for a size that is open.
        Some(DimensionValue::Size(size)) if size <= 0 => Ok(Size::Any(String::new())),
        Some(DimensionValue::Size(size)) if size > u32::MAX.into() => {
            Err(format!("a size of {size}; expected at most {}", u32::MAX))
        }
        Some(DimensionValue::Size(size)) => Ok(Size::Fixed(size as usize)),
        Some(DimensionValue::Name(name)) => Ok(Size::Any(name)),
        None => Ok(Size::Any(String::new())),
    }
}

//! A whole graph: its nodes, its constants and what goes in and out, each name given once and read after it is given.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use prost::Message;

use super::super::proto::{
    Dimension, DimensionValue, GraphProto, ModelProto, OperatorSetIdProto, TypeValue, ValueInfoProto,
};
use super::constant::{Constant, Element};
use super::node::Node;
use super::tensor::MOST_RANK;
use super::{MOST_BYTES, Problem, opset, tensor, wire};
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
    /// In an order in which they can run, in the form of the newest operators. `Constant` nodes are not among them.
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
        if let Some(sparse) = proto.sparse_initializer.first() {
            let name = sparse.values.as_ref().map_or(String::new(), |values| short(&values.name));
            let problem = "it is sparse; save it with all its values".to_owned();
            return Err(Problem::Tensor { name, problem });
        }
        let mut double = 0usize;
        for tensor in proto.initializer {
            let name = tensor.name.clone();
            let constant = tensor::read(tensor)?;
            double += usize::from(constant.element == Element::Float64);
            if self.constants.insert(name.clone(), constant).is_some() {
                return Err(Problem::Malformed(format!("there are two tensors called '{}'", short(&name))));
            }
        }
        // Before version 4 of the format the weights stood among the inputs, too.
        for input in proto.input {
            if !self.constants.contains_key(&input.name) {
                self.inputs.push(GraphValue::read(input, "input")?);
            }
        }
        for output in proto.output {
            self.outputs.push(GraphValue::read(output, "output")?);
        }
        let made_anywhere: HashSet<String> =
            proto.node.iter().flat_map(|node| node.output.iter().cloned()).collect();
        let mut made: HashSet<String> = self.constants.keys().cloned().collect();
        for input in &self.inputs {
            if !made.insert(input.name.clone()) {
                return Err(Problem::Malformed(format!(
                    "there are two inputs called '{}'",
                    short(&input.name)
                )));
            }
        }
        for (index, node) in proto.node.into_iter().enumerate() {
            let node = Node::read(index + 1, node)?;
            check_order(&node, &mut made, &made_anywhere)?;
            if node.kind == "Constant" && node.domain.is_empty() {
                let (name, constant) = opset::constant(node).map_err(Problem::Malformed)?;
                double += usize::from(constant.element == Element::Float64 && constant.len() > 1);
                self.constants.insert(name, constant);
            } else {
                self.nodes.push(node);
            }
        }
        if self.outputs.is_empty() {
            return Err(Problem::Malformed("the graph has no output".into()));
        }
        if let Some(output) = self.outputs.iter().find(|output| !made.contains(&output.name)) {
            return Err(Problem::Malformed(format!("nothing makes the output '{}'", short(&output.name))));
        }
        if double > 0 {
            self.notes.push(format!("{double} tensors of doubles are rounded to float32"));
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

/// Whether all that a node reads is there, and nothing that it makes.
fn check_order(node: &Node, made: &mut HashSet<String>, anywhere: &HashSet<String>) -> Result<(), Problem> {
    let about = |problem: String| {
        let (name, kind) = (short(&node.name), node.full_kind());
        Err(Problem::Malformed(format!("node {} '{name}' ({kind}) {problem}", node.position)))
    };
    if let Some(input) = node.inputs.iter().find(|input| !input.is_empty() && !made.contains(*input)) {
        return about(match anywhere.contains(input) {
            true => format!(
                "reads '{}' before it is made: the nodes form a circle or are not in order",
                short(input)
            ),
            false => format!("reads '{}', which nothing makes", short(input)),
        });
    }
    if node.outputs.is_empty() {
        return about("makes nothing".to_owned());
    }
    for output in node.outputs.iter().filter(|output| !output.is_empty()) {
        if !made.insert(output.clone()) {
            return about(format!("makes '{}', which is there already", short(output)));
        }
    }
    Ok(())
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

//! The graph of a network.

use crate::proto;

/// A node of a graph. See [`EventWriter::graph`](crate::EventWriter::graph).
///
/// ```
/// use fireclay_tensorboard::{Attribute, GraphNode};
///
/// let node = GraphNode::new("encoder/dense_1", "Dense")
///     .input("image")
///     .attribute("out_features", Attribute::Integer(10));
/// assert_eq!(node.inputs, ["image"]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    /// A name that no other node has. Slashes put nodes into groups that can be opened.
    pub name: String,
    /// What it computes, such as `Dense`.
    pub op: String,
    /// The names of the nodes that it reads.
    pub inputs: Vec<String>,
    /// What is shown of it.
    pub attributes: Vec<(String, Attribute)>,
}

/// A value that a graph shows of a node.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number.
    Float(f32),
    /// A switch.
    Bool(bool),
    /// A shape; -1 is a size that is not known, such as that of the batch.
    Shape(Vec<i64>),
    /// Shapes, one for each output. Under the name `_output_shapes` they stand beside the edges that leave the node.
    Shapes(Vec<Vec<i64>>),
}

impl GraphNode {
    /// A node without inputs and attributes.
    pub fn new(name: impl Into<String>, op: impl Into<String>) -> Self {
        Self { name: name.into(), op: op.into(), inputs: Vec::new(), attributes: Vec::new() }
    }

    /// Adds the name of a node that this one reads.
    pub fn input(mut self, name: impl Into<String>) -> Self {
        self.inputs.push(name.into());
        self
    }

    /// Adds something that is shown of this node; of two of one name the later counts.
    pub fn attribute(mut self, name: impl Into<String>, value: Attribute) -> Self {
        self.attributes.push((name.into(), value));
        self
    }
}

/// The nodes as a `GraphDef`, encoded.
pub fn encode(nodes: &[GraphNode]) -> Vec<u8> {
    let node = nodes.iter().map(GraphNode::message).collect();
    // The version of TensorFlow's graphs that PyTorch writes as well.
    let versions = Some(proto::VersionDef { producer: 22 });
    prost::Message::encode_to_vec(&proto::GraphDef { node, versions })
}

impl GraphNode {
    fn message(&self) -> proto::NodeDef {
        let attr = self.attributes.iter().map(|(name, value)| (name.clone(), value.message()));
        proto::NodeDef {
            name: self.name.clone(),
            op: self.op.clone(),
            input: self.inputs.clone(),
            attr: attr.collect(),
        }
    }
}

impl Attribute {
    fn message(&self) -> proto::AttrValue {
        let value = match self {
            Self::Text(text) => proto::Attr::Bytes(text.clone().into_bytes()),
            Self::Integer(value) => proto::Attr::Integer(*value),
            Self::Float(value) => proto::Attr::Float(*value),
            Self::Bool(value) => proto::Attr::Bool(*value),
            Self::Shape(sizes) => proto::Attr::Shape(proto::TensorShape::new(sizes)),
            Self::Shapes(shapes) => {
                let shape = shapes.iter().map(|sizes| proto::TensorShape::new(sizes)).collect();
                proto::Attr::List(proto::AttrList { shape })
            }
        };
        proto::AttrValue { value: Some(value) }
    }
}

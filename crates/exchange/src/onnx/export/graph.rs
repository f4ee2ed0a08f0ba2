//! A graph that is being written: nodes and initializers with names that are given once.

use std::collections::{HashMap, HashSet};

use fireclay_nn::NamedTensor;

use super::value::OnnxValue;
use crate::Unsupported;
use crate::onnx::proto::{AttributeProto, DataType, GraphProto, NodeProto, TensorProto};

/// Nodes in the order in which they run, and what is constant.
pub(super) struct Graph<'a> {
    tensors: HashMap<&'a str, &'a NamedTensor>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    taken: HashSet<String>,
    /// Values that are needed in several places, by what they are.
    shared: HashMap<String, String>,
    inputs: Vec<OnnxValue>,
    outputs: Vec<OnnxValue>,
    /// Outputs that come after the others.
    later: Vec<(String, OnnxValue)>,
    /// The layer that is being written: its name, which begins those of its nodes, and what it is.
    layer: (String, String),
    /// What cannot be written.
    pub(super) refused: Vec<Unsupported>,
    /// Whether the network is to go on with what it has read before.
    pub(super) stepwise: bool,
}

impl<'a> Graph<'a> {
    pub(super) fn new(tensors: &'a [NamedTensor], stepwise: bool) -> Self {
        Graph {
            tensors: tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect(),
            nodes: Vec::new(),
            initializers: Vec::new(),
            taken: HashSet::new(),
            shared: HashMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            later: Vec::new(),
            layer: Default::default(),
            refused: Vec::new(),
            stepwise,
        }
    }

    /// Says which layer the nodes to come are of.
    pub(super) fn enter(&mut self, name: &str, kind: &str) {
        self.layer = (name.to_owned(), format!("{name} ({kind})"));
    }

    /// The name of the layer that is being written.
    pub(super) fn layer_name(&self) -> &str {
        &self.layer.0
    }

    /// Adds a node with one output, which has the node's name.
    pub(super) fn add(&mut self, op: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        self.add_many(op, inputs, 1, attributes).swap_remove(0)
    }

    /// Adds a node with so many outputs.
    pub(super) fn add_many(
        &mut self,
        op: &str,
        inputs: &[&str],
        outputs: usize,
        attributes: Vec<AttributeProto>,
    ) -> Vec<String> {
        let name = self.unique(&format!("{}/{op}", self.layer.0));
        let output: Vec<String> = match outputs {
            1 => vec![name.clone()],
            _ => (0..outputs).map(|place| self.unique(&format!("{name}:{place}"))).collect(),
        };
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: output.clone(),
            name,
            op_type: op.to_owned(),
            domain: String::new(),
            attribute: attributes,
            doc_string: self.layer.1.clone(),
        });
        output
    }

    /// The values of one of the model's tensors.
    ///
    /// # Panics
    /// If there is none of this name: all of the description's were checked to be there.
    pub(super) fn tensor(&self, name: &str) -> &'a NamedTensor {
        self.tensors.get(name).expect("the tensors are those of the description")
    }

    /// One of the model's tensors as it is, under its own name.
    pub(super) fn weight(&mut self, name: &str) -> String {
        let key = format!("weight {name}");
        if let Some(known) = self.shared.get(&key) {
            return known.clone();
        }
        let tensor = self.tensor(name);
        let name = self.floats(name, &tensor.shape, &tensor.values);
        self.shared.insert(key, name.clone());
        name
    }

    /// Numbers under a name of their own.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        self.initializer(name, shape, DataType::Float, bytes(values, f32::to_le_bytes))
    }

    /// As [`floats`](Self::floats), in twice as many bits.
    pub(super) fn doubles(&mut self, name: &str, shape: &[usize], values: &[f64]) -> String {
        self.initializer(name, shape, DataType::Double, bytes(values, f64::to_le_bytes))
    }

    /// Whole numbers of a byte with a sign.
    pub(super) fn int8s(&mut self, name: &str, shape: &[usize], values: &[i8]) -> String {
        self.initializer(name, shape, DataType::Int8, bytes(values, i8::to_le_bytes))
    }

    /// A list of whole numbers of 32 bits.
    pub(super) fn int32s(&mut self, name: &str, values: &[i32]) -> String {
        self.initializer(name, &[values.len()], DataType::Int32, bytes(values, i32::to_le_bytes))
    }

    /// One byte for all who need it.
    pub(super) fn byte(&mut self, value: u8) -> String {
        let key = format!("constant/uint8/{value}");
        self.once(&key, |graph| graph.initializer(&key, &[], DataType::Uint8, vec![value]))
    }

    /// One number for all who need it.
    pub(super) fn float(&mut self, value: f32) -> String {
        let key = format!("constant/{value:e}");
        self.once(&key, |graph| graph.floats(&key, &[], &[value]))
    }

    /// A list of whole numbers for all who need it.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let key = format!("constant/{values:?}");
        self.once(&key, |graph| {
            graph.initializer(&key, &[values.len()], DataType::Int64, bytes(values, i64::to_le_bytes))
        })
    }

    /// A whole number without dimensions for all who need it.
    pub(super) fn int(&mut self, value: i64) -> String {
        let key = format!("constant/int/{value}");
        self.once(&key, |graph| graph.initializer(&key, &[], DataType::Int64, value.to_le_bytes().to_vec()))
    }

    /// 0 among 32-bit whole numbers, for all who need it.
    pub(super) fn int32_zero(&mut self) -> String {
        let key = "constant/int32/0";
        self.once(key, |graph| graph.initializer(key, &[], DataType::Int32, 0i32.to_le_bytes().to_vec()))
    }

    /// What is known under a key, made when it is first needed.
    pub(super) fn once(&mut self, key: &str, make: impl FnOnce(&mut Self) -> String) -> String {
        if let Some(known) = self.shared.get(key) {
            return known.clone();
        }
        let name = make(self);
        self.shared.insert(key.to_owned(), name.clone());
        name
    }

    /// Whether a value is the number of steps of an input, as it is there.
    pub(super) fn is_input_size(&self, name: &str) -> bool {
        let is_input = |node: &NodeProto| self.inputs.iter().any(|input| input.name == node.input[0]);
        let mut sizes = self.nodes.iter().filter(|node| node.op_type == "Shape");
        sizes.any(|node| node.output[0] == name && is_input(node))
    }

    /// Adds an input of the whole graph, and gives its name.
    pub(super) fn input(&mut self, input: OnnxValue) -> String {
        let name = input.name.clone();
        self.taken.insert(name.clone());
        self.inputs.push(input);
        name
    }

    /// Makes a value an output of the whole graph under a name of its own; what reads it reads it under that name.
    pub(super) fn output(&mut self, value: &str, output: OnnxValue) {
        let is_taken = |known: &OnnxValue| known.name == value;
        let value = match self.inputs.iter().chain(&self.outputs).any(is_taken) {
            true => self.add("Identity", &[value], Vec::new()),
            false => value.to_owned(),
        };
        for node in &mut self.nodes {
            for name in node.input.iter_mut().chain(&mut node.output).filter(|name| **name == value) {
                output.name.clone_into(name);
            }
        }
        for (later, _) in self.later.iter_mut().filter(|(later, _)| *later == value) {
            output.name.clone_into(later);
        }
        self.taken.insert(output.name.clone());
        self.outputs.push(output);
    }

    /// As [`output`](Self::output), behind all others, and while layers to come may still read the value.
    pub(super) fn output_later(&mut self, value: &str, output: OnnxValue) {
        self.later.push((value.to_owned(), output));
    }

    /// The graph without what no output needs.
    pub(super) fn finish(
        mut self,
        name: &str,
        doc_string: String,
    ) -> (GraphProto, Vec<OnnxValue>, Vec<OnnxValue>) {
        for place in 0..self.later.len() {
            let (value, output) = self.later[place].clone();
            self.output(&value, output);
        }
        let mut needed: HashSet<String> = self.outputs.iter().map(|output| output.name.clone()).collect();
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for node in self.nodes.into_iter().rev() {
            if node.output.iter().any(|output| needed.contains(output)) {
                needed.extend(node.input.iter().cloned());
                nodes.push(node);
            }
        }
        nodes.reverse();
        self.initializers.retain(|tensor| needed.contains(&tensor.name));
        let graph = GraphProto {
            node: nodes,
            name: name.to_owned(),
            initializer: self.initializers,
            doc_string,
            input: self.inputs.iter().map(OnnxValue::to_proto).collect(),
            output: self.outputs.iter().map(OnnxValue::to_proto).collect(),
            ..GraphProto::default()
        };
        (graph, self.inputs, self.outputs)
    }

    fn initializer(&mut self, name: &str, shape: &[usize], data_type: DataType, bytes: Vec<u8>) -> String {
        let name = self.unique(name);
        self.initializers.push(TensorProto {
            dims: shape.iter().map(|size| *size as i64).collect(),
            data_type: data_type.into(),
            name: name.clone(),
            raw_data: Some(bytes),
            ..TensorProto::default()
        });
        name
    }

    /// The name, with a number behind it if it is taken.
    fn unique(&mut self, name: &str) -> String {
        let mut given = name.to_owned();
        let mut count = 1;
        while !self.taken.insert(given.clone()) {
            count += 1;
            given = format!("{name}_{count}");
        }
        given
    }
}

/// The bytes of numbers, one after another.
fn bytes<T: Copy, const N: usize>(values: &[T], of_one: impl Fn(T) -> [u8; N]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * N);
    values.iter().for_each(|value| bytes.extend_from_slice(&of_one(*value)));
    bytes
}

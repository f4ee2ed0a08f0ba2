//! The nodes of a graph, taken up one after the other: each value is made once, before it is read.
//!
//! `If` is taken apart: the nodes of its branches stand among the others, each with the conditions under which it runs, and
//! what the `If` gives is passed on by two nodes of which one runs.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::super::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};
use super::constant::{Constant, Element};
use super::node::{Condition, Node};
use super::{Problem, opset, tensor};
use crate::words::short;

/// The nodes and the constants of a graph while they are read.
#[derive(Default)]
pub(super) struct Nodes {
    pub(super) nodes: Vec<Node>,
    pub(super) constants: HashMap<String, Constant>,
    /// Names of values that are there.
    pub(super) made: HashSet<String>,
    /// Names of values that the outermost graph makes, now or later.
    anywhere: HashSet<String>,
    /// Tensors of doubles, which are rounded.
    pub(super) doubles: usize,
    /// How many names were made for values of branches.
    renamed: usize,
}

/// A graph whose values others do not see: a branch of an `If`, or the outermost.
#[derive(Default)]
struct Branch<'a> {
    outer: Option<&'a Branch<'a>>,
    /// Names of its values, and those that they have in the whole, where they are others.
    names: HashMap<String, String>,
    conditions: Arc<[Condition]>,
}

impl Branch<'_> {
    fn resolve(&self, name: &str) -> String {
        match (self.names.get(name), self.outer) {
            (Some(whole), _) => whole.clone(),
            (None, Some(outer)) => outer.resolve(name),
            (None, None) => name.to_owned(),
        }
    }
}

impl Nodes {
    /// Takes up the outermost graph's tensors.
    pub(super) fn tensors(&mut self, tensors: Vec<TensorProto>) -> Result<(), Problem> {
        tensors.into_iter().try_for_each(|tensor| {
            let name = tensor.name.clone();
            self.tensor(name, tensor)
        })
    }

    /// Takes up the outermost graph's nodes, when all is there that it begins with.
    pub(super) fn nodes(&mut self, nodes: Vec<NodeProto>) -> Result<(), Problem> {
        self.anywhere = nodes.iter().flat_map(|node| node.output.iter().cloned()).collect();
        let mut whole = Branch::default();
        for (index, node) in nodes.into_iter().enumerate() {
            self.node(index + 1, node, &mut whole)?;
        }
        Ok(())
    }

    fn tensor(&mut self, name: String, tensor: TensorProto) -> Result<(), Problem> {
        let constant = tensor::read(tensor)?;
        self.doubles += usize::from(constant.element == Element::Float64);
        match self.made.insert(name.clone()) {
            true => {
                self.constants.insert(name, constant);
                Ok(())
            }
            false => Err(Problem::Malformed(format!("there are two tensors called '{}'", short(&name)))),
        }
    }

    fn node(
        &mut self,
        position: usize,
        mut proto: NodeProto,
        branch: &mut Branch<'_>,
    ) -> Result<(), Problem> {
        let is_own = matches!(proto.domain.as_str(), "" | "ai.onnx");
        let is_if = is_own && proto.op_type == "If";
        let branches = if is_if { std::mem::take(&mut proto.attribute) } else { Vec::new() };
        let mut node = Node::read(position, proto)?;
        node.conditions = branch.conditions.clone();
        for input in node.inputs.iter_mut().filter(|input| !input.is_empty()) {
            *input = branch.resolve(input);
        }
        if is_if {
            return self.choice(node, branches, branch);
        }
        self.make(&mut node, branch)?;
        if is_own && node.kind == "Constant" {
            let (name, constant) = opset::constant(node).map_err(Problem::Malformed)?;
            self.doubles += usize::from(constant.element == Element::Float64 && constant.len() > 1);
            self.constants.insert(name, constant);
        } else {
            self.nodes.push(node);
        }
        Ok(())
    }

    /// Takes an `If` apart.
    fn choice(
        &mut self,
        mut node: Node,
        branches: Vec<AttributeProto>,
        outer: &mut Branch<'_>,
    ) -> Result<(), Problem> {
        let about = |problem: &str| {
            Problem::Malformed(format!("node {} '{}' (If): {problem}", node.position, short(&node.name)))
        };
        let condition = node.input(0).ok_or_else(|| about("it has no condition"))?;
        let condition: Arc<str> = condition.into();
        let mut found = BTreeMap::new();
        for attribute in branches {
            let graph = attribute.g.ok_or_else(|| about("a branch has no graph"))?;
            if found.insert(attribute.name, graph).is_some() {
                return Err(about("a branch is there twice"));
            }
        }
        let mut made = Vec::new();
        for (name, when) in [("then_branch", true), ("else_branch", false)] {
            let graph = found.remove(name).ok_or_else(|| about(&format!("it has no {name}")))?;
            if graph.output.len() < node.outputs.len() || !graph.input.is_empty() {
                let (inputs, outputs) = (graph.input.len(), graph.output.len());
                return Err(about(&format!(
                    "its {name} has {inputs} inputs and {outputs} outputs; expected none and {}",
                    node.outputs.len()
                )));
            }
            let own = [Condition { value: condition.clone(), when }];
            let conditions: Arc<[Condition]> = [&*outer.conditions, &own].concat().into();
            let inner = Branch { outer: Some(outer), names: HashMap::new(), conditions: conditions.clone() };
            made.push((conditions, self.branch(node.position, graph, inner)?));
        }
        // What they read was looked up before the outputs are there, which they cannot read.
        self.make(&mut node, outer)?;
        for (conditions, values) in made {
            let passed = values.into_iter().zip(&node.outputs).filter(|(_, output)| !output.is_empty());
            self.nodes.extend(passed.map(|(value, output)| Node {
                position: node.position,
                name: short(&node.name),
                kind: node.kind.clone(),
                domain: String::new(),
                inputs: vec![value],
                outputs: vec![output.clone()],
                attributes: BTreeMap::new(),
                conditions: conditions.clone(),
            }));
        }
        Ok(())
    }

    /// Takes up a branch, and gives the names of its outputs.
    fn branch(
        &mut self,
        position: usize,
        graph: GraphProto,
        mut branch: Branch<'_>,
    ) -> Result<Vec<String>, Problem> {
        refuse_sparse(&graph)?;
        for tensor in graph.initializer {
            let name = self.name(&tensor.name, &mut branch);
            self.tensor(name, tensor)?;
        }
        for node in graph.node {
            self.node(position, node, &mut branch)?;
        }
        let outputs: Vec<String> = graph.output.iter().map(|output| branch.resolve(&output.name)).collect();
        match outputs.iter().find(|output| !self.made.contains(*output)) {
            None => Ok(outputs),
            Some(output) => Err(Problem::Malformed(format!(
                "nothing makes the output '{}' of a branch of node {position} (If)",
                short(output)
            ))),
        }
    }

    /// The name in the whole of what a branch makes.
    fn name(&mut self, name: &str, branch: &mut Branch<'_>) -> String {
        let mut whole = name.to_owned();
        if branch.outer.is_some() {
            while self.made.contains(&whole) || self.anywhere.contains(&whole) {
                self.renamed += 1;
                whole = format!("{name} {}", self.renamed);
            }
            if whole != name {
                branch.names.insert(name.to_owned(), whole.clone());
            }
        }
        whole
    }

    /// Checks that all is there that a node reads, and nothing yet that it makes.
    fn make(&mut self, node: &mut Node, branch: &mut Branch<'_>) -> Result<(), Problem> {
        let (position, name, kind) = (node.position, short(&node.name), node.full_kind());
        let about =
            |problem: String| Err(Problem::Malformed(format!("node {position} '{name}' ({kind}) {problem}")));
        let missing = node.inputs.iter().find(|input| !input.is_empty() && !self.made.contains(*input));
        if let Some(input) = missing {
            return about(match self.anywhere.contains(input) {
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
        for output in node.outputs.iter_mut().filter(|output| !output.is_empty()) {
            *output = self.name(output, branch);
            if !self.made.insert(output.clone()) {
                return about(format!("makes '{}', which is there already", short(output)));
            }
        }
        Ok(())
    }
}

/// Refuses tensors that name the places of their values.
pub(super) fn refuse_sparse(graph: &GraphProto) -> Result<(), Problem> {
    match graph.sparse_initializer.first() {
        None => Ok(()),
        Some(sparse) => Err(Problem::Tensor {
            name: sparse.values.as_ref().map_or(String::new(), |values| short(&values.name)),
            problem: "it is sparse; save it with all its values".to_owned(),
        }),
    }
}

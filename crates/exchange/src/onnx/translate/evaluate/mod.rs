//! A graph at sizes that are known: the shapes of all values, and what depends on no input, computed.
//!
//! Exporters compute shapes as the network runs: `Shape`, `Gather`, `Concat`, `Reshape`. With numbers for the sizes that the
//! file leaves open all of that is constant, and so are masks and rows for positions that are made from it.

mod elementwise;
mod functions;
mod numbers;
mod rearrange;
mod shapes;
mod strided;
mod windows;

use std::collections::{HashMap, HashSet};

use crate::onnx::import::{Constant, Graph, Node, Values};

pub(super) use functions::one_value;
pub(super) use shapes::{Cut, cuts, order, padded_axes, parts};
pub(super) use windows::Window;

/// Values that may be computed beyond as many as the file holds.
const MOST_COMPUTED: usize = 1 << 22;

/// The most dimensions of a value.
const MOST_RANK: usize = 16;

/// The most numbers that say where and how: axes, sizes, starts.
const MOST_INTS: usize = 1024;

/// Part of a reason: a size or a setting is not constant.
pub(super) const DEPENDS: &str = "depend on the model's input";

/// What is known of the values of a graph.
pub(super) struct Known<'a> {
    graph: &'a Graph,
    shapes: HashMap<String, Vec<usize>>,
    computed: HashMap<String, Constant>,
    /// How many more values may be computed.
    budget: usize,
}

/// What a node gives.
pub(super) enum Outcome {
    Constants(Vec<Constant>),
    /// A shape for each output; `None` where it is not known.
    Shapes(Vec<Option<Vec<usize>>>),
}

impl Outcome {
    pub(super) fn constant(constant: Constant) -> Result<Self, String> {
        Ok(Outcome::Constants(vec![constant]))
    }

    pub(super) fn shape(shape: Vec<usize>) -> Result<Self, String> {
        Ok(Outcome::Shapes(vec![Some(shape)]))
    }
}

impl<'a> Known<'a> {
    /// Of a graph whose inputs have these shapes. Nodes that are not as they must be are given back with the reason.
    pub(super) fn of(
        graph: &'a Graph,
        inputs: &[(String, Vec<usize>)],
        needed: &HashSet<usize>,
    ) -> (Self, Vec<(usize, String)>) {
        let own: usize = graph.constants.values().map(Constant::len).sum();
        let budget = own.saturating_mul(2).saturating_add(MOST_COMPUTED);
        let shapes = inputs.iter().cloned().collect();
        let mut known = Known { graph, shapes, computed: HashMap::new(), budget };
        let mut refused = Vec::new();
        for (index, node) in graph.nodes.iter().enumerate().filter(|(index, _)| needed.contains(index)) {
            match known.node(node) {
                Ok(Outcome::Constants(constants)) => {
                    for (name, constant) in node.outputs.iter().zip(constants) {
                        if let Err(reason) = check_shape(&constant.shape) {
                            refused.push((index, reason));
                            continue;
                        }
                        known.shapes.insert(name.clone(), constant.shape.clone());
                        known.computed.insert(name.clone(), constant);
                    }
                }
                Ok(Outcome::Shapes(shapes)) => {
                    for (name, shape) in node.outputs.iter().zip(shapes) {
                        let Some(shape) = shape else { continue };
                        match check_shape(&shape) {
                            Ok(()) => _ = known.shapes.insert(name.clone(), shape),
                            Err(reason) => refused.push((index, reason)),
                        }
                    }
                }
                Err(reason) => refused.push((index, reason)),
            }
        }
        (known, refused)
    }

    /// The constant of this name, from the file or computed.
    pub(super) fn constant(&self, name: &str) -> Option<&Constant> {
        self.computed.get(name).or_else(|| self.graph.constants.get(name))
    }

    /// The constant that an input of a node is.
    pub(super) fn input(&self, node: &Node, index: usize) -> Option<&Constant> {
        self.constant(node.input(index)?)
    }

    /// The shape of a value.
    pub(super) fn shape(&self, name: &str) -> Option<&[usize]> {
        match self.constant(name) {
            Some(constant) => Some(&constant.shape),
            None => self.shapes.get(name).map(Vec::as_slice),
        }
    }

    /// Whole numbers that an input of a node must be; `None` if it is left out.
    fn ints(&self, node: &Node, index: usize, what: &str) -> Result<Option<&[i64]>, String> {
        let Some(name) = node.input(index) else { return Ok(None) };
        let constant = self.constant(name);
        let constant = constant.ok_or_else(|| format!("{what} {DEPENDS}"))?;
        match constant.as_ints().ok_or_else(|| format!("{what} are no whole numbers"))? {
            ints if ints.len() > MOST_INTS => {
                Err(format!("{what} are {} numbers; expected at most {MOST_INTS}", ints.len()))
            }
            ints => Ok(Some(ints)),
        }
    }

    /// Takes so many values from what may be computed.
    fn spend(&mut self, shape: &[usize]) -> Result<usize, String> {
        let count = product(shape)?;
        self.budget = self.budget.checked_sub(count).ok_or_else(|| {
            format!("more than {MOST_COMPUTED} values beyond those in the file would have to be computed")
        })?;
        Ok(count)
    }

    fn node(&mut self, node: &Node) -> Result<Outcome, String> {
        if !node.domain.is_empty() {
            return Ok(Outcome::Shapes(Vec::new()));
        }
        let all_constant = node.inputs.iter().all(|name| name.is_empty() || self.constant(name).is_some());
        let kind = node.kind.as_str();
        match kind {
            "Shape" => return numbers::shape(self, node),
            "Size" => return numbers::size(self, node),
            "ConstantOfShape" => return numbers::constant_of_shape(self, node),
            _ => {}
        }
        if all_constant && !node.inputs.is_empty() {
            let found = match kind {
                "Range" => Some(numbers::range(self, node)?),
                "CumSum" | "Trilu" => Some(numbers::lists(self, node)?),
                _ if elementwise::is_known(kind) => Some(elementwise::evaluate(self, node)?),
                _ if numbers::is_reduction(kind) => numbers::reduce(self, node)?,
                _ => rearrange::evaluate(self, node)?,
            };
            if let Some(found) = found {
                return Ok(Outcome::Constants(found));
            }
        }
        shapes::infer(self, node)
    }
}

/// Whether a shape is one that is looked at further.
pub(super) fn check_shape(shape: &[usize]) -> Result<(), String> {
    if shape.len() > MOST_RANK {
        return Err(format!("it has {} dimensions; expected at most {MOST_RANK}", shape.len()));
    }
    product(shape).map(|_| ())
}

/// Multiplies sizes.
pub(super) fn product(shape: &[usize]) -> Result<usize, String> {
    // Also beside a size of 0, so that strides can be computed of any of the sizes.
    let product = shape.iter().try_fold(1usize, |product, size| product.checked_mul((*size).max(1)));
    let product = product.filter(|product| *product <= 1 << 40);
    let product = product.ok_or_else(|| format!("it has {shape:?} values, more than any machine holds"))?;
    Ok(if shape.contains(&0) { 0 } else { product })
}

/// Both shapes brought to one, as NumPy does it.
pub(super) fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, String> {
    let rank = a.len().max(b.len());
    let size = |shape: &[usize], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(own) => shape[own],
        None => 1,
    };
    (0..rank)
        .map(|axis| match (size(a, axis), size(b, axis)) {
            (a, b) if a == b => Ok(a),
            (1, other) | (other, 1) => Ok(other),
            _ => Err(format!("its inputs {a:?} and {b:?} do not go together")),
        })
        .collect()
}

/// An axis counted from 0 that may have been counted from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_start = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    from_start
        .and_then(|axis| usize::try_from(axis).ok())
        .filter(|axis| *axis < rank)
        .ok_or_else(|| format!("axis {axis} of {rank}"))
}

/// The values that stand at these places.
fn taken(values: &Values, places: impl Iterator<Item = usize>) -> Values {
    match values {
        Values::Float(values) => Values::Float(places.map(|place| values[place]).collect()),
        Values::Int(values) => Values::Int(places.map(|place| values[place]).collect()),
        Values::Bool(values) => Values::Bool(places.map(|place| values[place]).collect()),
    }
}

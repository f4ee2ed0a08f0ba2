//! Which constants of a graph are what a network learns: a file does not say it.
//!
//! It follows from where they are read: a convolution's kernel and what is added to a product are learnt, the bound of a
//! `Clip` and a mean that is subtracted from the input are not. On the way there a constant may be turned, cut and put together.

use std::collections::{HashMap, HashSet};

use super::super::import::{Graph, Node, Values};

/// Values from which on a number is there to hide others, as attention's masks have them.
const HIDES: f32 = 1e4;

/// Operators that move numbers and change none.
const MOVING: [&str; 13] = [
    "Cast",
    "Concat",
    "Expand",
    "Flatten",
    "Identity",
    "If",
    "Pad",
    "Reshape",
    "Slice",
    "Split",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
];

/// Names of constants by what becomes of them in training.
#[derive(Debug, Default)]
pub(super) struct Roles {
    /// Changed by gradients.
    pub(super) parameters: HashSet<String>,
    /// Means and variances that follow those of the batches.
    pub(super) statistics: HashSet<String>,
}

impl Roles {
    pub(super) fn of(graph: &Graph, nodes: &[&Node]) -> Self {
        let mut readers: HashMap<&str, Vec<(&Node, usize)>> = HashMap::new();
        let mut makers: HashMap<&str, &Node> = HashMap::new();
        for node in nodes {
            for (place, input) in node.inputs.iter().enumerate() {
                readers.entry(input).or_default().push((node, place));
            }
            makers.extend(node.outputs.iter().map(|output| (output.as_str(), *node)));
        }
        let uses = Uses { readers, makers };
        let mut roles = Roles::default();
        for (name, constant) in &graph.constants {
            let Values::Float(values) = &constant.values else { continue };
            let readers = uses.readers.get(name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let is_statistic =
                |(node, place): &(&Node, usize)| node.kind == "BatchNormalization" && (3..5).contains(place);
            if readers.is_empty() || values.is_empty() {
                continue;
            }
            if readers.iter().all(is_statistic) && constant.shape.len() == 1 {
                roles.statistics.insert(name.clone());
            } else if !constant.shape.is_empty()
                && uses.learns(name, &Weight::of(&constant.shape, values), 0, &mut HashSet::new())
            {
                roles.parameters.insert(name.clone());
            }
        }
        roles
    }
}

/// What is looked at of a constant, once for all that read it.
struct Weight<'a> {
    shape: &'a [usize],
    count: usize,
    is_zero: bool,
    is_mask: bool,
}

impl<'a> Weight<'a> {
    fn of(shape: &'a [usize], values: &[f32]) -> Self {
        Weight {
            shape,
            count: values.len(),
            is_zero: values.iter().all(|value| *value == 0.0),
            is_mask: values.iter().any(|value| value.abs() >= HIDES),
        }
    }
}

struct Uses<'a> {
    readers: HashMap<&'a str, Vec<(&'a Node, usize)>>,
    makers: HashMap<&'a str, &'a Node>,
}

impl Uses<'_> {
    /// Whether any that reads a value learns it; `depth` is how often it was moved.
    fn learns<'n>(
        &'n self,
        name: &'n str,
        weight: &Weight<'_>,
        depth: usize,
        seen: &mut HashSet<&'n str>,
    ) -> bool {
        let Some(readers) = self.readers.get(name).filter(|_| seen.insert(name)) else { return false };
        readers.iter().any(|(node, place)| match node.kind.as_str() {
            kind if MOVING.contains(&kind) => {
                let is_moved = depth < 8 && (*place == 0 || kind == "Concat");
                let made = node.outputs.iter().filter(|output| !output.is_empty());
                is_moved && made.into_iter().any(|made| self.learns(made, weight, depth + 1, seen))
            }
            _ => self.is_learnt(node, *place, weight),
        })
    }

    fn is_learnt(&self, node: &Node, place: usize, weight: &Weight<'_>) -> bool {
        let Weight { shape, count, is_zero, is_mask } = *weight;
        match (node.kind.as_str(), place) {
            ("Gemm", _) | ("MatMul", _) | ("Conv" | "ConvTranspose", 1 | 2) => true,
            ("BatchNormalization" | "LayerNormalization", 1 | 2) => true,
            ("GroupNormalization" | "InstanceNormalization" | "RMSNormalization", 1 | 2) => true,
            ("SimplifiedLayerNormalization" | "PRelu", 1) => true,
            ("LSTM" | "GRU" | "RNN", 1..=3) => true,
            // Zeros in which a sequence begins are no weights that happen to be 0.
            ("LSTM" | "GRU" | "RNN", 5 | 6) => !is_zero,
            ("Gather", 0) => shape.len() >= 2,
            ("Add", _) => !is_mask && (count > 1 || self.is_product(&node.inputs[1 - place.min(1)])),
            // One factor for each channel; what has rows and columns is a table, such as rotary positions.
            ("Mul", _) => count > 1 && shape.iter().filter(|size| **size > 1).count() <= 1,
            _ => false,
        }
    }

    /// Whether a value is a matrix product, to which a bias is added.
    fn is_product(&self, name: &str) -> bool {
        self.makers.get(name).is_some_and(|node| matches!(node.kind.as_str(), "MatMul" | "Conv"))
    }
}

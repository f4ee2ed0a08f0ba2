//! Numbers for the sizes that a file leaves open.

use std::collections::{HashMap, HashSet};

use crate::onnx::import::{Graph, GraphValue, Size};

/// Steps of sequences whose number is open and that nothing in the file limits.
const OPEN_STEPS: usize = 512;

/// The most sizes of tables that are tried.
const MOST_TRIED: usize = 4;

/// A batch of any size is this large while the graph is looked at: a number that few networks have in them.
const BATCH: usize = 3;

/// The shapes of an input that are worth trying, the likeliest first.
pub(super) fn candidates(graph: &Graph, input: &GraphValue) -> Result<Vec<Vec<usize>>, String> {
    let Some(sizes) = &input.sizes else { return Err("how many dimensions it has is not known".into()) };
    let open = (sizes.iter().skip(1)).filter(|size| matches!(size, Size::Any(_))).count();
    let shape = |steps: usize| {
        let size = |(axis, size): (usize, &Size)| match (axis, size) {
            (_, Size::Fixed(size)) => *size,
            (0, _) => BATCH,
            _ => steps,
        };
        sizes.iter().enumerate().map(size).collect::<Vec<_>>()
    };
    match (sizes.len(), open) {
        (0 | 1, _) => Err(format!("it has {} dimensions; expected a batch of something", sizes.len())),
        (_, 0) => Ok(vec![shape(0)]),
        (2 | 3, 1) => {
            let mut tried = tables(graph);
            tried.push(OPEN_STEPS);
            tried.dedup();
            Ok(tried.into_iter().map(shape).collect())
        }
        _ => {
            Err("several of its sizes are open besides the batch; export the model with sizes for them"
                .into())
        }
    }
}

/// How many rows constants have of which only some are read: tables of positions, masks.
fn tables(graph: &Graph) -> Vec<usize> {
    let mut copies: HashMap<&str, &str> = HashMap::new();
    for node in graph.nodes.iter().filter(|node| matches!(node.kind.as_str(), "Identity" | "Unsqueeze")) {
        if let (Some(input), Some(output)) = (node.input(0), node.output(0)) {
            copies.insert(output, copies.get(input).copied().unwrap_or(input));
        }
    }
    let is_input = |name: &str| {
        let name = copies.get(name).copied().unwrap_or(name);
        graph.inputs.iter().any(|input| input.name == name)
    };
    let mut found: HashSet<usize> = HashSet::new();
    for node in &graph.nodes {
        let is_table = match node.kind.as_str() {
            "Slice" => true,
            "Gather" => node.input(1).is_some_and(|which| !is_input(which)),
            _ => false,
        };
        let name = node.input(0).map(|name| copies.get(name).copied().unwrap_or(name));
        if let Some(constant) = name.and_then(|name| graph.constants.get(name))
            && is_table
            && constant.shape.len() >= 2
            && constant.as_floats().is_some()
        {
            let longest = constant.shape.iter().rev().nth(1).copied().unwrap_or(0);
            found.extend((2..1 << 16).contains(&longest).then_some(longest));
        }
    }
    let mut found: Vec<usize> = found.into_iter().collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.truncate(MOST_TRIED);
    found
}

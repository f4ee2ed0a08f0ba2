//! Several operators that are one function, or one layer normalisation.
//!
//! Where an operator joins values that all come from one, what lies between is run on numbers: see
//! [`functions`](super::functions). A layer normalisation is known by the same means, whatever its terms are put together like.

use std::collections::{HashMap, HashSet};

use super::evaluate::one_value;
use super::functions::{Function, recognised, samples};
use super::layer_norms;
use super::network::Network;
use super::operation::{Kind, Operation};
use super::probe::run;
use crate::onnx::import::{GraphValue, Node};

/// The most operators that may be one, and the most values that each of them joins.
const MOST: usize = 24;
const MOST_INPUTS: usize = 4;

/// Joins operators that are one.
pub(super) fn join(network: &mut Network<'_>) {
    let makers = network.makers();
    for index in 0..network.operations.len() {
        let operation = &network.operations[index];
        let (is_join, node) = (operation.inputs.len() > 1, network.node(operation));
        if matches!(operation.kind, Kind::Node)
            && operation.inputs.len() <= MOST_INPUTS
            && operation.outputs.len() == 1
            && (is_join || is_alone(node))
            && let Some((kind, input)) = recognise(network, &makers, index)
        {
            let operation = &mut network.operations[index];
            (operation.kind, operation.inputs) = (kind, vec![input]);
        }
    }
    network.drop_unneeded();
}

/// Whether an operator with one input may end several that are one, or is a function that has other names.
fn is_alone(node: &Node) -> bool {
    matches!(node.kind.as_str(), "Clip" | "Max" | "PRelu" | "HardSwish" | "Mul" | "Div")
}

/// What the operators that end with one are, and of which value.
fn recognise(network: &Network<'_>, makers: &HashMap<String, usize>, last: usize) -> Option<(Kind, String)> {
    let all = reach(network, makers, last, &|_| false);
    let mut entries: Vec<String> = (all.iter())
        .flat_map(|index| network.operations[*index].inputs.iter().cloned())
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    // The nearest first; the model's input was made before all.
    entries
        .sort_by_key(|name| (std::cmp::Reverse(makers.get(name).map_or(0, |maker| maker + 1)), name.clone()));
    for entry in entries {
        let region = reach(network, makers, last, &|name| name == entry);
        let inside: HashSet<&String> =
            region.iter().flat_map(|index| &network.operations[*index].outputs).collect();
        let is_whole = (region.iter().flat_map(|index| &network.operations[*index].inputs))
            .all(|name| *name == entry || inside.contains(name));
        if !is_whole {
            continue;
        }
        let region: Vec<&Operation> = region.iter().map(|index| &network.operations[*index]).collect();
        if keeps_tokens(network, &region, &entry) {
            return Some((Kind::Function(Function::Identity), entry));
        }
        let given: Vec<f32> = samples().into_iter().chain(around(network, &region)).collect();
        if let Some(values) = run(network, &region, &entry, given.clone(), None)
            && let Some(function) = recognised(&given, &values)
        {
            return Some((Kind::Function(function), entry));
        }
        if let Some(kind) = layer_norms::recognised(network, &region, &entry) {
            return Some((kind, entry));
        }
    }
    None
}

/// Numbers on both sides of the constants in a region, where it may do something else.
fn around(network: &Network<'_>, region: &[&Operation]) -> Vec<f32> {
    let names = region.iter().flat_map(|operation| &network.node(operation).inputs);
    let single = |name: &String| network.known.constant(name).and_then(|constant| constant.single());
    let constants = names.filter_map(single).filter(|value| value.abs() < 1e30);
    constants
        .flat_map(|value| [1.0, 0.999, 1.001, 2.0, -1.0, -2.0].map(|times| (value * times) as f32))
        .collect()
}

/// Whether operations leave whole numbers from 0 on as they are. TensorFlow counts negative ones from the end of a table.
fn keeps_tokens(network: &Network<'_>, region: &[&Operation], entry: &str) -> bool {
    let near = around(network, region).into_iter().flat_map(|value| [value.floor(), value.floor() + 1.0]);
    let tokens = (0..64).map(|token| token as f32).chain(near.filter(|token| *token >= 0.0));
    let tokens: Vec<f32> = tokens.collect();
    let is_comparison =
        |operation: &&Operation| matches!(network.node(operation).kind.as_str(), "Less" | "GreaterOrEqual");
    let is_tokens = |input: &GraphValue| input.name == entry && !input.element.is_float();
    network.graph.inputs.iter().any(is_tokens)
        && region.iter().any(is_comparison)
        && run(network, region, entry, tokens.clone(), None).is_some_and(|values| values == tokens)
}

/// The operations that an operation stands on, as far as they go value by value or are means, but not beyond some values;
/// in the order in which they run.
fn reach(
    network: &Network<'_>,
    makers: &HashMap<String, usize>,
    last: usize,
    is_end: &dyn Fn(&str) -> bool,
) -> Vec<usize> {
    let mut found = HashSet::from([last]);
    let mut open = vec![last];
    while let Some(index) = open.pop() {
        for name in network.operations[index].inputs.iter().filter(|name| !is_end(name)) {
            if let Some(maker) = makers.get(name)
                && found.len() < MOST
                && can_run(&network.operations[*maker], network)
                && found.insert(*maker)
            {
                open.push(*maker);
            }
        }
    }
    let mut found: Vec<usize> = found.into_iter().collect();
    found.sort_unstable();
    found
}

fn can_run(operation: &Operation, network: &Network<'_>) -> bool {
    /// Besides functions of one value.
    const OTHERS: [&str; 19] = [
        "Add",
        "Sub",
        "Mul",
        "Div",
        "Pow",
        "Max",
        "Min",
        "Clip",
        "PRelu",
        "ReduceMean",
        "GlobalAveragePool",
        "Where",
        "IsNaN",
        "Cast",
        "CastLike",
        "Less",
        "Greater",
        "GreaterOrEqual",
        "Not",
    ];
    if matches!(operation.kind, Kind::Function(Function::Identity)) {
        return true;
    }
    let kind = network.node(operation).kind.as_str();
    operation.outputs.len() == 1
        && operation.inputs.len() <= MOST_INPUTS
        && matches!(operation.kind, Kind::Node)
        && (OTHERS.contains(&kind) || one_value(kind, None, None).is_some())
}

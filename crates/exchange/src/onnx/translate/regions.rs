//! Several operators that are one function, or one layer normalisation.
//!
//! Where an operator joins values that all come from one, what lies between is run on numbers: see
//! [`functions`](super::functions). A layer normalisation is known by the same means, whatever its terms are put together like.

use std::collections::{HashMap, HashSet};

use super::evaluate::{Known, axis, one_value};
use super::functions::{Function, recognised, samples};
use super::layer_norms;
use super::network::{Kind, Network, Operation};
use crate::onnx::import::{GraphValue, Node};

/// The most operators that may be one.
const MOST: usize = 24;

/// Joins operators that are one.
pub(super) fn join(network: &mut Network<'_>) {
    let makers = network.makers();
    for index in 0..network.operations.len() {
        let operation = &network.operations[index];
        let (is_join, node) = (operation.inputs.len() > 1, network.node(operation));
        if matches!(operation.kind, Kind::Node)
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
        if let Some(values) = run(network, &region, &entry, samples(), None)
            && let Some(function) = recognised(&values)
        {
            return Some((Kind::Function(function), entry));
        }
        if let Some(kind) = layer_norms::recognised(network, &region, &entry) {
            return Some((kind, entry));
        }
    }
    None
}

/// Whether operations leave whole numbers from 0 on as they are. TensorFlow counts negative ones from the end of a table.
fn keeps_tokens(network: &Network<'_>, region: &[&Operation], entry: &str) -> bool {
    let tokens: Vec<f32> = (0..64).map(|token| token as f32).collect();
    let is_comparison =
        |operation: &&Operation| matches!(network.node(operation).kind.as_str(), "Less" | "GreaterOrEqual");
    let is_tokens = |input: &GraphValue| input.name == entry && !input.element.is_float();
    network.graph.inputs.iter().any(is_tokens)
        && region.iter().any(|operation| is_comparison(&operation))
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
        && matches!(operation.kind, Kind::Node)
        && (OTHERS.contains(&kind) || one_value(kind, None, None).is_some())
}

/// What operations make of some numbers; `width` is that of the last axis where they lie along it, and then there are means.
pub(super) fn run(
    network: &Network<'_>,
    region: &[&Operation],
    entry: &str,
    values: Vec<f32>,
    width: Option<usize>,
) -> Option<Vec<f32>> {
    let mut made: HashMap<&str, Vec<f32>> = HashMap::from([(entry, values)]);
    for operation in region {
        let node = network.node(operation);
        if let Kind::Function(_) = operation.kind {
            let same = made.get(operation.inputs.first()?.as_str())?.clone();
            made.insert(operation.outputs.first()?, same);
            continue;
        }
        let arguments: Option<Vec<Vec<f32>>> = (node.inputs.iter())
            .filter(|name| {
                !(name.is_empty() || node.kind == "ReduceMean" && network.known.constant(name).is_some())
            })
            .map(|name| match made.get(name.as_str()) {
                Some(values) => Some(values.clone()),
                None => constant(&network.known, name, width),
            })
            .collect();
        let result = apply(network, node, &arguments?, width)?;
        made.insert(operation.outputs.first()?, result);
    }
    made.remove(region.last()?.outputs.first()?.as_str())
}

/// A constant that is one number, or one for each place of the last axis.
pub(super) fn constant(known: &Known<'_>, name: &str, width: Option<usize>) -> Option<Vec<f32>> {
    let constant = known.constant(name)?;
    if let Some(value) = constant.single() {
        return Some(vec![value as f32]);
    }
    let is_row = Some(constant.len()) == width && constant.shape.last().copied() == width;
    constant.as_floats().filter(|_| is_row).map(<[f32]>::to_vec)
}

fn apply(
    network: &Network<'_>,
    node: &Node,
    arguments: &[Vec<f32>],
    width: Option<usize>,
) -> Option<Vec<f32>> {
    let first = arguments.first()?;
    let long = arguments.iter().map(Vec::len).max()?;
    let at = |values: &[f32], place: usize| if values.len() == 1 { values[0] } else { values[place] };
    let fits = arguments.iter().all(|values| matches!(values.len(), 1) || values.len() == long);
    let each = |of: &dyn Fn(&[f32]) -> f32| -> Option<Vec<f32>> {
        let row = |place| arguments.iter().map(|values| at(values, place)).collect::<Vec<f32>>();
        fits.then(|| (0..long).map(|place| of(&row(place))).collect())
    };
    match node.kind.as_str() {
        "Add" => each(&|x| x[0] + x[1]),
        "Sub" => each(&|x| x[0] - x[1]),
        "Mul" => each(&|x| x[0] * x[1]),
        "Div" => each(&|x| x[0] / x[1]),
        "Pow" => each(&|x| match x[1] {
            2.0 => x[0] * x[0],
            3.0 => x[0] * x[0] * x[0],
            power => x[0].powf(power),
        }),
        "Max" => each(&|x| x.iter().copied().fold(f32::NEG_INFINITY, f32::max)),
        "Min" => each(&|x| x.iter().copied().fold(f32::INFINITY, f32::min)),
        "PRelu" => each(&|x| if x[0] < 0.0 { x[0] * x[1] } else { x[0] }),
        "Where" => each(&|x| if x[0] != 0.0 { x[1] } else { x[2] }),
        "Less" => each(&|x| f32::from(u8::from(x[0] < x[1]))),
        "Greater" => each(&|x| f32::from(u8::from(x[0] > x[1]))),
        "GreaterOrEqual" => each(&|x| f32::from(u8::from(x[0] >= x[1]))),
        "Not" => each(&|x| 1.0 - x[0]),
        "IsNaN" => each(&|x| f32::from(u8::from(x[0].is_nan()))),
        "Cast" | "CastLike" => Some(first.clone()),
        "Clip" => {
            let bound = |index| network.known.input(node, index).and_then(|constant| constant.single());
            let (low, high) = (bound(1).unwrap_or(f64::NEG_INFINITY), bound(2).unwrap_or(f64::INFINITY));
            Some(first.iter().map(|x| x.max(low as f32).min(high as f32)).collect())
        }
        "ReduceMean" | "GlobalAveragePool" => (is_mean_of_last(network, node) && Some(first.len()) == width)
            .then(|| vec![(first.iter().map(|x| f64::from(*x)).sum::<f64>() / first.len() as f64) as f32]),
        kind => {
            let setting = |name| node.float(name, f32::NAN).ok().filter(|value| value.is_finite());
            let function = one_value(kind, setting("alpha"), setting("beta"))?;
            Some(first.iter().map(|x| function(*x)).collect())
        }
    }
}

/// Whether an operator is the mean along the last axis, which stays with one place.
fn is_mean_of_last(network: &Network<'_>, node: &Node) -> bool {
    let rank = node.input(0).and_then(|name| network.known.shape(name)).map_or(0, <[usize]>::len);
    if node.kind == "GlobalAveragePool" {
        return rank == 3;
    }
    let axes = network.known.input(node, 1).and_then(|axes| axes.as_ints());
    let is_last = matches!(axes, Some(&[given]) if axis(given, rank).ok() == rank.checked_sub(1));
    is_last && node.flag("keepdims", true) == Ok(true)
}

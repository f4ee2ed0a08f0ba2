//! Runs operators on numbers, value by value, to see what they compute together.

use std::collections::HashMap;

use super::evaluate::{Known, axis, one_value};
use super::network::Network;
use super::operation::{Kind, Operation};
use crate::onnx::import::{Element, Node};

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
    let least = match node.kind.as_str() {
        "Where" => 3,
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "PRelu" | "Less" | "Greater" | "GreaterOrEqual" => 2,
        _ => 1,
    };
    if arguments.len() < least {
        return None;
    }
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
        "Cast" => {
            let to = Element::of(i32::try_from(node.int("to", 1).ok()?).ok()?).ok()?;
            Some(match to {
                to if to.is_float() => first.clone(),
                Element::Bool => first.iter().map(|x| f32::from(u8::from(*x != 0.0))).collect(),
                _ => first.iter().map(|x| x.trunc()).collect(),
            })
        }
        // Like a constant, of which only one of floating-point numbers leaves all as it is.
        "CastLike" => network.known.input(node, 1)?.element.is_float().then(|| first.clone()),
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

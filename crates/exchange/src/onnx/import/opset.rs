//! Versions of operators: nodes of older ones are given the form of the newest, here and nowhere else.
//!
//! What were attributes and became inputs are constants behind this: `axes` of `Squeeze`, `Unsqueeze` and the reductions,
//! `min` and `max` of `Clip`, `ratio` of `Dropout`, `pads` and `value` of `Pad`, `starts`, `ends` and `axes` of `Slice`,
//! `split` of `Split`, `k` of `TopK`, `scales` of `Resize`, which `Upsample` became. `Softmax` and its like say their `axis`;
//! before version 13 they put all dimensions from there on together, which `flatten` 1 says.

use std::collections::{HashMap, HashSet};

use super::attribute::Attribute;
use super::constant::{Constant, Element, Values};
use super::node::Node;
use crate::words::short;

/// Of a `Constant` node its name and its value.
pub(super) fn constant(mut node: Node) -> Result<(String, Constant), String> {
    let about =
        |problem: &str| format!("node {} '{}' (Constant): {problem}", node.position, short(&node.name));
    let list = |shape: Vec<usize>, element, values| Constant { shape, element, values };
    let output = node.output(0).ok_or_else(|| about("it makes nothing"))?.to_owned();
    let Some((name, value)) = node.attributes.pop_first() else { return Err(about("it has no value")) };
    let constant = match (name.as_str(), value) {
        ("value", Attribute::Tensor(constant)) => constant,
        ("value_float", Attribute::Float(value)) => Constant::float(value),
        ("value_floats", Attribute::Floats(values)) => {
            list(vec![values.len()], Element::Float32, Values::Float(values))
        }
        ("value_int", Attribute::Int(value)) => list(Vec::new(), Element::Int64, Values::Int(vec![value])),
        ("value_ints", Attribute::Ints(values)) => Constant::ints(values),
        (name, value) => {
            let problem = format!("its value is {} ('{}'); expected numbers", value.kind(), short(name));
            return Err(about(&problem));
        }
    };
    if constant.as_floats().is_some_and(|values| values.iter().any(|value| value.is_nan())) {
        return Err(about("its value is NaN"));
    }
    Ok((output, constant))
}

/// Gives all nodes of a version the form of the newest operators. Constants that they need join the others; `made` are the
/// names that are taken besides.
pub(super) fn to_newest(
    opset: i64,
    nodes: &mut [Node],
    constants: &mut HashMap<String, Constant>,
    made: &HashSet<String>,
) -> Result<(), String> {
    let into = &mut Into { opset, constants, made };
    for node in nodes.iter_mut().filter(|node| node.domain.is_empty()) {
        let about = format!("node {} '{}' ({})", node.position, short(&node.name), short(&node.kind));
        one(into, node).map_err(|problem| format!("{about}: {problem}"))?;
    }
    Ok(())
}

/// From which version, where constants go, and which names they cannot have.
struct Into<'a> {
    opset: i64,
    constants: &'a mut HashMap<String, Constant>,
    made: &'a HashSet<String>,
}

fn one(into: &mut Into<'_>, node: &mut Node) -> Result<(), String> {
    let opset = into.opset;
    match node.kind.as_str() {
        "Squeeze" | "Unsqueeze" | "ReduceSum" if opset < 13 => ints(into, node, "axes", 1),
        kind if kind.starts_with("Reduce") && opset < 18 => ints(into, node, "axes", 1),
        "Split" if opset < 13 => ints(into, node, "split", 1),
        "Clip" if opset < 11 => {
            float(into, node, "min", 1, None)?;
            float(into, node, "max", 2, None)
        }
        "Dropout" if opset < 12 => float(into, node, "ratio", 1, Some(0.5)),
        "Pad" if opset < 11 => {
            ints(into, node, "pads", 1)?;
            float(into, node, "value", 2, None)
        }
        "Slice" if opset < 10 => {
            ints(into, node, "starts", 1)?;
            ints(into, node, "ends", 2)?;
            ints(into, node, "axes", 3)
        }
        "TopK" if opset < 10 => {
            let k = node.int("k", 1)?;
            node.attributes.remove("k");
            add(into, node, 1, Constant::ints(vec![k]))
        }
        "Upsample" => {
            if opset < 9 {
                let scales = match node.attributes.remove("scales") {
                    Some(Attribute::Floats(values)) => values,
                    _ => return Err("it has no scales".into()),
                };
                let values = Values::Float(scales.clone());
                let scales = Constant { shape: vec![scales.len()], element: Element::Float32, values };
                add(into, node, 1, scales)?;
            }
            "Resize".clone_into(&mut node.kind);
            to_resize(node)
        }
        "Resize" if opset < 11 => to_resize(node),
        "Softmax" | "LogSoftmax" | "Hardmax" => {
            let axis = node.int("axis", if opset < 13 { 1 } else { -1 })?;
            node.attributes.insert("axis".into(), Attribute::Int(axis));
            if opset < 13 {
                node.attributes.insert("flatten".into(), Attribute::Int(1));
            }
            Ok(())
        }
        "Scatter" if opset < 11 => {
            "ScatterElements".clone_into(&mut node.kind);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The scales are the third input, and positions are what they were before they could be chosen.
fn to_resize(node: &mut Node) -> Result<(), String> {
    if node.inputs.len() != 2 {
        return Err(format!("it has {} inputs; expected 2", node.inputs.len()));
    }
    node.inputs.insert(1, String::new());
    let text = |text: &str| Attribute::Text(text.to_owned());
    node.attributes.insert("coordinate_transformation_mode".into(), text("asymmetric"));
    node.attributes.insert("nearest_mode".into(), text("floor"));
    Ok(())
}

/// Makes a list of whole numbers an input.
fn ints(into: &mut Into<'_>, node: &mut Node, name: &str, index: usize) -> Result<(), String> {
    match node.attributes.remove(name) {
        None => Ok(()),
        Some(Attribute::Ints(values)) => add(into, node, index, Constant::ints(values)),
        Some(other) => Err(format!("{name} is {}; expected whole numbers", other.kind())),
    }
}

/// Makes a number an input.
fn float(
    into: &mut Into<'_>,
    node: &mut Node,
    name: &str,
    index: usize,
    default: Option<f32>,
) -> Result<(), String> {
    match (node.attributes.remove(name), default) {
        (None, None) => Ok(()),
        (None, Some(value)) | (Some(Attribute::Float(value)), _) if !value.is_nan() => {
            add(into, node, index, Constant::float(value))
        }
        (Some(other), _) => Err(format!("{name} is {}; expected a number", other.kind())),
        (None, Some(_)) => Ok(()),
    }
}

/// Gives a node a constant as an input that it does not have yet.
fn add(into: &mut Into<'_>, node: &mut Node, index: usize, constant: Constant) -> Result<(), String> {
    if node.inputs.len() > index {
        return Err(format!("it has {} inputs; expected at most {index} in this version", node.inputs.len()));
    }
    // No name of a file is like it: theirs were checked to be given once, and this one is until it is free.
    let mut name = format!("{} {index}", node.position);
    while into.constants.contains_key(&name) || into.made.contains(&name) {
        name.push(' ');
    }
    into.constants.insert(name.clone(), constant);
    node.inputs.resize(index, String::new());
    node.inputs.push(name);
    Ok(())
}

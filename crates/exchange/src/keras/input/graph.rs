//! The layers of a `Sequential` or functional model, as a chain with residual additions in it.
//!
//! A sum joins two ways that part at the last layer which both come from: its immediate dominator. What lies between
//! is the body of a residual block and its shortcut; a graph in which a layer would have to stand in two such places is
//! refused.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::config::{Config, short};

/// The most layers, those of models inside counted as well.
pub(super) const MOST_LAYERS: usize = 10_000;

/// Blocks inside blocks.
const MOST_DEPTH: usize = 64;

/// A layer as the file describes it.
pub(super) struct Node<'a> {
    pub(super) class: &'a str,
    pub(super) name: &'a str,
    pub(super) config: Config<'a>,
    /// The whole description, with `module` and `registered_name`.
    pub(super) entry: &'a Map<String, Value>,
    /// Counted from 1, inside models `4.2`.
    pub(super) position: String,
    /// Its group in the weights of `.keras`: `layers/conv2d_1`.
    pub(super) group: String,
    /// What it is called with besides its inputs.
    pub(super) arguments: Option<&'a Map<String, Value>>,
    /// Names of the layers whose outputs it takes.
    pub(super) inputs: Vec<&'a str>,
}

/// A step of a chain.
pub(super) enum Step {
    Layer(usize),
    /// Two ways, which the layer `sum` adds.
    Residual {
        sum: usize,
        body: Vec<Step>,
        shortcut: Vec<Step>,
    },
}

/// Why a graph cannot be taken over.
pub(super) enum Refused {
    /// The description is not one of a model.
    Malformed(String),
    /// A layer, by its place in the list, and the reason.
    Layer(usize, String),
}

pub(super) struct Graph<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) steps: Vec<Step>,
}

impl<'a> Graph<'a> {
    /// Reads the layers of a model; `position` and `group` are those of a model inside another, else empty.
    ///
    /// # Errors
    /// Everything that cannot be taken over, with all layers for the names of those.
    pub(super) fn read(
        model: &'a Map<String, Value>,
        position: &str,
        group: &str,
    ) -> Result<(Self, Vec<Refused>), String> {
        let class = class_of(model);
        let (config, list) = match model.get("config") {
            // Keras 2.1 and before wrote the list of layers itself.
            Some(Value::Array(list)) => (None, list),
            Some(Value::Object(config)) => match config.get("layers") {
                Some(Value::Array(list)) => (Some(config), list),
                _ => return Err(format!("a model of class '{}' has no list of layers", short(class))),
            },
            _ => return Err(format!("a model of class '{}' has no configuration", short(class))),
        };
        if list.len() > MOST_LAYERS {
            return Err(format!("the model has {} layers; expected at most {MOST_LAYERS}", list.len()));
        }
        let mut counts = HashMap::new();
        let mut nodes = Vec::new();
        for (index, entry) in list.iter().enumerate() {
            let entry = entry.as_object().ok_or_else(|| format!("layer {} is no object", index + 1))?;
            let class = class_of(entry);
            let config = entry.get("config").and_then(Value::as_object);
            let config = config.ok_or_else(|| format!("layer {} has no configuration", index + 1))?;
            let name = config.get("name").or_else(|| entry.get("name")).and_then(Value::as_str);
            let count = counts.entry(snake_case(class)).or_insert(0usize);
            let own = match *count {
                0 => snake_case(class),
                count => format!("{}_{count}", snake_case(class)),
            };
            *count += 1;
            nodes.push(Node {
                class,
                name: name.unwrap_or(""),
                config: Config(config),
                entry,
                position: format!("{position}{}", index + 1),
                group: format!("{group}layers/{own}"),
                arguments: None,
                inputs: Vec::new(),
            });
        }
        let (steps, refused) = match class {
            "Sequential" => ((0..nodes.len()).map(Step::Layer).collect(), Vec::new()),
            _ => match functional(config, &mut nodes) {
                Ok(steps) => (steps, Vec::new()),
                Err(refused) => ((0..nodes.len()).map(Step::Layer).collect(), vec![refused]),
            },
        };
        Ok((Graph { nodes, steps }, refused))
    }
}

fn class_of(entry: &Map<String, Value>) -> &str {
    entry.get("class_name").and_then(Value::as_str).unwrap_or("")
}

/// The name that Keras 3 gives to groups of weights: `MaxPooling2D` is `max_pooling2d`.
pub(in crate::keras) fn snake_case(class: &str) -> String {
    let letters: Vec<char> =
        class.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|index| letters[index]);
        let after = letters.get(index + 1);
        if letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase() || after.is_some_and(|after| after.is_ascii_lowercase())
            })
            && before != Some('_')
        {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn functional<'a>(
    config: Option<&'a Map<String, Value>>,
    nodes: &mut [Node<'a>],
) -> Result<Vec<Step>, Refused> {
    let malformed = |problem: &str| Refused::Malformed(problem.to_owned());
    let config = config.ok_or_else(|| malformed("a functional model has no configuration"))?;
    let mut places = HashMap::new();
    for (index, node) in nodes.iter_mut().enumerate() {
        if places.insert(node.name, index).is_some() {
            return Err(Refused::Layer(index, "another layer has the same name".into()));
        }
        let calls = match node.entry.get("inbound_nodes") {
            Some(Value::Array(calls)) => calls.as_slice(),
            _ => &[],
        };
        match calls {
            [] => {}
            [call] => {
                // Behind an embedding Keras itself writes how the mask comes about.
                let own = |mask: &str| matches!(mask.split('_').next(), Some("not" | "logical" | "any"));
                if let Some(mask) = masks(call).into_iter().find(|mask| !own(mask)) {
                    return Err(Refused::Layer(
                        index,
                        format!("it is given a mask of its own, '{}'", short(mask)),
                    ));
                }
                (node.inputs, node.arguments) =
                    read_call(call).map_err(|reason| Refused::Layer(index, reason))?;
            }
            _ => {
                return Err(Refused::Layer(
                    index,
                    "it is used in several places, which share its weights".into(),
                ));
            }
        }
    }
    let one = |field: &str| -> Result<usize, Refused> {
        let names = config.get(field).map(ends).unwrap_or_default();
        match names.as_slice() {
            [name] => places.get(name).copied().ok_or_else(|| malformed(&format!("{field} names no layer"))),
            names => {
                Err(malformed(&format!("the model has {} {field}; only one can be taken over", names.len())))
            }
        }
    };
    let (first, last) = (one("input_layers")?, one("output_layers")?);
    let mut inputs: Vec<Vec<usize>> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let found: Option<Vec<usize>> = node.inputs.iter().map(|name| places.get(name).copied()).collect();
        inputs.push(found.ok_or_else(|| {
            Refused::Layer(index, "it takes the output of a layer that is not there".into())
        })?);
    }
    let dominators = dominators(&inputs, nodes, first, last)?;
    let mut walk = Walk { inputs: &inputs, dominators: &dominators, visited: vec![false; nodes.len()] };
    let mut steps = walk.chain(first, last, 0)?;
    steps.insert(0, Step::Layer(first));
    Ok(steps)
}

/// Names in `["dense", 0, 0]` or `[["dense", 0, 0]]`.
fn ends(value: &Value) -> Vec<&str> {
    let Some(list) = value.as_array() else { return Vec::new() };
    match list.first() {
        Some(Value::String(name)) => vec![name],
        _ => list.iter().flat_map(ends).collect(),
    }
}

/// Names of the layers whose outputs a layer is called with, and what else.
type Call<'a> = (Vec<&'a str>, Option<&'a Map<String, Value>>);

/// Reads a call of a layer.
fn read_call(call: &Value) -> Result<Call<'_>, String> {
    let mut names = Vec::new();
    match call {
        // Keras 3: positional arguments and named ones, with tensors anywhere in them.
        Value::Object(call) => {
            if let Some(args) = call.get("args") {
                tensors(args, &mut names)?;
            }
            let kwargs = call.get("kwargs").and_then(Value::as_object);
            for (field, value) in kwargs.into_iter().flatten() {
                if !field.ends_with("mask") {
                    tensors(value, &mut names)?;
                }
            }
            Ok((names, kwargs))
        }
        // Keras 2: a list of `[layer, node, tensor, named arguments]`, in which a tensor is `[layer, node, tensor]`.
        Value::Array(list) => {
            let list: Vec<&Value> = match list.first() {
                Some(Value::String(_)) => vec![call],
                _ => list.iter().collect(),
            };
            let mut kwargs = None;
            for entry in list {
                let entry = entry.as_array().map_or(&[][..], Vec::as_slice);
                let Some(Value::String(name)) = entry.first() else {
                    return Err("its inputs are not layers".into());
                };
                names.push(name.as_str());
                if let Some(Value::Object(named)) =
                    entry.get(3).filter(|named| named.as_object().is_some_and(|named| !named.is_empty()))
                {
                    kwargs = Some(named);
                    for (_, value) in named.iter().filter(|(field, _)| !field.ends_with("mask")) {
                        let Value::Array(tensor) = value else { continue };
                        if let [Value::String(name), Value::Number(_), Value::Number(_), ..] =
                            tensor.as_slice()
                        {
                            names.push(name);
                        }
                    }
                }
            }
            Ok((names, kwargs))
        }
        _ => Err("it is called in a way that is not known".into()),
    }
}

/// The layers that masks of a call of Keras 3 come from.
fn masks(call: &Value) -> Vec<&str> {
    let mut names = Vec::new();
    for (field, value) in call.get("kwargs").and_then(Value::as_object).into_iter().flatten() {
        if field.ends_with("mask") && field != "attention_mask" {
            // What is no tensor is no mask.
            let _ = tensors(value, &mut names);
        }
    }
    names
}

fn tensors<'a>(value: &'a Value, names: &mut Vec<&'a str>) -> Result<(), String> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| tensors(value, names)),
        Value::Object(object) if class_of(object) == "__keras_tensor__" => {
            let name = object.get("config").and_then(|config| config.get("keras_history")?.get(0)?.as_str());
            names.push(name.ok_or("one of its inputs has no origin")?);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Of each layer on the way to `last` the nearest before it through which every way goes.
fn dominators(
    inputs: &[Vec<usize>],
    nodes: &[Node<'_>],
    first: usize,
    last: usize,
) -> Result<Vec<usize>, Refused> {
    let mut dominators = vec![usize::MAX; inputs.len()];
    let mut depths = vec![0usize; inputs.len()];
    let mut begun = vec![false; inputs.len()];
    let mut done = vec![false; inputs.len()];
    let mut open = vec![last];
    while let Some(&node) = open.last() {
        if done[node] {
            open.pop();
            continue;
        }
        let waiting: Vec<usize> = inputs[node].iter().copied().filter(|input| !done[*input]).collect();
        if !waiting.is_empty() {
            if begun[node] {
                return Err(Refused::Layer(node, "it takes its own output".into()));
            }
            begun[node] = true;
            open.extend(waiting);
            continue;
        }
        let is_sum = nodes[node].class == "Add";
        let mut before = inputs[node].clone();
        before.dedup();
        let dominator = match before.as_slice() {
            [] if node == first => node,
            [] => {
                return Err(Refused::Layer(node, "it takes no input, or one that is not the model's".into()));
            }
            [input] if is_sum && inputs[node].len() == 2 => {
                return Err(Refused::Layer(
                    node,
                    format!("it adds '{}' to itself", short(nodes[*input].name)),
                ));
            }
            [input] => *input,
            &[a, b] if is_sum => {
                let (mut a, mut b) = (a, b);
                while a != b {
                    match depths[a] >= depths[b] {
                        true => a = dominators[a],
                        false => b = dominators[b],
                    }
                }
                a
            }
            _ => {
                return Err(Refused::Layer(
                    node,
                    format!("it joins {} inputs; only the sum of two can be taken over", before.len()),
                ));
            }
        };
        dominators[node] = dominator;
        depths[node] = if node == first { 0 } else { depths[dominator] + 1 };
        done[node] = true;
        open.pop();
    }
    Ok(dominators)
}

struct Walk<'a> {
    inputs: &'a [Vec<usize>],
    dominators: &'a [usize],
    visited: Vec<bool>,
}

impl Walk<'_> {
    /// The steps behind `from` up to `to`.
    fn chain(&mut self, from: usize, to: usize, depth: usize) -> Result<Vec<Step>, Refused> {
        if depth > MOST_DEPTH {
            return Err(Refused::Layer(to, format!("it is inside more than {MOST_DEPTH} sums")));
        }
        let mut steps = Vec::new();
        let mut node = to;
        while node != from {
            if std::mem::replace(&mut self.visited[node], true) {
                return Err(Refused::Layer(
                    node,
                    "its output goes several ways that do not meet in one sum".into(),
                ));
            }
            let before = self.dominators[node];
            match *self.inputs[node].as_slice() {
                [a, b] if a != b => {
                    let ways = [self.chain(before, a, depth + 1)?, self.chain(before, b, depth + 1)?];
                    let [a, b] = ways;
                    // The longer way is the body.
                    let (body, shortcut) = if a.len() >= b.len() { (a, b) } else { (b, a) };
                    steps.push(Step::Residual { sum: node, body, shortcut });
                }
                _ => steps.push(Step::Layer(node)),
            }
            node = before;
        }
        steps.reverse();
        Ok(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn groups_are_called_as_keras_calls_them() {
        for (class, expected) in [
            ("Dense", "dense"),
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("LSTM", "lstm"),
            ("SimpleRNN", "simple_rnn"),
            ("LeakyReLU", "leaky_re_lu"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("GlobalAveragePooling1D", "global_average_pooling1d"),
        ] {
            assert_eq!(snake_case(class), expected);
        }
    }
}

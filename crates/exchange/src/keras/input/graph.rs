//! The layers of a `Sequential` or functional model, as a chain with residual additions in it.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::config::Config;
use crate::chain::{Joining, Links, Step};
use crate::words::short;

/// The most layers, those of models inside counted as well.
pub(super) const MOST_LAYERS: usize = 10_000;

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
    let joining = |index: usize| match nodes[index].class {
        "Add" => Joining::Sum,
        _ => Joining::Unknown,
    };
    let name = |index: usize| short(nodes[index].name);
    let links = Links { inputs: &inputs, joining: &joining, name: &name };
    links.chain(first, last).map_err(|(index, reason)| Refused::Layer(index, reason))
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

//! What goes into a graph: how a batch becomes values.

use std::collections::HashSet;

use fireclay_nn::{AnyTensor, InputSpec};

use super::super::export::{OnnxSize, OnnxType, OnnxValue};
use super::super::import::{Graph, GraphValue, Node, Size};
use super::Reason;
use super::any_rank::AnyRank;
use super::value::{Element, Value};

/// An input of a graph.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) name: String,
    element: Element,
    /// The batch first.
    pub(super) sizes: Vec<Size>,
    /// Whether the graph wants `[batch, height, width, channels]`, where images here have their channels before.
    channels_last: bool,
    /// Whether it is read as whole numbers only, whatever its type.
    tokens: bool,
}

impl Input {
    pub(super) fn new(graph: &Graph, value: &GraphValue) -> Result<Self, Reason> {
        let sizes =
            value.sizes.clone().ok_or("its sizes are not in the file, not even how many there are")?;
        if !(1..=4).contains(&sizes.len()) {
            return Err(format!("it has {} dimensions; expected 1 to 4, the batch first", sizes.len()));
        }
        if sizes.contains(&Size::Fixed(0)) {
            return Err("it has a size of 0".to_owned());
        }
        let element = Element::of(value.element);
        let channels_last = sizes.len() == 4 && is_turned(graph, &value.name, &mut HashSet::new());
        let tokens = sizes.len() <= 2 && (element == Element::Int || becomes_whole(graph, &value.name));
        Ok(Input { name: value.name.clone(), element, sizes, channels_last, tokens })
    }

    pub(super) fn is_channels_last(&self) -> bool {
        self.channels_last
    }

    /// What one sample is, if all sizes are known.
    pub(super) fn spec(&self) -> Option<InputSpec> {
        let sizes: Option<Vec<usize>> = self.sizes[1..]
            .iter()
            .map(|size| match size {
                Size::Fixed(size) => Some(*size),
                Size::Any(_) => None,
            })
            .collect();
        match (sizes?.as_slice(), self.tokens) {
            ([], true) => Some(InputSpec::Tokens(1)),
            ([], false) => Some(InputSpec::Values(vec![1])),
            ([tokens], true) => Some(InputSpec::Tokens(*tokens)),
            (&[height, width, channels], _) if self.channels_last => {
                Some(InputSpec::Values(vec![channels, height, width]))
            }
            (sizes, _) => Some(InputSpec::Values(sizes.to_vec())),
        }
    }

    /// How many different tokens there are, if rows of a constant are looked up by them.
    pub(super) fn vocabulary_size(&self, graph: &Graph) -> Option<usize> {
        if self.tokens { vocabulary(graph, &self.name, &mut HashSet::new()) } else { None }
    }

    /// The batch that the file fixes, though any may go in.
    pub(super) fn fixed_batch(&self) -> Option<usize> {
        match self.sizes[0] {
            Size::Fixed(size) => Some(size),
            Size::Any(_) => None,
        }
    }

    /// The value of a check: sizes without numbers.
    pub(super) fn of_sizes(&self, batch: usize, open: impl Fn(&str) -> usize) -> Value {
        let rest = self.sizes[1..].iter().map(|size| match size {
            Size::Fixed(size) => *size,
            Size::Any(name) => open(name),
        });
        Value::unknown(self.element, std::iter::once(batch).chain(rest).collect::<Vec<_>>())
    }

    /// The value of a batch.
    pub(super) fn of_batch(&self, batch: AnyTensor) -> Result<Value, Reason> {
        let found = batch.dims();
        let value = match batch {
            AnyTensor::Tokens(tokens) => {
                let numbers: Vec<f64> = tokens.into_data().iter::<i64>().map(|token| token as f64).collect();
                Value::host(self.element, &*found, numbers)
            }
            AnyTensor::Rows(rows) => Value::device(Element::Float, &*found, AnyRank::from(rows)),
            AnyTensor::Sequences(steps) => Value::device(Element::Float, &*found, AnyRank::from(steps)),
            AnyTensor::Images(images) => Value::device(Element::Float, &*found, AnyRank::from(images)),
            AnyTensor::Named(_) => return Err("it has several inputs inside".to_owned()),
        };
        let value =
            if self.channels_last && value.rank() == 4 { value.permute(&[0, 2, 3, 1]) } else { value };
        // A list of one number for each sample has one dimension in the graph.
        let value = match (self.sizes.len(), found.as_slice()) {
            (1, [samples, 1]) => value.reshape([*samples]),
            _ => value,
        };
        let fits = value.rank() == self.sizes.len()
            && self.sizes.iter().zip(&value.dims).skip(1).all(|(size, found)| match size {
                Size::Fixed(size) => size == found,
                Size::Any(_) => *found > 0,
            })
            && value.count() > 0;
        match fits {
            true => Ok(self.converted(value)),
            false => Err(format!("a batch of {found:?} for {}", self.described())),
        }
    }

    /// With the type that the graph gives it: what is counted is in host memory.
    fn converted(&self, value: Value) -> Value {
        match (self.element, &value.data) {
            (Element::Int | Element::Bool, super::value::Data::Device(tensor)) => {
                let numbers =
                    tensor.clone().read().into_iter().map(|number| f64::from(number.round())).collect();
                Value::host(self.element, &*value.dims, numbers)
            }
            _ => value,
        }
    }

    /// As others are told of it.
    pub(super) fn described(&self) -> OnnxValue {
        let size = |size: &Size| match size {
            Size::Fixed(size) => OnnxSize::Fixed(*size),
            Size::Any(name) if name.is_empty() => OnnxSize::Any("?".to_owned()),
            Size::Any(name) => OnnxSize::Any(name.clone()),
        };
        let mut sizes: Vec<OnnxSize> = self.sizes.iter().map(size).collect();
        sizes[0] = OnnxSize::Any("batch".to_owned());
        if self.channels_last {
            sizes[1..].rotate_right(1);
        }
        let element = if self.tokens { OnnxType::Int64 } else { OnnxType::Float32 };
        OnnxValue::new(self.name.clone(), element, sizes, String::new())
    }
}

/// The most values between an input and what says what it is.
const MOST_MOVED: usize = 16;

/// Whether an image is first of all turned from channels-last, perhaps after each number was scaled.
fn is_turned<'a>(graph: &'a Graph, name: &'a str, seen: &mut HashSet<&'a str>) -> bool {
    let mut readers = readers(graph, name).peekable();
    if readers.peek().is_none() || seen.len() > MOST_MOVED || !seen.insert(name) {
        return false;
    }
    readers.all(|node| match node.kind.as_str() {
        "Transpose" => node.ints("perm").ok().flatten() == Some(&[0, 3, 1, 2]),
        "Add" | "Cast" | "Clip" | "Div" | "Identity" | "Mul" | "Sub" => {
            node.output(0).is_some_and(|output| is_turned(graph, output, seen))
        }
        _ => false,
    })
}

/// Whether everything that reads a value makes it whole numbers.
fn becomes_whole(graph: &Graph, name: &str) -> bool {
    let mut readers = readers(graph, name).peekable();
    let is_whole = |node: &Node| node.kind == "Cast" && matches!(node.int("to", 0), Ok(6 | 7));
    readers.peek().is_some() && readers.all(is_whole)
}

/// The fewest rows of all constants from which such values choose some.
fn vocabulary<'a>(graph: &'a Graph, name: &'a str, seen: &mut HashSet<&'a str>) -> Option<usize> {
    if seen.len() > MOST_MOVED || !seen.insert(name) {
        return None;
    }
    let rows = |node: &'a Node| match node.kind.as_str() {
        "Gather" if node.input(1) == Some(name) && node.int("axis", 0) == Ok(0) => {
            let table = graph.constants.get(node.input(0)?)?;
            (table.shape.len() == 2).then(|| table.shape[0])
        }
        "Cast" | "Identity" | "Squeeze" | "Unsqueeze" => {
            node.output(0).and_then(|output| vocabulary(graph, output, seen))
        }
        _ => None,
    };
    readers(graph, name).filter_map(rows).min()
}

fn readers<'a>(graph: &'a Graph, name: &'a str) -> impl Iterator<Item = &'a Node> {
    graph.nodes.iter().filter(move |node| node.inputs.iter().any(|input| input == name))
}

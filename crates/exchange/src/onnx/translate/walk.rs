//! Walks the chain of operations and makes layers of it.

use super::flow::Flow;
use super::layers;
use super::operation::Kind;
use super::pieces::{Piece, PieceKind};
use super::translation::{Outcome, Translation};
use crate::chain::{Joining, Links, Step};

/// The most features, or channels, of a value.
const MOST_FEATURES: usize = 1 << 24;

impl Translation<'_> {
    /// Translates all operations, and gives what leaves the last one; `None` where that is not known.
    pub(super) fn walk(&mut self, input: Flow) -> Option<Flow> {
        let operations = &self.network.operations;
        // The model's input is an operation that makes it.
        let first = operations.len();
        let Some(last) = self.makers.get(&self.network.output).copied() else { return Some(input) };
        let makers = |operation: &super::operation::Operation| {
            operation.inputs.iter().map(|name| self.makers.get(name).copied().unwrap_or(first)).collect()
        };
        let mut inputs: Vec<Vec<usize>> = operations.iter().map(makers).collect();
        inputs.push(Vec::new());
        let joining = |index: usize| match operations.get(index) {
            Some(operation) if operation.inputs.len() < 2 => Joining::Unknown,
            Some(operation) => match (&operation.kind, self.node(operation).kind.as_str()) {
                (Kind::Attention(_), _) | (Kind::Node, "Concat") => Joining::Known,
                (Kind::Node, "Add") => Joining::Sum,
                _ => Joining::Unknown,
            },
            None => Joining::Unknown,
        };
        let name = |index: usize| match operations.get(index) {
            Some(operation) => crate::words::short(operation.outputs.first().map_or("", String::as_str)),
            None => crate::words::short(&self.network.input),
        };
        let links = Links { inputs: &inputs, joining: &joining, name: &name };
        let steps = match links.chain(first, last) {
            Ok(steps) => steps,
            Err((index, reason)) => {
                if let Some(operation) = operations.get(index) {
                    let reason = format!(
                        "{reason}; such a graph is no chain of layers, and is run as it is by OnnxGraph"
                    );
                    self.unsupported.push(self.node(operation).unsupported(reason));
                }
                return None;
            }
        };
        let end = self.steps(&steps, Some(input));
        self.try_step(last, end, |into, flow| {
            let flow = into.read(&into.network.output, flow)?;
            into.check_followed(&into.network.output, &flow)?;
            Ok(flow)
        })
    }

    fn steps(&mut self, steps: &[Step], mut flow: Option<Flow>) -> Option<Flow> {
        for step in steps {
            flow = match step {
                Step::Layer(index) if *index == self.network.operations.len() => flow,
                Step::Layer(index) => self.try_step(*index, flow, |into, flow| into.layer(*index, flow)),
                Step::Join { node, from } => {
                    self.try_step(*node, flow, |into, flow| into.join(*node, *from, flow))
                }
                Step::Residual { sum, body, shortcut } => self.residual(*sum, body, shortcut, flow),
            };
        }
        flow
    }

    fn try_step(
        &mut self,
        index: usize,
        flow: Option<Flow>,
        translate: impl FnOnce(&mut Self, Flow) -> Outcome,
    ) -> Option<Flow> {
        match translate(self, flow?) {
            Ok(flow) => Some(flow),
            Err(reason) => {
                let operation = &self.network.operations[index];
                self.unsupported.push(self.node(operation).unsupported(reason));
                None
            }
        }
    }

    fn layer(&mut self, index: usize, flow: Flow) -> Outcome {
        let operation = &self.network.operations[index];
        let name = operation.inputs.first().map_or("", String::as_str);
        let flow = self.read(name, flow)?;
        self.check_followed(name, &flow)?;
        if flow.features() > MOST_FEATURES {
            return Err(format!(
                "it is given {} features; expected at most {MOST_FEATURES}",
                flow.features()
            ));
        }
        let before = self.pieces.len();
        let flow = layers::translate(self, operation, flow)?;
        let made = self.pieces.get(before..).unwrap_or_default();
        let values = made.iter().flat_map(|piece| &piece.tensors).map(|tensor| tensor.values.len()).sum();
        self.take(values)?;
        Ok(flow)
    }

    /// Refuses a value whose sizes are not those that the graph gives it: it was misunderstood.
    fn check_followed(&self, name: &str, flow: &Flow) -> Result<(), String> {
        match self.network.known.shape(name) {
            Some(shape) if flow.zeros.is_none() && shape != flow.shape() => {
                Err(format!("it is given {shape:?}, of which {:?} was understood", flow.shape()))
            }
            _ => Ok(()),
        }
    }

    /// What is read of what the operation before gives: one of its outputs.
    fn read(&mut self, name: &str, flow: Flow) -> Outcome {
        let Some(maker) = self.makers.get(name) else { return Ok(flow) };
        let operation = &self.network.operations[*maker];
        match (&operation.kind, self.node(operation).kind.as_str()) {
            (Kind::Node, "Split") => layers::part_of(self, operation, name, flow),
            (Kind::Node, "LSTM" | "GRU" | "RNN") => {
                match operation.outputs.iter().position(|output| output == name) {
                    Some(0) => Ok(flow),
                    Some(1) => layers::state(self, flow),
                    _ => Err("it reads the cells of an LSTM".into()),
                }
            }
            _ if operation.outputs.first().is_some_and(|first| first == name) => Ok(flow),
            _ => Err("it reads another output than the first".into()),
        }
    }

    fn join(&mut self, index: usize, from: usize, flow: Flow) -> Outcome {
        let operation = &self.network.operations[index];
        self.at_start = false;
        match &operation.kind {
            Kind::Attention(attention) => layers::join_attention(self, operation, attention, from, flow),
            _ => layers::join_directions(self, operation, from, flow),
        }
    }

    fn residual(&mut self, sum: usize, body: &[Step], shortcut: &[Step], flow: Option<Flow>) -> Option<Flow> {
        // A value that is only looked at in another way stays in the list of layers around.
        let flow = self.try_step(sum, flow, |into, flow| {
            let operation = &into.network.operations[sum];
            let is_first = |name: &String| {
                let maker = into.makers.get(name).map(|maker| &into.network.operations[*maker]);
                maker.is_none_or(|maker| maker.outputs.first() == Some(name))
            };
            match operation.inputs.iter().all(is_first) {
                true => into.plain(flow),
                false => Err("it adds another output than the first".into()),
            }
        })?;
        self.at_start = false;
        let outside = std::mem::take(&mut self.pieces);
        let one = self.steps(body, Some(flow.clone()));
        let one = one.and_then(|flow| self.try_step(sum, Some(flow), |into, flow| into.plain(flow)));
        let body = std::mem::take(&mut self.pieces);
        let other = self.steps(shortcut, Some(flow));
        let other = other.and_then(|flow| self.try_step(sum, Some(flow), |into, flow| into.plain(flow)));
        let shortcut = std::mem::replace(&mut self.pieces, outside);
        let (one, other) = (one?, other?);
        let (body, shortcut) = if body.is_empty() { (shortcut, body) } else { (body, shortcut) };
        let flow = Some(one.clone());
        self.try_step(sum, flow, move |into, one| {
            if one.tokens || one.sample != other.sample || one.dims != other.dims {
                let (a, b) = (one.shape(), other.shape());
                return Err(format!(
                    "it adds {a:?} and {b:?}, which are not the same or not in the same order"
                ));
            }
            if body.is_empty() {
                return Err("it adds a value to itself".into());
            }
            into.push(Piece {
                name: None,
                kind: PieceKind::Block { body, shortcut },
                tensors: Vec::new(),
                frozen: false,
            });
            Ok(one)
        })
    }
}

//! What is known while the operations of a network become layers, and what all of them need.

use std::collections::HashMap;

use super::affine::Affine;
use super::flow::Flow;
use super::network::Network;
use super::operation::Operation;
use super::pieces::Piece;
use crate::Unsupported;
use crate::onnx::import::{Constant, Element, Node};

/// Values that may stand for nothing in the file.
const MOST_UNBACKED: usize = 1 << 22;

/// A network on its way.
pub(super) struct Translation<'a> {
    pub(super) network: &'a Network<'a>,
    pub(super) makers: HashMap<String, usize>,
    /// The list that is being filled.
    pub(super) pieces: Vec<Piece>,
    pub(super) notes: Vec<String>,
    pub(super) unsupported: Vec<Unsupported>,
    /// What is done to the input before the first layer.
    pub(super) scale: Option<Affine>,
    /// Whether nothing was made of the input yet.
    pub(super) at_start: bool,
    pub(super) element: Element,
    /// Whether the last operation gave logarithms of probabilities, which are as good as logits.
    pub(super) ends_with_softmax: bool,
    unbacked: usize,
    /// How many more values layers may have; several may have copies of one tensor.
    left: usize,
}

/// What an operation gives, or why it cannot be taken over.
pub(super) type Outcome = Result<Flow, String>;

impl<'a> Translation<'a> {
    pub(super) fn new(network: &'a Network<'a>, element: Element) -> Self {
        Translation {
            network,
            makers: network.makers(),
            pieces: Vec::new(),
            notes: Vec::new(),
            unsupported: Vec::new(),
            scale: None,
            at_start: true,
            element,
            ends_with_softmax: false,
            unbacked: MOST_UNBACKED,
            left: network.graph.constants.values().map(Constant::len).sum::<usize>().saturating_mul(2)
                + MOST_UNBACKED,
        }
    }

    pub(super) fn node(&self, operation: &Operation) -> &'a Node {
        self.network.node(operation)
    }

    /// The constant that an input of an operation's node is.
    pub(super) fn constant(&self, operation: &Operation, index: usize) -> Option<&'a Constant> {
        self.network.known.input(self.node(operation), index)
    }

    /// The numbers that an input must be.
    pub(super) fn weight(
        &self,
        operation: &Operation,
        index: usize,
        what: &str,
    ) -> Result<&'a Constant, String> {
        let missing = || match self.node(operation).input(index) {
            None => format!("it has no {what}"),
            Some(_) => format!("its {what} depends on the model's input"),
        };
        let constant = self.constant(operation, index).ok_or_else(missing)?;
        match constant.as_floats() {
            // Sizes of which one is 0 would stand for any others.
            Some([]) => Err(format!("its {what} has the shape {:?}, without a value", constant.shape)),
            Some(values) => match values.iter().position(|value| !value.is_finite()) {
                None => Ok(constant),
                Some(place) => Err(format!("value {place} of its {what} is {}", values[place])),
            },
            None => Err(format!("its {what} is of {}", constant.element.name())),
        }
    }

    /// Numbers of a constant of one dimension, of which there must be so many.
    pub(super) fn list(
        &self,
        operation: &Operation,
        index: usize,
        what: &str,
        count: usize,
    ) -> Result<&'a [f32], String> {
        let constant = self.weight(operation, index, what)?;
        match constant.as_floats() {
            Some(values) if values.len() == count => Ok(values),
            _ => Err(format!("its {what} has the shape {:?}; expected {count} values", constant.shape)),
        }
    }

    /// The name that a file has for the layer of a weight.
    pub(super) fn name(&self, operation: &Operation, index: usize) -> Option<String> {
        super::pieces::name_of(self.node(operation).input(index)?)
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.pieces.push(piece);
        self.at_start = false;
    }

    /// Takes so many values for a layer.
    pub(super) fn take(&mut self, count: usize) -> Result<(), String> {
        self.left = self
            .left
            .checked_sub(count)
            .ok_or("the layers would have more than twice as many values as the file")?;
        Ok(())
    }

    /// Takes so many values that nothing in the file stands for.
    pub(super) fn unbacked(&mut self, count: usize) -> Result<(), String> {
        self.unbacked = self
            .unbacked
            .checked_sub(count)
            .ok_or_else(|| format!("it needs more than {MOST_UNBACKED} values that are not in the file"))?;
        Ok(())
    }

    /// The flow laid out flat where an operation takes it as one row.
    pub(super) fn as_row(&mut self, flow: Flow) -> Outcome {
        if flow.sample.len() < 2 {
            return Ok(flow);
        }
        if !flow.is_whole() {
            return Err("it takes a part of what comes to it".into());
        }
        self.push(Piece::new(fireclay_nn::FlattenSpec {}));
        flow.flattened()
    }

    /// Refuses what only some operations may be given.
    pub(super) fn plain(&mut self, flow: Flow) -> Outcome {
        if flow.zeros.is_some() {
            return Err(
                "zeros are put around what comes to it, which only a convolution that follows can do".into(),
            );
        }
        let flow = if flow.heads { self.project_heads(flow)? } else { flow };
        if !flow.is_whole() {
            return Err("it is given a part of what comes before".into());
        }
        if flow.is_mixed() { self.as_row(flow) } else { Ok(flow) }
    }

    /// Which features stand where along a dimension, of which all must be there: the last one, or channels.
    pub(super) fn feature_places(&self, flow: &Flow, dim: usize) -> Result<Vec<usize>, String> {
        let axis = flow.feature_axis();
        match flow.dims.get(dim).is_some() && flow.is_all_of(dim, axis) {
            true => Ok(flow.places(dim)),
            false => Err("it does not work along the features, or channels, of what comes to it".into()),
        }
    }
}

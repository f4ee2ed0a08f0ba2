//! What is left of a graph when all that is constant is known: operations on values that come from the input.

use std::collections::{HashMap, HashSet};

use super::evaluate::Known;
use super::operation::{Kind, Operation};
use super::operators::why_not;
use crate::Unsupported;
use crate::onnx::import::{Graph, Node};

/// The operations of a graph.
pub(super) struct Network<'a> {
    pub(super) graph: &'a Graph,
    pub(super) known: Known<'a>,
    /// In an order in which they can run.
    pub(super) operations: Vec<Operation>,
    pub(super) input: String,
    pub(super) output: String,
}

impl<'a> Network<'a> {
    /// The operations between an input and an output of a graph, at sizes that are known.
    pub(super) fn of(
        graph: &'a Graph,
        (input, shape): (&str, Vec<usize>),
        output: &str,
    ) -> Result<Self, Vec<Unsupported>> {
        let makers: HashMap<&str, usize> = (graph.nodes.iter().enumerate())
            .flat_map(|(index, node)| node.outputs.iter().map(move |name| (name.as_str(), index)))
            .collect();
        let mut needed = HashSet::new();
        let mut open = vec![output];
        while let Some(name) = open.pop() {
            if let Some(maker) = makers.get(name)
                && needed.insert(*maker)
            {
                open.extend(graph.nodes[*maker].inputs.iter().map(String::as_str));
            }
        }
        let (known, refused) = Known::of(graph, &[(input.to_owned(), shape)], &needed);
        let mut network = Network {
            graph,
            known,
            operations: Vec::new(),
            input: input.to_owned(),
            output: output.to_owned(),
        };
        let mut indices: Vec<usize> = needed.into_iter().collect();
        indices.sort_unstable();
        for index in indices {
            let node = &graph.nodes[index];
            if node.outputs.iter().all(|name| network.known.constant(name).is_some()) {
                continue;
            }
            let is_live = |name: &&String| !name.is_empty() && network.known.constant(name).is_none();
            let inputs = node.inputs.iter().filter(is_live).cloned().collect();
            let outputs = node.outputs.clone();
            network.operations.push(Operation { node: index, kind: Kind::Node, inputs, outputs });
        }
        network.drop_unneeded();
        // What is wrong with a node that nothing needs any more is of no interest, nor what is wrong behind another.
        let left: HashSet<usize> = network.operations.iter().map(|operation| operation.node).collect();
        let mut items: Vec<(usize, Unsupported)> = (refused.into_iter())
            .filter(|(index, _)| left.contains(index))
            .map(|(index, reason)| (index, graph.nodes[index].unsupported(reason)))
            .collect();
        let unknown: Vec<(usize, &str)> = (network.operations.iter())
            .filter_map(|operation| {
                let reason = why_not(network.node(operation));
                let made = operation.inputs.is_empty().then_some(
                    "it computes numbers that depend on no input, in a way that is not known here",
                );
                Some((operation.node, reason.or(made)?))
            })
            .collect();
        if !unknown.is_empty() {
            // What stands behind an operator that is not known has no sizes, which says nothing about it.
            items.retain(|(_, item)| !item.reason.contains(super::evaluate::DEPENDS));
        }
        let listed: HashSet<usize> = items.iter().map(|(index, _)| *index).collect();
        for (index, reason) in unknown.into_iter().filter(|(index, _)| !listed.contains(index)) {
            items.push((index, graph.nodes[index].unsupported(reason)));
        }
        items.sort_by_key(|(index, _)| *index);
        match items.is_empty() {
            true => Ok(network),
            false => Err(items.into_iter().map(|(_, item)| item).collect()),
        }
    }

    pub(super) fn node(&self, operation: &Operation) -> &'a Node {
        &self.graph.nodes[operation.node]
    }

    /// Which operation makes which value.
    pub(super) fn makers(&self) -> HashMap<String, usize> {
        (self.operations.iter().enumerate())
            .flat_map(|(index, operation)| operation.outputs.iter().map(move |name| (name.clone(), index)))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// Leaves out what the output does not need.
    pub(super) fn drop_unneeded(&mut self) {
        let mut needed: HashSet<String> = HashSet::from([self.output.clone()]);
        let mut kept = Vec::with_capacity(self.operations.len());
        for operation in std::mem::take(&mut self.operations).into_iter().rev() {
            if operation.outputs.iter().any(|name| needed.contains(name)) {
                needed.extend(operation.inputs.iter().cloned());
                kept.push(operation);
            }
        }
        kept.reverse();
        self.operations = kept;
    }
}

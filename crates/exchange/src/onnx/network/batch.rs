//! Graphs that were written for one size of the batch, as exporters do unless they are told otherwise.
//!
//! The batch then stands among the constants: an image is made a row by sizes such as `[1, -1]`. What comes of the input and
//! still has the batch in front keeps it here, whatever it is.

use std::collections::HashSet;

use super::super::import::{Attribute, Graph};
use super::input::Input;

/// The setting of a `Reshape` that says which first size stands for the batch.
pub(super) const FIXED_BATCH: &str = "fixed_batch";

/// Marks what reshapes values that come of the inputs, if the file fixes the batch.
pub(super) fn mark_reshapes(graph: &mut Graph, inputs: &[Input]) {
    let Some(batch) = inputs.first().and_then(Input::fixed_batch) else { return };
    let mut of_inputs: HashSet<String> = inputs.iter().map(|input| input.name.clone()).collect();
    for node in &mut graph.nodes {
        if node.kind == "Reshape" && node.input(0).is_some_and(|input| of_inputs.contains(input)) {
            node.attributes.insert(FIXED_BATCH.to_owned(), Attribute::Int(batch as i64));
        }
        if node.inputs.iter().any(|input| of_inputs.contains(input)) {
            of_inputs.extend(node.outputs.iter().filter(|output| !output.is_empty()).cloned());
        }
    }
}

//! What operators take of a value.

use super::super::evaluate::{Cut, axis, cuts, parts};
use super::super::flow::Flow;
use super::super::operation::Operation;
use super::super::translation::{Outcome, Translation};

/// What `Gather`, `Slice` and `Split` take of a value: a dimension, a range of it, and whether the dimension goes.
pub(in crate::onnx::translate) struct Part {
    pub(in crate::onnx::translate) dim: usize,
    pub(in crate::onnx::translate) start: usize,
    pub(in crate::onnx::translate) count: usize,
    pub(in crate::onnx::translate) removes: bool,
}

impl Part {
    /// What the output `name` of an operation has of its input.
    pub(in crate::onnx::translate) fn read(
        into: &Translation<'_>,
        operation: &Operation,
        name: &str,
    ) -> Result<Vec<Self>, String> {
        let node = into.node(operation);
        let known = &into.network.known;
        let shape =
            operation.inputs.first().and_then(|input| known.shape(input)).ok_or("its shape is not known")?;
        match node.kind.as_str() {
            "Gather" => {
                let dim = axis(node.int("axis", 0)?, shape.len())?;
                let index = known.input(node, 1).ok_or("which part it takes depends on the model's input")?;
                let &[place] = index.as_ints().unwrap_or_default() else {
                    return Err("it takes several parts at once".into());
                };
                let start = axis(place, shape[dim])?;
                Ok(vec![Part { dim, start, count: 1, removes: index.shape.is_empty() }])
            }
            "Slice" => {
                let all = cuts(known, node, shape)?;
                if all.iter().any(|cut| cut.step != 1) {
                    return Err("it leaves steps out, or goes backwards".into());
                }
                let part = |(dim, Cut { start, count, .. })| Part { dim, start, count, removes: false };
                Ok(all.into_iter().enumerate().map(part).collect())
            }
            _ => {
                let dim = axis(node.int("axis", 0)?, shape.len())?;
                let parts = parts(known, node, shape)?;
                let which = operation.outputs.iter().position(|output| output == name);
                let which = which.ok_or("it does not make what is taken")?;
                let start = parts[..which].iter().sum();
                let count = *parts.get(which).ok_or("it makes fewer parts")?;
                Ok(vec![Part { dim, start, count, removes: false }])
            }
        }
    }

    /// The flow of this part.
    pub(in crate::onnx::translate) fn of(&self, flow: Flow) -> Outcome {
        let flow = flow.cut(self.dim, self.start, self.count)?;
        Ok(if self.removes { flow.without(&[self.dim]) } else { flow })
    }
}

//! `Split`: parts of a value along a dimension.

use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let parts = node.int("num_outputs", node.outputs.len() as i64)?;
    match usize::try_from(parts) {
        Ok(parts) if parts == node.outputs.len() && parts > 0 => {
            Ok(Box::new(Split { axis: node.int("axis", 0)?, parts }))
        }
        _ => Err(format!("num_outputs is {parts}, and it has {} outputs", node.outputs.len())),
    }
}

#[derive(Debug)]
struct Split {
    axis: i64,
    parts: usize,
}

impl Operator for Split {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let axis = input.axis(self.axis)?;
        let size = input.dims[axis];
        let sizes = match inputs.optional(1) {
            Some(sizes) => sizes.settings("split")?,
            None => {
                // The last part has what is left.
                let each = size.div_ceil(self.parts);
                (0..self.parts).map(|part| size.saturating_sub(part * each).min(each) as i64).collect()
            }
        };
        let total = sizes.iter().try_fold(0i64, |total, part| total.checked_add(*part));
        if sizes.len() != self.parts || sizes.iter().any(|part| *part < 0) || total != Some(size as i64) {
            return Err(format!("parts of {sizes:?} of {size}, for {} outputs", self.parts));
        }
        let mut start = 0;
        sizes
            .iter()
            .map(|part| {
                let end = start + *part as usize;
                let places: Vec<usize> = (start..end).collect();
                start = end;
                input.select(axis, &places, scope)
            })
            .collect()
    }
}

//! `Concat`: values one behind another along a dimension.

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    match node.attributes.contains_key("axis") {
        true => Ok(Box::new(Concat { axis: node.int("axis", 0)? })),
        false => Err("it has no axis".to_owned()),
    }
}

#[derive(Debug)]
struct Concat {
    axis: i64,
}

impl Operator for Concat {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let all = inputs.all()?;
        let first = all[0];
        let axis = first.axis(self.axis)?;
        let mut dims = first.dims.clone();
        for other in &all[1..] {
            let alike = other.rank() == dims.len()
                && other.element == first.element
                && (0..dims.len()).all(|place| place == axis || other.dims[place] == dims[place]);
            if !alike {
                return Err(format!("values of {:?} and {:?} along axis {axis}", first.dims, other.dims));
            }
            dims[axis] = dims[axis].saturating_add(other.dims[axis]);
        }
        if all.iter().all(|value| value.known().is_some()) {
            let output = scope.host(first.element, &*dims, || joined(&all, axis))?;
            return Ok(vec![output]);
        }
        let on_device = all.iter().any(|value| matches!(value.data, Data::Device(_)));
        if first.element != Element::Float && !on_device {
            scope.admit(first.element, &dims, true)?;
            return Ok(vec![Value::unknown(first.element, dims)]);
        }
        let output = scope.compute(first.element, &*dims, |device| {
            let parts = all.iter().filter(|value| value.count() > 0);
            AnyRank::cat(parts.map(|value| value.tensor(device)).collect(), axis)
        })?;
        Ok(vec![output])
    }
}

/// Rows of each in turn.
fn joined(all: &[&Value], axis: usize) -> Vec<f64> {
    let (outer, _) = host::around(&all[0].dims, axis);
    let mut values = Vec::new();
    for row in 0..outer {
        for value in all {
            let numbers = value.known().unwrap_or_default();
            let width = numbers.len() / outer;
            values.extend_from_slice(&numbers[row * width..(row + 1) * width]);
        }
    }
    values
}

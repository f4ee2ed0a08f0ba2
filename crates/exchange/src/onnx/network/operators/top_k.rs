//! `TopK`: the greatest or least numbers along a dimension, in order, and where they are; the first of equals comes first.
//! Where they are is decided in host memory, so the numbers are read back from the device; gradients flow to those that are
//! chosen.

use super::super::host;
use super::super::value::Element;
use super::gather::elements;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    // Those that need no order may have one.
    Ok(Box::new(TopK { axis: node.int("axis", -1)?, largest: node.flag("largest", true)? }))
}

#[derive(Debug)]
struct TopK {
    axis: i64,
    largest: bool,
}

impl Operator for TopK {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let axis = input.axis(self.axis)?;
        let size = input.dims[axis];
        let count = match inputs.get(1)?.settings("number of values")?.as_slice() {
            [count] => usize::try_from(*count).ok().filter(|count| (1..=size).contains(count)),
            _ => None,
        };
        let count = count.ok_or_else(|| format!("its number of values is not one of 1 to {size}"))?;
        if input.element == Element::Bool || input.count() == 0 {
            return Err("there are no numbers to compare".to_owned());
        }
        let mut dims = input.dims.clone();
        dims[axis] = count;
        scope.admit(Element::Int, &dims, true)?;
        // Comparing takes as long as there are numbers, however few are chosen.
        scope.admit(input.element, &input.dims, input.known().is_some())?;
        let places = match input.read_back() {
            None => Value::unknown(Element::Int, &*dims),
            Some(numbers) => {
                Value::host(Element::Int, &*dims, self.places(&numbers, &input.dims, axis, count))
            }
        };
        Ok(vec![elements(input, axis, &places, scope)?, places])
    }
}

impl TopK {
    /// Where the chosen numbers are along the axis.
    fn places(&self, numbers: &[f64], dims: &[usize], axis: usize, count: usize) -> Vec<f64> {
        let (size, (outer, inner)) = (dims[axis], host::around(dims, axis));
        let mut places = vec![0.0; outer * count * inner];
        for (row, column) in (0..outer).flat_map(|row| (0..inner).map(move |column| (row, column))) {
            let number = |place: usize| numbers[(row * size + place) * inner + column];
            let mut order: Vec<usize> = (0..size).collect();
            // It keeps the order of equals.
            order.sort_by(|one, other| match self.largest {
                true => number(*other).total_cmp(&number(*one)),
                false => number(*one).total_cmp(&number(*other)),
            });
            for (rank, place) in order.into_iter().take(count).enumerate() {
                places[(row * count + rank) * inner + column] = place as f64;
            }
        }
        places
    }
}

//! `ArgMax` and `ArgMin`: where along a dimension the greatest or least number is, the first of equals. The places are whole
//! numbers, so they are read back from the device.

use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.flag("select_last_index", false)? {
        return Err("the last of equal numbers (select_last_index 1) is not supported".to_owned());
    }
    let (axis, keep) = (node.int("axis", 0)?, node.flag("keepdims", true)?);
    Ok(Box::new(ArgExtreme { axis, keep, max: node.kind == "ArgMax" }))
}

#[derive(Debug)]
struct ArgExtreme {
    axis: i64,
    keep: bool,
    max: bool,
}

impl Operator for ArgExtreme {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let axis = input.axis(self.axis)?;
        if input.element == Element::Bool || input.count() == 0 {
            return Err("there are no numbers to compare".to_owned());
        }
        let mut dims = input.dims.clone();
        if self.keep {
            dims[axis] = 1;
        } else {
            dims.remove(axis);
        }
        if input.known().is_some() {
            scope.admit(input.element, &input.dims, true)?;
        }
        let Some(numbers) = input.read_back() else {
            scope.admit(Element::Int, &dims, true)?;
            return Ok(vec![Value::unknown(Element::Int, dims)]);
        };
        let (outer, inner) = host::around(&input.dims, axis);
        let output = scope.host(Element::Int, dims, || {
            let rows = (0..outer).flat_map(|row| (0..inner).map(move |column| (row, column)));
            rows.map(|(row, column)| {
                let along = (0..input.dims[axis])
                    .map(|place| numbers[(row * input.dims[axis] + place) * inner + column]);
                self.place(along) as f64
            })
            .collect()
        })?;
        Ok(vec![output])
    }
}

impl ArgExtreme {
    fn place(&self, numbers: impl Iterator<Item = f64>) -> usize {
        let is_better = |one: f64, other: f64| if self.max { one > other } else { one < other };
        let mut best: Option<(usize, f64)> = None;
        for (place, number) in numbers.enumerate() {
            if best.is_none_or(|(_, known)| is_better(number, known)) {
                best = Some((place, number));
            }
        }
        best.map_or(0, |(place, _)| place)
    }
}

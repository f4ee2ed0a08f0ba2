//! `CumSum`: sums of all values up to each along a dimension.

use super::super::any_rank::by_rank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.flag("exclusive", false)? || node.flag("reverse", false)? {
        return Err("sums that leave the value itself out, or begin at the end, are not supported".to_owned());
    }
    Ok(Box::new(CumulativeSum))
}

#[derive(Debug)]
struct CumulativeSum;

impl Operator for CumulativeSum {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let axis = match inputs.get(1)?.settings("axis")?.as_slice() {
            [axis] => input.axis(*axis)?,
            other => return Err(format!("its axis is {other:?}; expected one number")),
        };
        if let Some(values) = input.known() {
            let (outer, inner) = host::around(&input.dims, axis);
            let size = input.dims[axis];
            let output = scope.host(input.element, &*input.dims, || {
                let mut sums = values.to_vec();
                for row in 0..outer {
                    for place in (row * size + 1)..(row + 1) * size {
                        for column in 0..inner {
                            sums[place * inner + column] += sums[(place - 1) * inner + column];
                        }
                    }
                }
                sums
            })?;
            return Ok(vec![output]);
        }
        if input.element == Element::Int {
            return Ok(vec![Value::unknown(Element::Int, &*input.dims)]);
        }
        let input = inputs.floats(0)?;
        let output = scope.compute(
            Element::Float,
            &*input.dims,
            |device| by_rank!(input.rank(), D => input.tensor(device).at::<D>().cumsum(axis).into()),
        )?;
        Ok(vec![output])
    }
}

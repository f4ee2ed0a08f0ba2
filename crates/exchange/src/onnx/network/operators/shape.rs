//! `Shape` and `Size`: the sizes of a value, as numbers.

use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.kind == "Size" {
        return Ok(Box::new(Sizes::Count));
    }
    Ok(Box::new(Sizes::Each { start: node.int("start", 0)?, end: node.int("end", i64::MAX)? }))
}

#[derive(Debug)]
enum Sizes {
    /// Of the dimensions from one to before another, which are clamped to those that there are.
    Each {
        start: i64,
        end: i64,
    },
    Count,
}

impl Operator for Sizes {
    fn apply(&self, inputs: &Inputs, _: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        Ok(vec![match self {
            Sizes::Count => Value::host(Element::Int, [], vec![input.count() as f64]),
            Sizes::Each { start, end } => {
                let rank = input.rank() as i64;
                let place = |place: i64| {
                    let place = if place < 0 { place.saturating_add(rank) } else { place };
                    place.clamp(0, rank) as usize
                };
                let (start, end) = (place(*start), place(*end));
                Value::ints(input.dims[start..end.max(start)].iter().copied())
            }
        }])
    }
}

//! `Trilu`: one triangle of each matrix, with 0 in the other.

use std::borrow::Cow;

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Triangle { upper: node.flag("upper", true)? }))
}

#[derive(Debug)]
struct Triangle {
    upper: bool,
}

impl Operator for Triangle {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let diagonal = match inputs.optional(1) {
            None => 0,
            Some(k) => match k.settings("diagonal")?.as_slice() {
                [k] => *k,
                other => return Err(format!("its diagonal is {other:?}; expected one number")),
            },
        };
        let &[.., rows, columns] = input.dims.as_slice() else {
            return Err(format!("an input of {:?}; expected matrices", input.dims));
        };
        let is_kept = |place: usize| {
            let distance = (place % columns) as i64 - (place / columns % rows) as i64;
            if self.upper { distance >= diagonal } else { distance <= diagonal }
        };
        let values = match input.element {
            Element::Float => input.known().map(Cow::Borrowed),
            _ => input.read_back(),
        };
        if let Some(values) = values {
            let output = scope.host(input.element, &*input.dims, || {
                let kept = |(place, value): (usize, &f64)| if is_kept(place) { *value } else { 0.0 };
                values.iter().enumerate().map(kept).collect()
            })?;
            return Ok(vec![output]);
        }
        if input.element != Element::Float {
            return Ok(vec![Value::unknown(input.element, &*input.dims)]);
        }
        let input = inputs.floats(0)?;
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let mask = (0..rows * columns).map(|place| f32::from(u8::from(is_kept(place)))).collect();
            let mask = AnyRank::upload(mask, &host::widened(&[rows, columns], input.rank()), device);
            super::super::any_rank::by_rank!(input.rank(), D => {
                // Chosen rather than multiplied: what is left out may be infinite.
                let tensor = input.tensor(device).at::<D>();
                let dims = tensor.dims();
                let other = mask.at::<D>().expand(dims).lower_scalar(0.5);
                tensor.mask_fill(other, 0.0).into()
            })
        })?;
        Ok(vec![output])
    }
}

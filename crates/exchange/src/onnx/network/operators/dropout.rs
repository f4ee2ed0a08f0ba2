//! `Dropout`: active in training only.

use fireclay_backend::ops;

use super::super::any_rank::by_rank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.output(1).is_some() {
        return Err("its mask as a second output is not supported".to_owned());
    }
    Ok(Box::new(Dropout))
}

#[derive(Debug)]
struct Dropout;

impl Operator for Dropout {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let rate = match inputs.optional(1) {
            None => 0.5,
            Some(rate) => rate.single().ok_or("its ratio is no constant number")?,
        };
        if !(0.0..1.0).contains(&rate) {
            return Err(format!("its ratio is {rate}; expected 0 or more and less than 1"));
        }
        if !scope.training || rate == 0.0 || input.element != Element::Float {
            return Ok(vec![input.clone()]);
        }
        let output = scope.compute(
            Element::Float,
            &*input.dims,
            |device| by_rank!(input.rank(), D => ops::dropout(input.tensor(device).at::<D>(), rate).into()),
        )?;
        Ok(vec![output])
    }
}

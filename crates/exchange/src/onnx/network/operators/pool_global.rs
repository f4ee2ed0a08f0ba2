//! `GlobalAveragePool` and `GlobalMaxPool`: one number for each channel.

use super::super::any_rank::by_rank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(GlobalPool { max: node.kind == "GlobalMaxPool" }))
}

#[derive(Debug)]
struct GlobalPool {
    max: bool,
}

impl Operator for GlobalPool {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        if input.rank() < 3 {
            return Err(format!("an input of {:?}; expected [batch, channels, ..]", input.dims));
        }
        let outer = [input.dims[0], input.dims[1]];
        let mut dims = outer.to_vec();
        dims.resize(input.rank(), 1);
        let inner = input.count() / (outer[0] * outer[1]);
        let output = scope.compute(Element::Float, &*dims, |device| {
            let rows = input.tensor(device).reshape(&[outer[0], outer[1], inner]);
            let pooled = by_rank!(rows.rank(), D => {
                let rows = rows.at::<D>();
                if self.max { rows.max_dim(2).into() } else { rows.mean_dim(2).into() }
            });
            super::super::any_rank::AnyRank::reshape(pooled, &dims)
        })?;
        Ok(vec![output])
    }
}

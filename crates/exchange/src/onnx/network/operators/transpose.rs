//! `Transpose`: dimensions in another order.

use super::super::host;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Transpose { order: node.ints("perm")?.map(<[i64]>::to_vec) }))
}

#[derive(Debug)]
struct Transpose {
    order: Option<Vec<i64>>,
}

impl Operator for Transpose {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let order: Vec<usize> = match &self.order {
            None => (0..input.rank()).rev().collect(),
            Some(order) => {
                if order.len() != input.rank() || order.iter().any(|axis| *axis < 0) {
                    return Err(format!("perm is {order:?} for a value of {:?}", input.dims));
                }
                host::axes(order, input.rank())?;
                order.iter().map(|axis| *axis as usize).collect()
            }
        };
        scope.admit(input.element, &input.dims, input.known().is_some())?;
        Ok(vec![input.permute(&order)])
    }
}

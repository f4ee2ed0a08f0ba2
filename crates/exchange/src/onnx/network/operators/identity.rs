//! `Identity`: the input as it is.

use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Identity))
}

#[derive(Debug)]
struct Identity;

impl Operator for Identity {
    fn apply(&self, inputs: &Inputs, _: &Scope) -> Result<Vec<Value>, Reason> {
        Ok(vec![inputs.get(0)?.clone()])
    }
}

//! `And`, `Or`, `Xor` and `Not` of truth values, which are 0 and 1 here.

use burn::tensor::Tensor;

use super::super::any_rank::by_rank;
use super::super::host;
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logic {
    And,
    Not,
    Or,
    Xor,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(match node.kind.as_str() {
        "And" => Logic::And,
        "Not" => Logic::Not,
        "Or" => Logic::Or,
        _ => Logic::Xor,
    }))
}

impl Operator for Logic {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        // Not is being unlike 1.
        let one = Value::host(Element::Bool, [], vec![1.0]);
        let first = inputs.get(0)?;
        let second = if *self == Logic::Not { &one } else { inputs.get(1)? };
        if [first, second].iter().any(|value| value.element != Element::Bool) {
            return Err("an input is of numbers; expected truth values".to_owned());
        }
        let dims = host::broadcast(&first.dims, &second.dims)?;
        if let (Some(one), Some(other)) = (first.known(), second.known()) {
            let output = scope.host(Element::Bool, &*dims, || {
                let one = host::strided(one, &host::broadcast_strides(&first.dims, &dims), &dims);
                let other = host::strided(other, &host::broadcast_strides(&second.dims, &dims), &dims);
                one.into_iter().zip(other).map(|(one, other)| self.of_host(one, other)).collect()
            })?;
            return Ok(vec![output]);
        }
        if ![first, second].iter().any(|value| matches!(value.data, Data::Device(_))) {
            return Ok(vec![Value::unknown(Element::Bool, dims)]);
        }
        let output = scope.compute(Element::Bool, &*dims, |device| {
            let [one, other] = [first, second]
                .map(|value| value.tensor(device).reshape(&host::widened(&value.dims, dims.len())));
            by_rank!(dims.len(), D => self.of(one.at::<D>(), other.at::<D>()).into())
        })?;
        Ok(vec![output])
    }
}

impl Logic {
    fn of_host(self, one: f64, other: f64) -> f64 {
        match self {
            Logic::And => one * other,
            Logic::Or => one.max(other),
            Logic::Not | Logic::Xor => (one - other).abs(),
        }
    }

    fn of<const D: usize>(self, one: Tensor<D>, other: Tensor<D>) -> Tensor<D> {
        match self {
            Logic::And => one * other,
            Logic::Or => (one + other).clamp_max(1.0),
            Logic::Not | Logic::Xor => (one - other).abs(),
        }
    }
}

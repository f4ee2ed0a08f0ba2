//! Comparisons: `Equal`, `Less` and the like. What they give is 0 and 1; of floating-point numbers it stays on their device.

use burn::tensor::{Bool, Tensor};

use super::super::any_rank::by_rank;
use super::super::host;
use super::super::value::{Data, Element};
use super::arithmetic::{same_kind, same_sizes};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

#[derive(Clone, Copy, Debug)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(match node.kind.as_str() {
        "Equal" => Comparison::Equal,
        "Greater" => Comparison::Greater,
        "GreaterOrEqual" => Comparison::GreaterOrEqual,
        "Less" => Comparison::Less,
        _ => Comparison::LessOrEqual,
    }))
}

impl Operator for Comparison {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (first, second) = (inputs.get(0)?, inputs.get(1)?);
        let (element, dims) = same_kind(first, second)?;
        if let (Some(one), Some(other)) = (first.known(), second.known()) {
            let output = scope.host(Element::Bool, &*dims, || {
                let one = host::strided(one, &host::broadcast_strides(&first.dims, &dims), &dims);
                let other = host::strided(other, &host::broadcast_strides(&second.dims, &dims), &dims);
                one.into_iter()
                    .zip(other)
                    .map(|(one, other)| f64::from(u8::from(self.of_host(one, other))))
                    .collect()
            })?;
            return Ok(vec![output]);
        }
        let on_device = [first, second].iter().any(|value| matches!(value.data, Data::Device(_)));
        if element != Element::Float && !on_device {
            return Ok(vec![Value::unknown(Element::Bool, dims)]);
        }
        let output = scope.compute(Element::Bool, &*dims, |device| {
            let [one, other] = [first, second]
                .map(|value| value.tensor(device).reshape(&host::widened(&value.dims, dims.len())));
            by_rank!(dims.len(), D => {
                let (one, other) = same_sizes(one.at::<D>(), other.at::<D>());
                self.of(one.detach(), other.detach()).float().into()
            })
        })?;
        Ok(vec![output])
    }
}

impl Comparison {
    fn of_host(self, one: f64, other: f64) -> bool {
        match self {
            Comparison::Equal => one == other,
            Comparison::Greater => one > other,
            Comparison::GreaterOrEqual => one >= other,
            Comparison::Less => one < other,
            Comparison::LessOrEqual => one <= other,
        }
    }

    fn of<const D: usize>(self, one: Tensor<D>, other: Tensor<D>) -> Tensor<D, Bool> {
        match self {
            Comparison::Equal => one.equal(other),
            Comparison::Greater => one.greater(other),
            Comparison::GreaterOrEqual => one.greater_equal(other),
            Comparison::Less => one.lower(other),
            Comparison::LessOrEqual => one.lower_equal(other),
        }
    }
}

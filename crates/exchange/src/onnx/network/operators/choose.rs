//! `Where`: of two values the one that a condition chooses, place by place.

use std::borrow::Cow;

use super::super::any_rank::by_rank;
use super::super::host;
use super::super::value::{Data, Element};
use super::arithmetic::same_kind;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Where))
}

#[derive(Debug)]
struct Where;

impl Operator for Where {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (condition, yes, no) = (inputs.get(0)?, inputs.get(1)?, inputs.get(2)?);
        if condition.element != Element::Bool {
            return Err("its condition is of numbers; expected truth values".to_owned());
        }
        let (element, dims) = same_kind(yes, no)?;
        let dims = host::broadcast(&condition.dims, &dims)?;
        // Whole numbers stay in host memory, so what chooses between them is read back.
        let conditions = match element {
            Element::Int => condition.read_back(),
            _ => condition.known().map(Cow::Borrowed),
        };
        if let (Some(conditions), Some(first), Some(second)) = (&conditions, yes.known(), no.known()) {
            let output = scope.host(element, &*dims, || {
                let read = |values: &[f64], from: &[usize]| {
                    host::strided(values, &host::broadcast_strides(from, &dims), &dims)
                };
                let choices = read(first, &yes.dims).into_iter().zip(read(second, &no.dims));
                let conditions = read(conditions, &condition.dims);
                conditions
                    .iter()
                    .zip(choices)
                    .map(|(choice, (yes, no))| if *choice != 0.0 { yes } else { no })
                    .collect()
            })?;
            return Ok(vec![output]);
        }
        let all = [condition, yes, no];
        let on_device = all.iter().any(|value| matches!(value.data, Data::Device(_)));
        match element {
            Element::Int if on_device => {
                return Err(
                    "whole numbers are chosen by comparing floating-point numbers, which is not supported"
                        .to_owned(),
                );
            }
            Element::Int => return Ok(vec![Value::unknown(element, dims)]),
            Element::Bool if !on_device => return Ok(vec![Value::unknown(element, dims)]),
            _ => {}
        }
        let output = scope.compute(element, &*dims, |device| {
            let [condition, yes, no] =
                all.map(|value| value.tensor(device).reshape(&host::widened(&value.dims, dims.len())).expand(&dims));
            by_rank!(dims.len(), D => no.at::<D>().mask_where(condition.at::<D>().greater_scalar(0.5), yes.at::<D>()).into())
        })?;
        Ok(vec![output])
    }
}

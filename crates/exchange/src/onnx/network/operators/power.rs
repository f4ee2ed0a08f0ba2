//! `Pow`. An exponent that is one constant number, as nearly all are, becomes products or a root: their gradients are right
//! for negative numbers and at 0.

use burn::tensor::Tensor;

use super::super::any_rank::{AnyRank, by_rank};
use super::super::host::{self, rounded};
use super::super::value::Element;
use super::arithmetic::same_sizes;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Pow))
}

#[derive(Debug)]
struct Pow;

impl Operator for Pow {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (base, exponent) = (inputs.get(0)?, inputs.get(1)?);
        if base.element == Element::Bool || exponent.element == Element::Bool {
            return Err("it computes with truth values; expected numbers".to_owned());
        }
        let dims = host::broadcast(&base.dims, &exponent.dims)?;
        if let (Some(bases), Some(exponents)) = (base.known(), exponent.known()) {
            let places = [&base.dims, &exponent.dims].map(|from| host::broadcast_strides(from, &dims));
            let output = scope.host(base.element, &*dims, || {
                let bases = host::strided(bases, &places[0], &dims);
                let exponents = host::strided(exponents, &places[1], &dims);
                let powers = bases.into_iter().zip(exponents).map(|(base, exponent)| base.powf(exponent));
                match base.element {
                    Element::Int => powers.map(f64::trunc).collect(),
                    _ => powers.map(rounded).collect(),
                }
            })?;
            return Ok(vec![output]);
        }
        if base.element == Element::Int {
            return Ok(vec![Value::unknown(Element::Int, dims)]);
        }
        let base = inputs.floats(0)?;
        let output = scope.compute(Element::Float, &*dims, |device| match exponent.single() {
            Some(number) if base.dims == dims => constant(base.tensor(device), number),
            _ => {
                let widened =
                    |value: &Value| value.tensor(device).reshape(&host::widened(&value.dims, dims.len()));
                by_rank!(dims.len(), D => {
                    let (base, exponent) = same_sizes(widened(base).at::<D>(), widened(exponent).at::<D>());
                    base.powf(exponent).into()
                })
            }
        })?;
        Ok(vec![output])
    }
}

fn constant(base: AnyRank, exponent: f64) -> AnyRank {
    by_rank!(base.rank(), D => power(base.at::<D>(), exponent).into())
}

fn power<const D: usize>(base: Tensor<D>, exponent: f64) -> Tensor<D> {
    match exponent {
        1.0 => base,
        2.0 => base.square(),
        3.0 => base.clone().square() * base,
        4.0 => base.square().square(),
        0.5 => base.sqrt(),
        -0.5 => base.sqrt().recip(),
        -1.0 => base.recip(),
        // Burn asks whether the exponent is a whole number of 64 bits.
        _ if exponent.abs() < 1e9 => base.powf_scalar(exponent as f32),
        _ => {
            let exponent = base.full_like(exponent as f32);
            base.powf(exponent)
        }
    }
}

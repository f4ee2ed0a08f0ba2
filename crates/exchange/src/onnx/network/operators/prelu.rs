//! `PRelu`: a slope of its own below zero for each channel, or however the slopes are spread.

use burn::tensor::activation::relu;

use super::super::any_rank::by_rank;
use super::super::host;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(PRelu))
}

#[derive(Debug)]
struct PRelu;

impl Operator for PRelu {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, slope) = (inputs.floats(0)?, inputs.floats(1)?);
        if host::broadcast(&input.dims, &slope.dims)? != input.dims {
            return Err(format!("slopes of {:?} for an input of {:?}", slope.dims, input.dims));
        }
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let slope = slope.tensor(device).reshape(&host::widened(&slope.dims, input.rank()));
            by_rank!(input.rank(), D => {
                let input = input.tensor(device).at::<D>();
                let below = relu(input.clone().neg()) * slope.at::<D>();
                (relu(input) - below).into()
            })
        })?;
        Ok(vec![output])
    }
}

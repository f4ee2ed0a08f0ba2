//! `Softmax` and its logarithm, over one dimension, or as before operator set 13 over all from one on.

use burn::tensor::activation;

use super::super::any_rank::by_rank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Softmax {
        axis: node.int("axis", -1)?,
        flatten: node.flag("flatten", false)?,
        logarithm: node.kind == "LogSoftmax",
    }))
}

#[derive(Debug)]
struct Softmax {
    axis: i64,
    flatten: bool,
    logarithm: bool,
}

impl Operator for Softmax {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.floats(0)?;
        // All dimensions from one on are the last one where that has the rest in it.
        let (dims, axis) = match self.flatten {
            true if self.axis == input.rank() as i64 => return Err("its axis is behind the last".to_owned()),
            true => {
                let axis = input.axis(self.axis)?;
                let rows: usize = input.dims[..axis].iter().product();
                (vec![rows, input.count() / rows.max(1)], 1)
            }
            false if input.rank() == 0 => (vec![1], 0),
            false => (input.dims.clone(), input.axis(self.axis)?),
        };
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            let tensor = input.tensor(device).reshape(&dims);
            let output = by_rank!(tensor.rank(), D => match self.logarithm {
                true => activation::log_softmax(tensor.at::<D>(), axis).into(),
                false => activation::softmax(tensor.at::<D>(), axis).into(),
            });
            super::super::any_rank::AnyRank::reshape(output, &input.dims)
        })?;
        Ok(vec![output])
    }
}

//! `Cast` and `CastLike`: numbers as another type. All floating-point types are float32 here, and all types of whole numbers
//! are one.

use super::super::super::import::Element as FileElement;
use super::super::any_rank::by_rank;
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.kind == "CastLike" {
        return Ok(Box::new(Cast { to: None }));
    }
    let number = node.int("to", 0)?;
    let to = FileElement::of(i32::try_from(number).unwrap_or_default())?;
    Ok(Box::new(Cast { to: Some(Element::of(to)) }))
}

#[derive(Debug)]
struct Cast {
    /// `None` for the type of the second input.
    to: Option<Element>,
}

impl Operator for Cast {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let to = match self.to {
            Some(to) => to,
            None => inputs.get(1)?.element,
        };
        if input.element == to {
            return Ok(vec![input.clone()]);
        }
        let converted = |value: f64| match to {
            Element::Float => f64::from(value as f32),
            Element::Int => value as i64 as f64,
            Element::Bool => f64::from(u8::from(value != 0.0)),
        };
        let output = match (&input.data, to) {
            (Data::Host(values), _) => {
                scope.host(to, &*input.dims, || values.iter().map(|value| converted(*value)).collect())?
            }
            // What the data decides and is needed on the device is put there when it is known.
            (Data::Unknown, _) => {
                scope.admit(to, &input.dims, to == Element::Int)?;
                Value::unknown(to, &*input.dims)
            }
            (Data::Device(tensor), Element::Int) => scope.host(to, &*input.dims, || {
                tensor.clone().read().into_iter().map(|value| converted(f64::from(value))).collect()
            })?,
            (Data::Device(tensor), Element::Bool) => scope.compute(to, &*input.dims, |_| {
                by_rank!(tensor.rank(), D => {
                    tensor.clone().at::<D>().detach().equal_scalar(0.0).bool_not().float().into()
                })
            })?,
            // Truth values on the device are 0 and 1 already.
            (Data::Device(tensor), Element::Float) => Value::device(to, &*input.dims, tensor.clone()),
        };
        Ok(vec![output])
    }
}

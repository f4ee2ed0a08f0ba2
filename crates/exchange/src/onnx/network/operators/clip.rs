//! `Clip`: no number below one bound or above another.

use super::super::any_rank::by_rank;
use super::super::value::Element;
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(_: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Clip))
}

#[derive(Debug)]
struct Clip;

impl Operator for Clip {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let input = inputs.get(0)?;
        let bound = |place: usize, what: &str| match inputs.optional(place) {
            None => Ok(None),
            Some(bound) => match bound.single() {
                Some(number) if !number.is_nan() => Ok(Some(number)),
                _ => Err(format!("its {what} is no constant number")),
            },
        };
        let (least, most) = (bound(1, "minimum")?, bound(2, "maximum")?);
        // As ONNX has it, the upper bound wins where they cross.
        if let Some(values) = input.known() {
            let clipped = |value: &f64| {
                let value = least.map_or(*value, |least| value.max(least));
                most.map_or(value, |most| value.min(most))
            };
            let output = scope.host(input.element, &*input.dims, || values.iter().map(clipped).collect())?;
            return Ok(vec![output]);
        }
        if input.element == Element::Int {
            return Ok(vec![Value::unknown(Element::Int, &*input.dims)]);
        }
        let input = inputs.floats(0)?;
        let output = scope.compute(Element::Float, &*input.dims, |device| {
            by_rank!(input.rank(), D => {
                let mut tensor = input.tensor(device).at::<D>();
                if let Some(least) = least {
                    tensor = tensor.clamp_min(least as f32);
                }
                if let Some(most) = most {
                    tensor = tensor.clamp_max(most as f32);
                }
                tensor.into()
            })
        })?;
        Ok(vec![output])
    }
}

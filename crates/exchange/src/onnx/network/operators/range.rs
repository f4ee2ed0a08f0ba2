//! `Range` and `ConstantOfShape`: values out of nothing but sizes.

use super::super::super::import::{Attribute, Values};
use super::super::any_rank::AnyRank;
use super::super::host::rounded;
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    if node.kind == "Range" {
        return Ok(Box::new(Made::Range));
    }
    let (element, number) = match node.attributes.get("value") {
        None => (Element::Float, 0.0),
        Some(Attribute::Tensor(constant)) => {
            let element = match constant.values {
                Values::Float(_) => Element::Float,
                Values::Int(_) => Element::Int,
                Values::Bool(_) => Element::Bool,
            };
            (element, constant.single().ok_or("its value is not one number")?)
        }
        Some(_) => return Err("its value is no tensor".to_owned()),
    };
    Ok(Box::new(Made::Filled(element, number)))
}

#[derive(Debug)]
enum Made {
    Range,
    Filled(Element, f64),
}

/// Floating-point numbers that are more are made on the device.
const FEW: usize = 1024;

impl Operator for Made {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        match self {
            Made::Range => range(inputs, scope).map(|output| vec![output]),
            Made::Filled(element, number) => {
                let sizes = inputs.get(0)?.settings("shape")?;
                let sizes: Option<Vec<usize>> =
                    sizes.iter().map(|size| usize::try_from(*size).ok()).collect();
                let dims = sizes.ok_or("its shape has a negative number")?;
                let count = dims.iter().fold(1usize, |count, size| count.saturating_mul(*size));
                if *element == Element::Float && count > FEW {
                    let output = scope.compute(*element, &*dims, |device| {
                        AnyRank::upload(vec![*number as f32], &vec![1; dims.len()], device).expand(&dims)
                    })?;
                    return Ok(vec![output]);
                }
                Ok(vec![scope.host(*element, &*dims, || vec![*number; count])?])
            }
        }
    }
}

fn range(inputs: &Inputs, scope: &Scope) -> Result<Value, Reason> {
    let element = inputs.get(0)?.element;
    let number = |place: usize, what: &str| -> Result<f64, Reason> {
        let value = inputs.get(place)?;
        match value.numbers(what)? {
            [number] if value.element == element && number.is_finite() => Ok(*number),
            _ => Err(format!("its {what} is not one number of the same type")),
        }
    };
    let (start, end, step) = (number(0, "start")?, number(1, "limit")?, number(2, "delta")?);
    if step == 0.0 {
        return Err("a step of 0".to_owned());
    }
    let count = ((end - start) / step).ceil().max(0.0);
    // Beyond what any value may have, which is refused at once.
    let count = if count < 1e15 { count as usize } else { 1 << 50 };
    let value = |place: usize| match element {
        Element::Float => rounded(start + place as f64 * step),
        _ => start + place as f64 * step,
    };
    let made = scope.host(element, [count], || (0..count).map(value).collect())?;
    match (&made.data, element) {
        (Data::Host(_), Element::Float | Element::Int) => Ok(made),
        _ => Err("a range of truth values".to_owned()),
    }
}

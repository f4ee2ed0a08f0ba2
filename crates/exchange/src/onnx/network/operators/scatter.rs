//! `ScatterElements`: a value with other numbers at places that whole numbers name.

use burn::tensor::{Bool, IndexingUpdateOp, Int, Tensor, TensorData};

use super::super::any_rank::AnyRank;
use super::super::host;
use super::super::value::Element;
use super::gather::{checked, fits};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    let adds = match node.text("reduction", "none")? {
        "none" => false,
        "add" => true,
        other => return Err(format!("reduction is '{other}'; none and add are supported")),
    };
    Ok(Box::new(Scatter { axis: node.int("axis", 0)?, adds }))
}

#[derive(Debug)]
struct Scatter {
    axis: i64,
    /// Whether the numbers are added to those that are there.
    adds: bool,
}

impl Operator for Scatter {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, places, updates) = (inputs.get(0)?, inputs.get(1)?, inputs.get(2)?);
        let axis = input.axis(self.axis)?;
        fits(input, axis, places)?;
        if updates.dims != places.dims || updates.element != input.element {
            return Err(format!(
                "{:?} of {:?} for {:?} places in {:?}",
                updates.element, updates.dims, places.dims, input.element
            ));
        }
        let dims = &*input.dims;
        let Some(places_known) = places.known() else {
            scope.admit(input.element, dims, input.element == Element::Int)?;
            return Ok(vec![Value::unknown(input.element, dims)]);
        };
        let mut strides = host::strides(dims);
        let along = std::mem::take(&mut strides[axis]);
        let places: Vec<usize> = (host::places(&strides, &places.dims).into_iter())
            .zip(checked(places_known, dims[axis])?)
            .map(|(start, place)| start + place * along)
            .collect();
        let mut is_named = vec![false; input.count()];
        if !self.adds && places.iter().any(|place| std::mem::replace(&mut is_named[*place], true)) {
            return Err("two numbers go to the same place".to_owned());
        }
        let output = match (input.known(), updates.known()) {
            (Some(values), Some(updates)) => scope.host(input.element, dims, || {
                let mut values = values.to_vec();
                for (place, update) in places.iter().zip(updates) {
                    values[*place] = if self.adds { values[*place] + update } else { *update };
                }
                values
            })?,
            _ if input.element == Element::Int => Value::unknown(Element::Int, dims),
            _ => scope.compute(input.element, dims, |device| {
                let count = places.len();
                let places: Vec<i32> = places.iter().map(|place| *place as i32).collect();
                let places = Tensor::<1, Int>::from_data(TensorData::new(places, [count]), device);
                let into = input.tensor(device).reshape(&[input.count()]).at::<1>();
                let updates = updates.tensor(device).reshape(&[count]).at::<1>();
                let scattered = match self.adds {
                    true => into.scatter(0, places, updates, IndexingUpdateOp::Add),
                    false => {
                        let named = TensorData::new(is_named, [input.count()]);
                        let alone = into.zeros_like().scatter(0, places, updates, IndexingUpdateOp::Add);
                        into.mask_where(Tensor::<1, Bool>::from_data(named, device), alone)
                    }
                };
                AnyRank::from(scattered).reshape(dims)
            })?,
        };
        Ok(vec![output])
    }
}

//! `Gather` and `GatherElements`: values at places that other values name. The first, over rows of a matrix of weights, is an
//! embedding.

use burn::tensor::{Int, Tensor, TensorData};
use fireclay_backend::ops::embedding;

use super::super::any_rank::{AnyRank, by_rank};
use super::super::host;
use super::super::value::{Data, Element};
use super::{Inputs, Node, Operator, Reason, Scope, Value};

pub(super) fn build(node: &Node) -> Result<Box<dyn Operator>, Reason> {
    Ok(Box::new(Gather { axis: node.int("axis", 0)?, elements: node.kind == "GatherElements" }))
}

#[derive(Debug)]
struct Gather {
    axis: i64,
    /// Whether each place is of one value rather than of all behind it.
    elements: bool,
}

impl Operator for Gather {
    fn apply(&self, inputs: &Inputs, scope: &Scope) -> Result<Vec<Value>, Reason> {
        let (input, places) = (inputs.get(0)?, inputs.get(1)?);
        let axis = input.axis(self.axis)?;
        if self.elements {
            return Ok(vec![elements(input, axis, places, scope)?]);
        }
        whole(places)?;
        let Some(found) = places.known() else {
            let dims = around(&input.dims, axis, &places.dims);
            scope.admit(input.element, &dims, input.element == Element::Int)?;
            return Ok(vec![Value::unknown(input.element, dims)]);
        };
        Ok(vec![rows(input, axis, places, &checked(found, input.dims[axis])?, scope)?])
    }
}

fn whole(places: &Value) -> Result<(), Reason> {
    match places.element {
        Element::Int => Ok(()),
        _ => Err("its places are no whole numbers".to_owned()),
    }
}

/// Whether there is a place for each number, or fewer, along all dimensions but the axis.
pub(super) fn fits(input: &Value, axis: usize, places: &Value) -> Result<(), Reason> {
    whole(places)?;
    let fits = places.rank() == input.rank()
        && (0..input.rank()).all(|place| place == axis || places.dims[place] <= input.dims[place]);
    match fits {
        true => Ok(()),
        false => Err(format!("places of {:?} for a value of {:?}", places.dims, input.dims)),
    }
}

/// Places that count from the end if they are negative.
pub(super) fn checked(places: &[f64], size: usize) -> Result<Vec<usize>, Reason> {
    let place = |place: &f64| {
        let given = *place as i64;
        let place = if given < 0 { given + size as i64 } else { given };
        let is_there = (0..size as i64).contains(&place);
        if is_there { Ok(place as usize) } else { Err(format!("place {given} of {size}")) }
    };
    places.iter().map(place).collect()
}

/// The sizes with those of the places where the dimension was.
fn around(dims: &[usize], axis: usize, places: &[usize]) -> Vec<usize> {
    [&dims[..axis], places, &dims[axis + 1..]].concat()
}

fn rows(input: &Value, axis: usize, places: &Value, found: &[usize], scope: &Scope) -> Result<Value, Reason> {
    let dims = around(&input.dims, axis, &places.dims);
    match &input.data {
        Data::Device(tensor) if axis == 0 && input.rank() == 2 && !found.is_empty() => {
            scope.compute(input.element, &*dims, |device| {
                let tokens: Vec<i32> = found.iter().map(|place| *place as i32).collect();
                let tokens: Tensor<2, Int> =
                    Tensor::from_data(TensorData::new(tokens, [1, found.len()]), device);
                AnyRank::from(embedding(tensor.clone().at(), tokens, None)).reshape(&dims)
            })
        }
        _ => {
            // More places than the value may have are refused before they are read.
            scope.admit(input.element, &dims, input.known().is_some())?;
            Ok(input.select(axis, found, scope)?.reshape(dims))
        }
    }
}

/// One value for each place, which counts along the axis alone.
pub(super) fn elements(input: &Value, axis: usize, places: &Value, scope: &Scope) -> Result<Value, Reason> {
    fits(input, axis, places)?;
    let Some(found) = places.known() else { return Ok(Value::unknown(input.element, &*places.dims)) };
    let found = checked(found, input.dims[axis])?;
    if let Some(values) = input.known() {
        let mut strides = host::strides(&input.dims);
        let along = std::mem::take(&mut strides[axis]);
        return scope.host(input.element, &*places.dims, || {
            let starts = host::places(&strides, &places.dims);
            starts.into_iter().zip(found).map(|(start, place)| values[start + place * along]).collect()
        });
    }
    if matches!(input.data, Data::Unknown) && input.element != Element::Float {
        return Ok(Value::unknown(input.element, &*places.dims));
    }
    scope.compute(input.element, &*places.dims, |device| {
        let mut tensor = input.tensor(device);
        for (other, size) in places.dims.iter().enumerate() {
            if other != axis && *size < input.dims[other] {
                tensor = tensor.narrow(other, 0, *size);
            }
        }
        let found: Vec<i32> = found.iter().map(|place| *place as i32).collect();
        by_rank!(input.rank(), D => {
            let found = Tensor::<D, Int>::from_data(TensorData::new(found, places.dims.clone()), device);
            tensor.at::<D>().gather(axis, found).into()
        })
    })
}

//! Numbers that are added to values, or multiplied with them, in our order.

use super::flow::{Axis, Flow};
use super::translation::Translation;
use crate::onnx::import::Constant;

/// What a constant is to the samples of a flow.
pub(super) enum Spread {
    /// One number for each feature.
    Features(Vec<f32>),
    /// One for each value of a sample.
    All(Vec<f32>),
}

impl Translation<'_> {
    /// The numbers of a constant that is broadcast to a flow, in our order.
    pub(super) fn spread(&mut self, constant: &Constant, flow: &Flow) -> Result<Spread, String> {
        let values = constant.as_floats().ok_or_else(|| format!("it takes {}", constant.element.name()))?;
        if let Some(place) = values.iter().position(|value| !value.is_finite()) {
            return Err(format!("one of its numbers is {}", values[place]));
        }
        let features = flow.features();
        self.unbacked(features)?;
        if let [value] = values {
            return Ok(Spread::Features(vec![*value; features]));
        }
        let rank = flow.dims.len();
        let Some(before) = rank.checked_sub(constant.shape.len()) else {
            return Err(format!("it takes numbers of shape {:?}", constant.shape));
        };
        // Where each dimension of the constant is more than one place.
        let wide: Vec<usize> = (0..constant.shape.len()).filter(|dim| constant.shape[*dim] != 1).collect();
        if wide.iter().any(|dim| flow.axes(dim + before).contains(&Axis::Batch)) {
            return Err("it takes other numbers for each sample of a batch".into());
        }
        let fits = wide.iter().all(|dim| flow.shape()[dim + before] == constant.shape[*dim]);
        if !fits {
            return Err(format!("its numbers of shape {:?} make its input larger", constant.shape));
        }
        let axis = flow.feature_axis();
        if let [dim] = wide[..]
            && flow.is_all_of(dim + before, axis)
        {
            let mut ours = vec![0.0; features];
            for (place, value) in flow.places(dim + before).into_iter().zip(values) {
                ours[place] = *value;
            }
            return Ok(Spread::Features(ours));
        }
        self.all(constant, values, before, flow)
    }

    fn all(
        &mut self,
        constant: &Constant,
        values: &[f32],
        before: usize,
        flow: &Flow,
    ) -> Result<Spread, String> {
        let count = super::evaluate::product(&flow.sample)?;
        self.unbacked(count)?;
        let mut strides = vec![1; flow.sample.len()];
        for axis in (1..strides.len()).rev() {
            strides[axis - 1] = strides[axis] * flow.sample[axis];
        }
        // Of each value of a sample where it is with us, and which number goes with it.
        let mut places = vec![(0usize, 0usize)];
        let mut step = 1;
        let mut steps = vec![0; constant.shape.len()];
        for dim in (0..constant.shape.len()).rev() {
            steps[dim] = if constant.shape[dim] == 1 { 0 } else { step };
            step *= constant.shape[dim];
        }
        for (dim, factors) in flow.dims.iter().enumerate() {
            let size: usize = factors
                .iter()
                .filter(|factor| factor.axis != Axis::Batch)
                .map(|factor| factor.size)
                .product();
            let mut inner = size;
            let mut along = vec![(0usize, 0usize)];
            for factor in factors {
                let Axis::Sample(axis) = factor.axis else { continue };
                inner /= factor.size;
                let each =
                    (0..factor.size).map(|place| (place * factor.stride * strides[axis], place * inner));
                along = along
                    .iter()
                    .flat_map(|from| each.clone().map(move |to| (from.0 + to.0, from.1 + to.1)))
                    .collect();
            }
            let step = dim.checked_sub(before).map_or(0, |dim| steps[dim]);
            places = places
                .iter()
                .flat_map(|from| along.iter().map(move |to| (from.0 + to.0, from.1 + to.1 * step)))
                .collect();
        }
        let mut ours = vec![0.0; count];
        for (place, from) in places {
            *ours.get_mut(place).ok_or("it is given a part of what comes before")? =
                *values.get(from).ok_or("its numbers are not as many as its sizes say")?;
        }
        Ok(Spread::All(ours))
    }
}

/// Whether all numbers of a sample are those of its first step.
pub(super) fn same_at_each_step(values: &[f32], features: usize) -> bool {
    values.chunks(features.max(1)).all(|row| Some(row) == values.get(..features))
}

//! What flows from operator to operator: one of our samples, and how ONNX has its axes laid out.
//!
//! Exporters move axes about: images with channels last, sequences with steps first, heads beside the batch. None of that is a
//! layer. A value's dimensions are lists of [`Factor`]s, each a stride along an axis of our sample, so that `Transpose`,
//! `Reshape`, `Slice` and the like only change the lists, and weights are put in our order where they are used.

use crate::onnx::translate::evaluate::product;

/// An axis of a batch of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Axis {
    Batch,
    /// Counted from 0: of an image channels, height and width; of a sequence steps and features; of a row features.
    Sample(usize),
}

/// So many places along an axis, each so far from the next. None has size 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Factor {
    pub(super) axis: Axis,
    pub(super) size: usize,
    pub(super) stride: usize,
}

/// A value on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flow {
    /// One sample in our order.
    pub(super) sample: Vec<usize>,
    /// Whether it is tokens.
    pub(super) tokens: bool,
    /// What each dimension in ONNX is of it, the slowest factor first; a dimension of size 1 has none.
    pub(super) dims: Vec<Vec<Factor>>,
    /// Where along each axis of the sample a part begins.
    pub(super) offset: Vec<usize>,
    /// Zeros that the next layer has to add before and after, by dimension in ONNX.
    pub(super) zeros: Option<Vec<(usize, usize)>>,
    /// Whether it is what attention's heads have seen, which no output projection has put together yet.
    pub(super) heads: bool,
}

impl Flow {
    /// A sample whose axes stand in ONNX in this order, each in a dimension of its own; `None` stands for one of size 1.
    pub(super) fn laid_out(sample: Vec<usize>, batch: usize, order: &[Option<Axis>]) -> Self {
        let factor = |axis: Axis| {
            let size = match axis {
                Axis::Batch => batch,
                Axis::Sample(axis) => sample[axis],
            };
            (size != 1).then_some(Factor { axis, size, stride: 1 })
        };
        let dims = order.iter().map(|axis| axis.and_then(factor).into_iter().collect()).collect();
        let offset = vec![0; sample.len()];
        Flow { sample, tokens: false, dims, offset, zeros: None, heads: false }
    }

    /// How many samples there are.
    pub(super) fn batch(&self) -> usize {
        self.factors().filter(|factor| factor.axis == Axis::Batch).map(|factor| factor.size).product()
    }

    fn factors(&self) -> impl Iterator<Item = &Factor> {
        self.dims.iter().flatten()
    }

    /// Whether the dimensions are these axes, whole and in order; `None` stands for one of size 1.
    pub(super) fn is_laid_out(&self, order: &[Option<Axis>]) -> bool {
        let expected = Flow::laid_out(self.sample.clone(), self.batch(), order);
        self.dims == expected.dims && self.is_whole()
    }

    /// Whether it is all of the sample, in whatever order.
    pub(super) fn is_whole(&self) -> bool {
        let is_whole = |axis: usize| {
            let factors = self.factors().filter(|factor| factor.axis == Axis::Sample(axis));
            factors.map(|factor| factor.size).product::<usize>() == self.sample[axis]
        };
        self.offset.iter().all(|offset| *offset == 0) && (0..self.sample.len()).all(is_whole)
    }

    /// The axis that the features are along: the channels of an image, the features of a sequence.
    pub(super) fn feature_axis(&self) -> usize {
        usize::from(self.sample.len() == 2)
    }

    pub(super) fn features(&self) -> usize {
        self.sample.get(self.feature_axis()).copied().unwrap_or(1)
    }

    /// Of a dimension that is of one axis alone, which place along it each of its places is.
    pub(super) fn places(&self, dim: usize) -> Vec<usize> {
        self.dims[dim].iter().fold(vec![0], |places, factor| {
            let steps = (0..factor.size).map(|step| step * factor.stride);
            places.iter().flat_map(|place| steps.clone().map(move |step| place + step)).collect()
        })
    }

    /// Which axes a dimension is of.
    pub(super) fn axes(&self, dim: usize) -> Vec<Axis> {
        let mut axes: Vec<Axis> = Vec::new();
        for factor in &self.dims[dim] {
            if !axes.contains(&factor.axis) {
                axes.push(factor.axis);
            }
        }
        axes
    }

    /// Whether a dimension is of an axis of the sample, all of it and nothing else.
    pub(super) fn is_all_of(&self, dim: usize, axis: usize) -> bool {
        let size: usize = self.dims[dim].iter().map(|factor| factor.size).product();
        let is_of_it = self.dims[dim].iter().all(|factor| factor.axis == Axis::Sample(axis));
        is_of_it && size == self.sample[axis] && self.offset[axis] == 0
    }

    /// Whether a dimension mixes axes of the sample, as only a sample that is laid out flat does.
    pub(super) fn is_mixed(&self) -> bool {
        (0..self.dims.len()).any(|dim| self.axes(dim).iter().filter(|axis| **axis != Axis::Batch).count() > 1)
    }

    /// With dimensions of other sizes.
    pub(super) fn reshaped(mut self, to: &[usize]) -> Result<Self, String> {
        let wrong = || format!("it puts the values in another order than there is a layer for: {to:?}");
        let mut left: Vec<Factor> = self.dims.into_iter().flatten().rev().collect();
        let mut dims = Vec::new();
        for &size in to {
            let mut dim = Vec::new();
            let mut rest = size;
            while rest > 1 {
                let factor = left.pop().ok_or_else(wrong)?;
                if rest.is_multiple_of(factor.size) {
                    rest /= factor.size;
                    dim.push(factor);
                } else if factor.size.is_multiple_of(rest) {
                    let inner = factor.size / rest;
                    dim.push(Factor { size: rest, stride: factor.stride * inner, ..factor });
                    left.push(Factor { size: inner, ..factor });
                    rest = 1;
                } else {
                    return Err(wrong());
                }
            }
            dims.push(joined(dim));
        }
        match left.is_empty() && self.zeros.is_none() {
            true => {
                self.dims = dims;
                Ok(self)
            }
            false => Err(wrong()),
        }
    }

    /// With its dimensions in another order.
    pub(super) fn transposed(mut self, order: &[usize]) -> Result<Self, String> {
        if order.len() != self.dims.len() {
            return Err("its axes are not those of its input".into());
        }
        self.dims = order.iter().map(|dim| self.dims[*dim].clone()).collect();
        self.zeros = self.zeros.map(|zeros| order.iter().map(|dim| zeros[*dim]).collect());
        Ok(self)
    }

    /// A part along a dimension.
    pub(super) fn cut(mut self, dim: usize, start: usize, count: usize) -> Result<Self, String> {
        let size: usize = self.dims[dim].iter().map(|factor| factor.size).product();
        if (start, count) == (0, size) {
            return Ok(self);
        }
        let mut factors = self.dims[dim].clone();
        let mut place = start;
        while let Some(&first) = factors.first() {
            let inner: usize = factors[1..].iter().map(|factor| factor.size).product();
            let Axis::Sample(axis) = first.axis else { return Err("it takes a part of the batch".into()) };
            if count == 0 || place + count > inner * first.size {
                return Err("it takes nothing, or more than there is".into());
            }
            self.offset[axis] += place / inner * first.stride;
            if count.is_multiple_of(inner) && place.is_multiple_of(inner) {
                factors[0].size = count / inner;
                break;
            }
            // What is slower than the part stays at one place.
            if place / inner != (place + count - 1) / inner {
                return Err("it takes a part that goes across heads or channels".into());
            }
            place %= inner;
            factors.remove(0);
        }
        factors.retain(|factor| factor.size != 1);
        self.dims[dim] = factors;
        Ok(self)
    }

    /// Without dimensions that have one place.
    pub(super) fn without(mut self, dims: &[usize]) -> Self {
        let mut index = 0;
        self.dims.retain(|_| {
            index += 1;
            !dims.contains(&(index - 1))
        });
        self
    }

    /// The sample as a row, in our order of values.
    pub(super) fn flattened(mut self) -> Result<Self, String> {
        let width = product(&self.sample)?;
        let mut strides = vec![1; self.sample.len()];
        for axis in (1..strides.len()).rev() {
            strides[axis - 1] = strides[axis] * self.sample[axis];
        }
        for dim in &mut self.dims {
            for factor in dim.iter_mut() {
                if let Axis::Sample(axis) = factor.axis {
                    (factor.axis, factor.stride) = (Axis::Sample(0), factor.stride * strides[axis]);
                }
            }
            *dim = joined(std::mem::take(dim));
        }
        self.offset = vec![self.offset.iter().zip(&strides).map(|(offset, stride)| offset * stride).sum()];
        self.sample = vec![width];
        Ok(self)
    }

    /// The sample when an axis is put together into one place, as by a mean; its dimensions have size 1 from then on.
    pub(super) fn reduced(mut self, axes: &[usize]) -> Self {
        let left: Vec<usize> = (0..self.sample.len()).filter(|axis| !axes.contains(axis)).collect();
        for dim in &mut self.dims {
            dim.retain_mut(|factor| match factor.axis {
                Axis::Batch => true,
                Axis::Sample(axis) => match left.iter().position(|left| *left == axis) {
                    Some(place) => {
                        factor.axis = Axis::Sample(place);
                        true
                    }
                    None => false,
                },
            });
        }
        self.sample = left.iter().map(|axis| self.sample[*axis]).collect();
        self.offset = left.iter().map(|axis| self.offset[*axis]).collect();
        self
    }

    /// The shape in ONNX.
    pub(super) fn shape(&self) -> Vec<usize> {
        self.dims.iter().map(|dim| dim.iter().map(|factor| factor.size).product()).collect()
    }
}

/// Neighbours that are one stride together become one.
fn joined(factors: Vec<Factor>) -> Vec<Factor> {
    let mut out: Vec<Factor> = Vec::new();
    for factor in factors.into_iter().filter(|factor| factor.size != 1) {
        match out.last_mut() {
            Some(outer) if outer.axis == factor.axis && outer.stride == factor.size * factor.stride => {
                outer.size *= factor.size;
                outer.stride = factor.stride;
            }
            _ => out.push(factor),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const B: Option<Axis> = Some(Axis::Batch);
    const S: [Option<Axis>; 3] = [Some(Axis::Sample(0)), Some(Axis::Sample(1)), Some(Axis::Sample(2))];

    #[test]
    fn an_image_with_channels_last_is_laid_out_in_their_order() {
        let image = Flow::laid_out(vec![2, 3, 4], 5, &[B, S[0], S[1], S[2]]);
        let last = image.clone().transposed(&[0, 2, 3, 1]).unwrap();
        assert!(last.is_laid_out(&[B, S[1], S[2], S[0]]));
        let flat = last.reshaped(&[5, 24]).unwrap();
        assert!(flat.is_mixed());
        let row = flat.flattened().unwrap();
        assert_eq!(row.places(1)[..4], [0, 12, 1, 13]);
        let first = image.reshaped(&[5, 24]).unwrap().flattened().unwrap();
        assert!(first.is_laid_out(&[B, S[0]]));
    }

    #[test]
    fn heads_are_parts_of_features() {
        let steps = Flow::laid_out(vec![7, 24], 3, &[B, S[0], S[1]]);
        let parts = steps.clone().reshaped(&[3, 7, 3, 2, 4]).unwrap();
        let keys = parts.cut(2, 1, 1).unwrap().without(&[2]);
        assert_eq!((keys.shape(), keys.offset[1]), (vec![3, 7, 2, 4], 8));
        let by_heads = keys.transposed(&[0, 2, 1, 3]).unwrap().reshaped(&[6, 7, 4]).unwrap();
        assert_eq!(by_heads.dims[0].len(), 2);
        let part = steps.clone().cut(2, 8, 8).unwrap();
        assert_eq!((part.shape(), part.offset[1]), (vec![3, 7, 8], 8));
        assert!(!part.is_whole());
        let back = by_heads.reshaped(&[3, 2, 7, 4]).unwrap().transposed(&[0, 2, 1, 3]).unwrap();
        assert_eq!(back.reshaped(&[3, 7, 8]).unwrap().places(2), (0..8).collect::<Vec<_>>());
        assert!(steps.reshaped(&[3, 8, 21]).is_err());
    }

    #[test]
    fn what_is_put_together_is_gone() {
        let image = Flow::laid_out(vec![2, 3, 4], 5, &[B, S[0], S[1], S[2]]);
        let means = image.reduced(&[1, 2]);
        assert_eq!((means.sample.clone(), means.shape()), (vec![2], vec![5, 2, 1, 1]));
        assert!(means.is_laid_out(&[B, S[0], None, None]));
    }
}

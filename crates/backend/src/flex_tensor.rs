//! Slices out of Flex's tensors and back, for the kernels.
//!
//! A tensor may be a view: transposed, sliced, expanded. [`contiguous`] and [`channels_last`] copy what does not lie as
//! a kernel wants it, and nothing else. Images are *channels-last*: their shape reads `[batch, channels, height,
//! width]` as everywhere in Burn, while their memory is `[batch, height, width, channels]`, as kernels write it; so a
//! chain of image operations copies nothing.

use std::ops::Deref;

use burn::backend::Flex;
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::ops::IntTensorOps;
use burn::tensor::{Bytes, DType, IntDType, Shape};
use fireclay_kernels::{self as kernels, Values};

use crate::instructions::cpu;
use crate::memory::bytes;

/// A tensor whose values lie one after another, in the order of the shape it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Contiguous(FlexTensor);

impl Deref for Contiguous {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self.0.layout().num_elements() {
            // The offset of an empty view may lie behind the end.
            0 => &[],
            _ => self.0.as_slice().expect("made contiguous, of a type that was checked"),
        }
    }
}

impl Contiguous {
    /// The tensor itself, with the shape that its values lie in.
    pub(crate) fn into_tensor(self) -> FlexTensor {
        self.0
    }
}

/// Whole numbers that lie one after another.
#[derive(Clone, Debug)]
pub(crate) struct ContiguousInts(FlexTensor);

impl Deref for ContiguousInts {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        match self.0.layout().num_elements() {
            0 => &[],
            _ => self.0.as_slice().expect("made contiguous, and cast"),
        }
    }
}

/// Classes or tokens in the order of the shape, whatever whole numbers the tensor holds.
pub(crate) fn contiguous_ints(tensor: FlexTensor) -> ContiguousInts {
    let cast = match tensor.dtype() {
        DType::I64 => tensor,
        _ => Flex::int_cast(tensor, IntDType::I64),
    };
    ContiguousInts(made_contiguous(cast))
}

fn made_contiguous(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// The values in the order of the shape, copied only if they do not lie so.
///
/// # Panics
/// If it does not hold f32; [`all_f32`] tells.
pub(crate) fn contiguous(tensor: FlexTensor) -> Contiguous {
    assert_eq!(tensor.dtype(), DType::F32, "a kernel works on f32");
    Contiguous(made_contiguous(tensor))
}

/// The values of `[batch, channels, height, width]` in the order `[batch, height, width, channels]`, copied only if
/// they do not lie so; of any rank from 2, the second dimension becomes the last.
pub(crate) fn channels_last(tensor: FlexTensor) -> Contiguous {
    let mut axes: Vec<usize> = (0..tensor.layout().num_dims()).collect();
    axes[1..].rotate_left(1);
    let turned = tensor.clone().permute(&axes);
    if turned.is_contiguous() || !tensor.is_contiguous() || !all_f32([&tensor]) {
        return contiguous(turned);
    }
    let shape = turned.layout().shape().clone();
    let (batch, channels) = (tensor.layout().shape()[0], tensor.layout().shape()[1]);
    let pixels = shape.num_elements() / (batch * channels).max(1);
    let mut values = Values::unspecified(shape.num_elements());
    kernels::images_to_channels_last(cpu(), &contiguous(tensor), channels, pixels, &mut values);
    Contiguous(from_values(values, shape))
}

/// A tensor of these values in the order of `shape`; nothing is copied.
pub(crate) fn from_values(values: impl Into<Values>, shape: impl Into<Shape>) -> FlexTensor {
    let (values, shape) = (values.into(), shape.into());
    assert_eq!(values.len(), shape.num_elements(), "as many values as the shape has places");
    FlexTensor::new(bytes(values), Layout::contiguous(shape), DType::F32)
}

/// A tensor of these whole numbers in the order of `shape`.
pub(crate) fn from_ints(values: Vec<i64>, shape: impl Into<Shape>) -> FlexTensor {
    let shape = shape.into();
    assert_eq!(values.len(), shape.num_elements(), "as many values as the shape has places");
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::I64)
}

/// A tensor of the shape `[batch, channels, height, width]` of values in the order `[batch, height, width, channels]`;
/// of any rank from 2, the last dimension becomes the second. Nothing is copied.
pub(crate) fn from_channels_last(values: impl Into<Values>, shape: impl Into<Shape>) -> FlexTensor {
    let mut stored = shape.into().to_vec();
    stored[1..].rotate_left(1);
    let mut axes: Vec<usize> = (0..stored.len()).collect();
    axes[1..].rotate_right(1);
    from_values(values, stored).permute(&axes)
}

/// Whether all of these hold f32; other types run the operation's default body.
pub(crate) fn all_f32<'a>(tensors: impl IntoIterator<Item = &'a FlexTensor>) -> bool {
    tensors.into_iter().all(|tensor| tensor.dtype() == DType::F32)
}

/// The order of a tensor's axes in memory: from the greatest stride to the least.
///
/// Work on each value by itself may take several tensors in the storage order of the first, with [`in_order`]; then
/// those that lie alike need no copy, and [`Ordered::into_tensor`] turns the result back.
pub(crate) fn storage_order(tensor: &FlexTensor) -> Vec<usize> {
    let strides = tensor.layout().strides();
    let mut axes: Vec<usize> = (0..strides.len()).collect();
    axes.sort_by_key(|&axis| std::cmp::Reverse(strides[axis].unsigned_abs()));
    axes
}

/// A tensor with its axes in another order, contiguous in that order.
pub(crate) struct Ordered<'a> {
    tensor: FlexTensor,
    axes: &'a [usize],
}

/// Takes a tensor in an order of axes, and copies it only if it does not lie so.
pub(crate) fn in_order(tensor: FlexTensor, axes: &[usize]) -> Ordered<'_> {
    assert_eq!(tensor.dtype(), DType::F32, "a kernel works on f32");
    let layout = tensor.layout().permute(axes);
    Ordered { tensor: made_contiguous(tensor.with_layout(layout)), axes }
}

impl<'a> Ordered<'a> {
    /// Zeros that lie in that order; `shape` is the tensor's.
    pub(crate) fn zeros(shape: &Shape, axes: &'a [usize]) -> Self {
        Ordered::of(Values::zeros(shape.num_elements()), shape, axes)
    }

    /// Numbers that are not specified and lie in that order.
    pub(crate) fn unspecified(shape: &Shape, axes: &'a [usize]) -> Self {
        Ordered::of(Values::unspecified(shape.num_elements()), shape, axes)
    }

    fn of(values: Values, shape: &Shape, axes: &'a [usize]) -> Self {
        let stored: Vec<usize> = axes.iter().map(|&axis| shape[axis]).collect();
        Ordered { tensor: from_values(values, stored), axes }
    }

    /// The values in that order.
    pub(crate) fn values(&self) -> &[f32] {
        match self.tensor.layout().num_elements() {
            0 => &[],
            _ => self.tensor.as_slice().expect("made contiguous, of a type that was checked"),
        }
    }

    /// The values in that order, to change: in place if nobody else holds the tensor, else in a copy.
    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        if self.tensor.layout().num_elements() == 0 {
            return &mut [];
        }
        let (start, end) = self.tensor.layout().contiguous_offsets().expect("made contiguous");
        &mut self.tensor.storage_mut()[start..end]
    }

    /// The tensor with its axes as they were.
    pub(crate) fn into_tensor(self) -> FlexTensor {
        let mut back = vec![0; self.axes.len()];
        for (place, &axis) in self.axes.iter().enumerate() {
            back[axis] = place;
        }
        let layout = self.tensor.layout().permute(&back);
        self.tensor.with_layout(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        from_values((0..shape.num_elements()).map(|i| i as f32).collect::<Vec<f32>>(), shape)
    }

    #[test]
    fn a_view_is_copied_and_a_plain_tensor_is_not() {
        let tensor = counting([2, 3]);
        let address = tensor.bytes().as_ptr();
        let plain = contiguous(tensor.clone());
        assert_eq!(plain.as_ptr().cast::<u8>(), address);
        let turned = contiguous(tensor.transpose(0, 1));
        assert_eq!(&turned[..], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let part = contiguous(tensor.narrow(0, 1, 1));
        assert_eq!(&part[..], [3.0, 4.0, 5.0]);
    }

    #[test]
    fn channels_last_goes_there_and_back_without_a_copy() {
        for shape in [[2, 3, 4, 5], [1, 3, 1, 1], [2, 1, 4, 4], [1, 1, 1, 1]] {
            let values: Vec<f32> = (0..shape.iter().product::<usize>()).map(|i| i as f32).collect();
            let address = values.as_ptr();
            let image = from_channels_last(values.clone(), shape);
            assert_eq!(image.layout().shape().to_vec(), shape);
            assert_eq!(&channels_last(image)[..], values);
            let image = from_channels_last(values, shape);
            assert_eq!(channels_last(image).as_ptr(), address, "{shape:?}");
        }
    }

    #[test]
    fn an_image_in_burns_order_is_turned() {
        // 2 channels of 1 x 3: channel after channel becomes place after place.
        let image = counting([1, 2, 1, 3]);
        assert_eq!(&channels_last(image)[..], [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }

    #[test]
    fn an_empty_view_behind_the_end_is_empty() {
        let part = counting([2, 3]).narrow(1, 1, 2).narrow(0, 2, 0);
        assert!(contiguous(part).is_empty());
        assert!(channels_last(counting([0, 3, 2, 2])).is_empty());
    }

    #[test]
    fn a_tensor_that_nobody_else_holds_is_changed_in_place_whatever_its_order() {
        let turned = |tensor: FlexTensor| tensor.permute(&[2, 0, 1]);
        for tensor in [counting([2, 3, 4]), turned(counting([2, 3, 4]))] {
            let (shape, address) = (tensor.layout().shape().clone(), tensor.bytes().as_ptr());
            let axes = storage_order(&tensor);
            let mut ordered = in_order(tensor, &axes);
            ordered.values_mut().iter_mut().for_each(|x| *x += 1.0);
            assert_eq!(ordered.values()[23], 24.0);
            let tensor = ordered.into_tensor();
            assert_eq!(tensor.layout().shape(), &shape);
            assert_eq!(tensor.bytes().as_ptr(), address);
        }
    }

    #[test]
    fn a_tensor_that_somebody_else_holds_is_not_changed() {
        let tensor = counting([2, 3]);
        let mut ordered = in_order(tensor.clone(), &[0, 1]);
        ordered.values_mut()[0] = 9.0;
        assert_eq!(contiguous(tensor)[0], 0.0);
    }

    #[test]
    fn whole_numbers_of_every_type_become_positions() {
        let ints =
            Flex::int_from_data(burn::tensor::TensorData::from([[3u8, 1], [2, 0]]), &Default::default());
        assert_eq!(&contiguous_ints(ints.transpose(0, 1))[..], [3, 2, 1, 0]);
    }
}

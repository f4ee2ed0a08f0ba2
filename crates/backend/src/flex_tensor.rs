//! Slices out of Flex's tensors and back, for the kernels.
//!
//! A tensor may be a view: transposed, sliced, expanded. [`contiguous`] and [`channels_last`] copy what does not lie as
//! a kernel wants it, and nothing else. Images are *channels-last*: their shape reads `[batch, channels, height,
//! width]` as everywhere in Burn, while their memory is `[batch, height, width, channels]`, as kernels write it; so a
//! chain of image operations copies nothing.

use std::ops::Deref;

use burn::backend::flex::{FlexTensor, Layout};
use burn::tensor::{Bytes, DType, Shape};

/// A tensor whose values lie one after another, in the order of the shape it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Contiguous(FlexTensor);

impl Deref for Contiguous {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        values(&self.0)
    }
}

fn values(tensor: &FlexTensor) -> &[f32] {
    match tensor.layout().num_elements() {
        // The offset of an empty view may lie behind the end.
        0 => &[],
        _ => tensor.as_slice().expect("contiguous, and of the type that was checked"),
    }
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
/// they do not lie so.
pub(crate) fn channels_last(tensor: FlexTensor) -> Contiguous {
    contiguous(tensor.permute(&[0, 2, 3, 1]))
}

/// A tensor of these values in the order of `shape`; nothing is copied.
pub(crate) fn from_values(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    let shape = shape.into();
    assert_eq!(values.len(), shape.num_elements(), "as many values as the shape has places");
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape), DType::F32)
}

/// A tensor `[batch, channels, height, width]` of values in the order `[batch, height, width, channels]`; nothing is
/// copied.
pub(crate) fn from_channels_last(values: Vec<f32>, shape: [usize; 4]) -> FlexTensor {
    let [batch, channels, height, width] = shape;
    from_values(values, [batch, height, width, channels]).permute(&[0, 3, 1, 2])
}

/// Whether all of these hold f32; other types run the operation's default body.
pub(crate) fn all_f32<'a>(tensors: impl IntoIterator<Item = &'a FlexTensor>) -> bool {
    tensors.into_iter().all(|tensor| tensor.dtype() == DType::F32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: impl Into<Shape>) -> FlexTensor {
        let shape = shape.into();
        from_values((0..shape.num_elements()).map(|i| i as f32).collect(), shape)
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
}

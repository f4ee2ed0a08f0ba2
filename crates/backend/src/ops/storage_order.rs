//! How the values of a tensor lie in memory.

use burn::tensor::Tensor;

/// The axes of a tensor in the order in which its values lie in memory, the one that changes last first: what moves all values needs no
/// copy in that order. Where the device does not say it, the order of the shape.
///
/// ```
/// use fireclay_backend::ops::storage_order;
/// use fireclay_backend::Device;
/// use burn::tensor::Tensor;
///
/// let tensor = Tensor::<3>::zeros([2, 3, 4], &Device::default());
/// assert_eq!(storage_order(&tensor), [0, 1, 2]);
/// ```
pub fn storage_order<const D: usize>(tensor: &Tensor<D>) -> [usize; D] {
    #[cfg(feature = "flex")]
    if let Some(axes) = flex::storage_order(tensor) {
        return axes;
    }
    let _ = tensor;
    std::array::from_fn(|axis| axis)
}

#[cfg(feature = "flex")]
mod flex {
    use burn::backend::{BackendTensor, DispatchTensorKind};
    use burn::tensor::Tensor;

    pub(super) fn storage_order<const D: usize>(tensor: &Tensor<D>) -> Option<[usize; D]> {
        match &tensor.clone().into_dispatch().kind {
            DispatchTensorKind::Flex(BackendTensor::Float(tensor)) => {
                crate::flex_tensor::storage_order(tensor).try_into().ok()
            }
            _ => None,
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_that_was_turned_says_how_it_lies() {
        let tensor = Tensor::<3>::zeros([2, 3, 4], &burn::tensor::Device::flex());
        assert_eq!(storage_order(&tensor.permute([1, 2, 0])), [2, 0, 1]);
    }
}

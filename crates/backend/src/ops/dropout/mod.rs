//! Dropout in one pass, which keeps a seed for the backward pass instead of a mask.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::fallback::is_supported;
use super::run_reference_on_other_devices;
use crate::random::BatchPart;
#[cfg(feature = "flex")]
pub(crate) use flex::draw_seed;
pub(crate) use reference::random_mask;

/// Sets a fraction of the values to zero at random and scales the others up
/// ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)). The device's random numbers decide which; it
/// is for training, and a layer that does not train leaves it out.
///
/// # Shapes
/// - input and output: any
///
/// # Panics
/// If `rate` is not in `[0, 1)`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::dropout;
/// let output = dropout(Tensor::<1>::ones([100], &Device::default()), 0.5);
/// assert!(output.into_data().iter::<f32>().all(|value| [0.0, 2.0].contains(&value)));
/// ```
pub fn dropout<const D: usize>(input: Tensor<D>, rate: f64) -> Tensor<D> {
    assert!((0.0..1.0).contains(&rate), "a fraction of values is in [0, 1)");
    let input = input.into_dispatch();
    Tensor::from_dispatch(match is_supported(&input) {
        true => Dispatch::dropout_values(input, rate),
        false => reference::forward::<Dispatch>(input, rate),
    })
}

/// What decides which values are dropped: a seed, and of which part of a batch they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct DropoutSeed {
    pub(crate) seed: u64,
    pub(crate) part: Option<BatchPart>,
}

#[cfg(feature = "flex")]
impl DropoutSeed {
    /// How the kernels take it, for so many values or rows.
    pub(crate) fn of(self, rate: f32, count: usize) -> fireclay_kernels::Dropout {
        let first = self.part.and_then(|part| part.of(count)).map_or(0, |(before, _)| before);
        fireclay_kernels::Dropout { rate, seed: self.seed, first }
    }
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait DropoutOp: Backend {
    /// See [`dropout`].
    fn dropout_values(input: FloatTensor<Self>, rate: f64) -> FloatTensor<Self> {
        reference::forward::<Self>(input, rate)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait DropoutGradient: DropoutOp {
    /// A seed, if there is a kernel for a tensor of this type.
    fn dropout_seed(input: &FloatTensor<Self>) -> Option<DropoutSeed> {
        let _ = input;
        None
    }

    /// What the seed leaves of the input, or of the gradient by the output.
    fn dropout_by_seed(input: FloatTensor<Self>, rate: f64, seed: DropoutSeed) -> FloatTensor<Self> {
        let _ = (input, rate, seed);
        unreachable!("there is no kernel")
    }
}

run_reference_on_other_devices!(DropoutOp, DropoutGradient);

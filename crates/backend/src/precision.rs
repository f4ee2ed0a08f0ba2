//! In what numbers products are made: a setting of a thread, for as long as whoever set it wants.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crate::BackendError;

thread_local! {
    static PRECISION: Cell<Precision> = const { Cell::new(Precision::F32) };
}

/// In what numbers products are made. Weights, optimisers, norms, softmax and losses are `f32` in any case, and so is what
/// layers hand on to each other; what waits for the backward pass is rounded with the products' factors.
///
/// ```
/// use fireclay_backend::Precision;
/// assert_eq!("bf16".parse::<Precision>()?, Precision::Bf16);
/// assert!("int4".parse::<Precision>().unwrap_err().to_string().contains("f32 or bf16"));
/// # Ok::<(), fireclay_backend::BackendError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// Factors are rounded to bfloat16, 16 bits with the exponents of `f32`, and their products added in `f32`. Products that
    /// would not be faster for it stay as they are, such as those of small layers, and so does attention. On a GPU the products
    /// of dense, feed-forward and recurrent layers are made so, and convolutions stay in `f32`, since Burn would add their
    /// terms in 16 bits; a GPU without bfloat16 multiplies in `f16`, each factor divided by its largest absolute value. See
    /// [`supports`](crate::supports).
    Bf16,
}

impl Precision {
    fn word(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::Bf16 => "bf16",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Precision {
    type Err = BackendError;

    fn from_str(word: &str) -> Result<Self, BackendError> {
        [Precision::F32, Precision::Bf16]
            .into_iter()
            .find(|precision| precision.word() == word)
            .ok_or_else(|| BackendError::UnknownPrecision { name: word.to_string() })
    }
}

/// A precision in force in a thread; when it is dropped, the one before is again.
#[must_use = "the precision holds until this is dropped"]
#[derive(Debug)]
pub struct PrecisionScope {
    before: Precision,
    /// It belongs to its thread.
    thread: PhantomData<*const ()>,
}

/// Makes products in this precision, forward and backward, in this thread, until the scope is dropped. Devices that do not
/// [support](crate::supports) it go on in `f32`. A trainer's `fit` takes its own from its options.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::{Precision, in_precision, ops::{Activation, dense}};
/// let device = Device::default();
/// let ones = || Tensor::<2>::ones([64, 64], &device);
/// let scope = in_precision(Precision::Bf16);
/// let sum: f32 = dense(ones(), ones(), None, Activation::None).sum().into_scalar();
/// drop(scope);
/// assert_eq!(sum, 64.0 * 64.0 * 64.0); // A bf16 holds 1 as it is.
/// ```
pub fn in_precision(precision: Precision) -> PrecisionScope {
    PrecisionScope { before: PRECISION.replace(precision), thread: PhantomData }
}

impl Drop for PrecisionScope {
    fn drop(&mut self) {
        PRECISION.set(self.before);
    }
}

/// The 16-bit numbers of a device without kernels, the better ones first.
#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
pub(crate) fn half(is_there: impl Fn(burn::tensor::DType) -> bool) -> Option<burn::tensor::FloatDType> {
    use burn::tensor::FloatDType;

    [FloatDType::BF16, FloatDType::F16].into_iter().find(|&dtype| is_there(dtype.into()))
}

/// That of this thread.
#[cfg(any(test, feature = "flex", feature = "wgpu", feature = "cuda", feature = "rocm"))]
pub(crate) fn precision() -> Precision {
    PRECISION.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_ends_where_it_is_dropped_and_belongs_to_its_thread() {
        let outer = in_precision(Precision::Bf16);
        assert_eq!(precision(), Precision::Bf16);
        {
            let _inner = in_precision(Precision::F32);
            assert_eq!(precision(), Precision::F32);
        }
        assert_eq!(precision(), Precision::Bf16);
        assert_eq!(std::thread::spawn(precision).join().unwrap(), Precision::F32);
        drop(outer);
        assert_eq!(precision(), Precision::F32);
    }
}

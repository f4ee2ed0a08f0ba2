//! Activations that wait for the backward pass: in half the room where products are made in bf16.

use std::fmt::Debug;

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;
#[cfg(any(feature = "ndarray", feature = "wgpu", feature = "cuda", feature = "rocm"))]
use burn::{
    backend::{TensorMetadata, ops::FloatTensorOps},
    tensor::{DType, FloatDType},
};

#[cfg(any(feature = "ndarray", feature = "wgpu", feature = "cuda", feature = "rocm"))]
use super::half::half_of;

/// Puts away what a backward pass reads again.
pub trait StoresActivations: Backend {
    /// An activation that was put away.
    type Stored: Clone + Debug + Send + 'static;

    /// Puts an activation away: rounded to bf16 where products are made in bf16, else as it is.
    fn store(activation: FloatTensor<Self>) -> Self::Stored;

    /// The activation, of the shape and in the order that it had.
    fn restore(stored: Self::Stored) -> FloatTensor<Self>;
}

/// Without kernels, in bfloat16 where this thread's products are made in it. `f16` does not hold every activation.
#[cfg(any(feature = "ndarray", feature = "wgpu", feature = "cuda", feature = "rocm"))]
macro_rules! store_by_casting {
    ($backend:ty) => {
        impl StoresActivations for $backend {
            type Stored = Cast<Self>;

            fn store(activation: FloatTensor<Self>) -> Self::Stored {
                let dtype = activation.dtype();
                let activation = match half_of::<Self>(&activation.device()) {
                    Some(FloatDType::BF16) if dtype == DType::F32 => {
                        Self::float_cast(activation, FloatDType::BF16)
                    }
                    _ => activation,
                };
                Cast { activation, dtype }
            }

            fn restore(stored: Self::Stored) -> FloatTensor<Self> {
                Self::float_cast(stored.activation, stored.dtype.into())
            }
        }
    };
}

/// An activation that was put away, and the numbers it was in before.
#[cfg(any(feature = "ndarray", feature = "wgpu", feature = "cuda", feature = "rocm"))]
#[derive(Clone, Debug)]
pub struct Cast<B: Backend> {
    activation: FloatTensor<B>,
    dtype: DType,
}

#[cfg(feature = "ndarray")]
store_by_casting!(burn::backend::NdArray);

#[cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm"))]
store_by_casting!(burn::backend::Cube);

#[cfg(feature = "flex")]
pub(crate) mod flex {
    use std::sync::Arc;

    use burn::backend::Flex;
    use burn::backend::TensorMetadata;
    use burn::backend::flex::FlexTensor;
    use burn::tensor::Shape;
    use fireclay_kernels::{Precision, Values, from_bf16, to_bf16};

    use super::StoresActivations;
    use crate::flex_tensor::{Ordered, all_f32, in_order, storage_order};
    use crate::instructions::cpu;

    /// Fewer values are not worth the work.
    const LEAST: usize = 4096;

    /// An activation that was put away on Flex.
    #[derive(Clone, Debug)]
    pub enum Stored {
        /// As it was.
        Whole(FlexTensor),
        /// In bf16.
        Rounded {
            /// Pairs of values, in the order of the axes in memory.
            values: Arc<Values>,
            /// That order.
            axes: Vec<usize>,
            /// The tensor's.
            shape: Shape,
        },
    }

    impl StoresActivations for Flex {
        type Stored = Stored;

        fn store(activation: FlexTensor) -> Stored {
            let cpu = cpu();
            let len = activation.layout().num_elements();
            if cpu.precision == Precision::F32 || len < LEAST || !all_f32([&activation]) {
                return Stored::Whole(activation);
            }
            let (axes, shape) = (storage_order(&activation), activation.shape());
            let values = Arc::new(to_bf16(cpu, in_order(activation, &axes).values()));
            Stored::Rounded { values, axes, shape }
        }

        fn restore(stored: Stored) -> FlexTensor {
            match stored {
                Stored::Whole(tensor) => tensor,
                Stored::Rounded { values, axes, shape } => {
                    let mut tensor = Ordered::unspecified(&shape, &axes);
                    from_bf16(cpu(), &values, tensor.values_mut());
                    tensor.into_tensor()
                }
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::flex_tensor::{contiguous, from_values};
        use crate::{Precision as Setting, in_precision};

        #[test]
        fn what_is_stored_comes_back_in_its_shape_and_order() {
            let values: Vec<f32> = (0..6 * LEAST).map(|at| (at % 251) as f32 * 0.37).collect();
            let tensor = from_values(values, [2, LEAST, 3]);
            for view in [tensor.clone(), tensor.clone().permute(&[2, 0, 1]), tensor.narrow(1, 5, LEAST - 7)] {
                assert!(matches!(Flex::store(view.clone()), Stored::Whole(_)));
                let scope = in_precision(Setting::Bf16);
                let stored = Flex::store(view.clone());
                assert_eq!(matches!(stored, Stored::Rounded { .. }), cpu().precision == Precision::Bf16);
                let back = Flex::restore(stored);
                drop(scope);
                assert_eq!(back.shape(), view.shape());
                assert_eq!(storage_order(&back), storage_order(&view));
                for (found, expected) in contiguous(back).iter().zip(contiguous(view).iter()) {
                    assert!((found - expected).abs() <= expected.abs() / 256.0, "{found} was {expected}");
                }
            }
        }
    }
}

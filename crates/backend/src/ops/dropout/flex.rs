//! Dropout on Flex.

use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::{DType, Distribution, Shape};
use fireclay_kernels::{self as kernels, Values};

use super::{DropoutGradient, DropoutOp, DropoutSeed, reference};
use crate::flex_tensor::{all_f32, contiguous, from_values};
use crate::instructions::cpu;
use crate::random::batch_part;

impl DropoutOp for Flex {
    fn dropout_values(input: FloatTensor<Self>, rate: f64) -> FloatTensor<Self> {
        match Self::dropout_seed(&input) {
            Some(seed) => Self::dropout_by_seed(input, rate, seed),
            None => reference::forward::<Self>(input, rate),
        }
    }
}

impl DropoutGradient for Flex {
    fn dropout_seed(input: &FloatTensor<Self>) -> Option<DropoutSeed> {
        all_f32([input]).then(draw_seed)
    }

    fn dropout_by_seed(input: FloatTensor<Self>, rate: f64, seed: DropoutSeed) -> FloatTensor<Self> {
        let shape = input.shape();
        let input = contiguous(input);
        let mut output = Values::unspecified(input.len());
        kernels::dropout(cpu(), seed.of(rate as f32, input.len()), &input, &mut output);
        from_values(output, shape)
    }
}

/// A seed from the device's random numbers.
pub(crate) fn draw_seed() -> DropoutSeed {
    let drawn = Flex::float_random(
        Shape::new([2]),
        Distribution::Uniform(0.0, 1.0),
        &Default::default(),
        DType::F32.into(),
    );
    let seed = contiguous(drawn).iter().fold(0, |seed, number| (seed << 32) | u64::from(number.to_bits()));
    DropoutSeed { seed, part: batch_part() }
}

//! Layer normalisation on Flex.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{LayerNormGradient, LayerNormOp, reference};
use crate::flex_tensor::{all_f32, contiguous, from_values};
use crate::instructions::cpu;
use crate::ops::maybe::Maybe;

impl LayerNormOp for Flex {
    fn layer_norm_rows(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let bias = bias.into_option();
        if !all_f32([&input, &weight].into_iter().chain(&bias)) {
            return reference::forward::<Self>(input, weight, bias, epsilon);
        }
        let shape = input.shape();
        let bias = bias.unwrap_or_else(|| from_values(Values::zeros(weight.shape()[0]), weight.shape()));
        let [input, weight, bias] = [input, weight, bias].map(contiguous);
        let mut output = Values::unspecified(input.len());
        kernels::layer_norm(cpu(), &weight, &bias, epsilon as f32, &input, &mut output);
        from_values(output, shape)
    }
}

impl LayerNormGradient for Flex {
    fn layer_norm_backward(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 3] {
        if !all_f32([&input, &weight, &gradient]) {
            return reference::backward::<Self>(input, weight, epsilon, gradient);
        }
        let shape = input.shape();
        let [input, weight, gradient] = [input, weight, gradient].map(contiguous);
        let features = weight.len();
        let mut by_input = Values::unspecified(input.len());
        let (mut by_weight, mut by_bias) = (Values::unspecified(features), Values::unspecified(features));
        kernels::layer_norm_gradient(
            cpu(),
            &weight,
            epsilon as f32,
            &input,
            &gradient,
            &mut by_input,
            &mut by_weight,
            &mut by_bias,
        );
        [
            Some(from_values(by_input, shape)),
            Some(from_values(by_weight, [features])),
            Some(from_values(by_bias, [features])),
        ]
    }
}

//! Batch normalisation on Flex, on channels-last images or on rows.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata};
use fireclay_kernels::{self as kernels, Values};

use super::{BatchNormGradient, BatchNormKept, BatchNormOp, reference};
use crate::flex_tensor::{all_f32, channels_last, contiguous, from_channels_last, from_values};
use crate::instructions::cpu;
use crate::ops::Activation;

impl BatchNormOp for Flex {
    fn batch_norm_by_batch(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        if !all_f32([&input, &weight, &bias]) {
            return reference::by_batch::<Self>(input, weight, bias, epsilon, activation);
        }
        let (shape, weight, bias) = (input.shape(), contiguous(weight), contiguous(bias));
        let input = channels_last(input);
        let mut output = Values::unspecified(input.len());
        let (mut mean, mut variance) = (Values::unspecified(weight.len()), Values::unspecified(weight.len()));
        let norm = norm(&weight, &bias, epsilon, activation);
        kernels::batch_norm_train(cpu(), norm, &input, &mut output, &mut mean, &mut variance);
        let channels = [weight.len()];
        let statistics = [mean, variance].map(|values| from_values(values, channels));
        let [mean, variance] = statistics;
        (from_channels_last(output, shape), mean, variance)
    }

    fn batch_norm_by_statistics(
        input: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        epsilon: f64,
        activation: Activation,
    ) -> FloatTensor<Self> {
        if !all_f32([&input, &weight, &bias, &mean, &variance]) {
            return reference::by_statistics::<Self>(
                input, weight, bias, mean, variance, epsilon, activation,
            );
        }
        let shape = input.shape();
        let [weight, bias, mean, variance] = [weight, bias, mean, variance].map(contiguous);
        let input = channels_last(input);
        let mut output = Values::unspecified(input.len());
        let norm = norm(&weight, &bias, epsilon, activation);
        kernels::batch_norm_inference(cpu(), norm, &mean, &variance, &input, &mut output);
        from_channels_last(output, shape)
    }
}

impl BatchNormGradient for Flex {
    fn batch_norm_keeps_output(input: &FloatTensor<Self>) -> bool {
        !all_f32([input])
    }

    fn batch_norm_backward(
        kept: BatchNormKept<Self>,
        gradient: FloatTensor<Self>,
    ) -> [Option<FloatTensor<Self>>; 3] {
        if kept.output.is_some() || !all_f32([&kept.input, &kept.weight, &kept.bias, &gradient]) {
            return reference::backward::<Self>(kept, gradient);
        }
        let shape = kept.input.shape();
        let input = channels_last(kept.input);
        let [weight, bias, mean, variance] =
            [kept.weight, kept.bias, kept.mean, kept.variance].map(contiguous);
        let channels = weight.len();
        let mut by_input = Values::unspecified(input.len());
        let (mut by_weight, mut by_bias) = (Values::unspecified(channels), Values::unspecified(channels));
        kernels::batch_norm_gradient(
            cpu(),
            norm(&weight, &bias, kept.epsilon, kept.activation),
            &input,
            &mean,
            &variance,
            &channels_last(gradient),
            &mut by_input,
            &mut by_weight,
            &mut by_bias,
        );
        [
            Some(from_channels_last(by_input, shape)),
            Some(from_values(by_weight, [channels])),
            Some(from_values(by_bias, [channels])),
        ]
    }
}

fn norm<'a>(
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f64,
    activation: Activation,
) -> kernels::BatchNorm<'a> {
    kernels::BatchNorm { weight, bias, epsilon: epsilon as f32, relu: activation == Activation::Relu }
}

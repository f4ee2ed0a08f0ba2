//! Batch normalisation in Burn's operations.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

use super::BatchNormKept;
use crate::ops::Activation;

pub(super) fn by_batch<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    epsilon: f64,
    activation: Activation,
) -> (FloatTensor<B>, FloatTensor<B>, FloatTensor<B>) {
    let normed = B::batch_norm_train(input, weight, bias, epsilon);
    (activation.forward::<B>(normed.output), normed.mean, normed.variance)
}

pub(super) fn by_statistics<B: Backend>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: FloatTensor<B>,
    mean: FloatTensor<B>,
    variance: FloatTensor<B>,
    epsilon: f64,
    activation: Activation,
) -> FloatTensor<B> {
    activation.forward::<B>(B::batch_norm(input, weight, bias, mean, variance, epsilon))
}

pub(super) fn backward<B: Backend>(
    kept: BatchNormKept<B>,
    gradient: FloatTensor<B>,
) -> [Option<FloatTensor<B>>; 3] {
    let BatchNormKept { input, weight, bias: _, output, mean, variance, epsilon, activation } = kept;
    let gradient = activation.backward::<B>(output, gradient);
    let gradients = B::batch_norm_train_backward(input, weight, mean, variance, epsilon, gradient);
    [Some(gradients.x_grad), Some(gradients.gamma_grad), Some(gradients.beta_grad)]
}

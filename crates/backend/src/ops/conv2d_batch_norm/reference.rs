//! Convolution and batch norm, one after the other.

use burn::backend::tensor::FloatTensor;

use super::{Conv2dBatchNormFused, Conv2dBatchNormOp, NormTensors, PoolPlace};
use crate::ops::MaxPool;
use crate::ops::maybe::Maybe;

pub(super) fn forward<B: Conv2dBatchNormOp>(
    input: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Maybe<B>,
    norm: NormTensors<B>,
    fused: Conv2dBatchNormFused,
) -> FloatTensor<B> {
    let convolved = B::conv2d_fused(input, weight, bias, fused.convolution());
    let NormTensors { weight, bias, mean, variance } = norm;
    let (epsilon, activation) = (fused.epsilon, fused.activation);
    let normed = B::batch_norm_by_statistics(convolved, weight, bias, mean, variance, epsilon, activation);
    match fused.pool {
        PoolPlace::Last(MaxPool { kernel_size, stride }) => {
            B::max_pool2d(normed, kernel_size, stride, [0, 0], [1, 1], false)
        }
        PoolPlace::Nowhere | PoolPlace::BeforeNorm(_) => normed,
    }
}

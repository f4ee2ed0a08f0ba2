//! Convolution and batch norm under autodiff: the two operations, each of which has a gradient.

use burn::backend::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;

use super::Conv2dBatchNormOp;
use crate::ops::batch_norm::BatchNormGradient;
use crate::ops::conv2d::Conv2dGradient;

impl<B: Conv2dGradient + BatchNormGradient, C: CheckpointStrategy> Conv2dBatchNormOp for Autodiff<B, C> {}

//! The feed-forward network while norms of samples are gathered.

use burn::tensor::Tensor;

use super::{FeedForwardOptions, FeedForwardWeights};
use crate::ops::{Activation, dense, dropout, gelu};

pub(super) fn feed_forward(
    input: Tensor<2>,
    weights: FeedForwardWeights,
    options: FeedForwardOptions,
) -> Tensor<2> {
    let FeedForwardWeights { weight1, bias1, weight2, bias2 } = weights;
    let activation = if options.gelu { Activation::None } else { Activation::Relu };
    let mut between = dense(input, weight1, Some(bias1), activation);
    if options.gelu {
        between = gelu(between);
    }
    if options.dropout > 0.0 {
        between = dropout(between, options.dropout);
    }
    dense(between, weight2, Some(bias2), Activation::None)
}

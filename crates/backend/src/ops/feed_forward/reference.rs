//! The feed-forward network in the operations that it consists of.

use burn::backend::tensor::FloatTensor;

use super::FeedForwardOptions;
use crate::ops::Activation;
use crate::ops::dense::DenseOp;
use crate::ops::dropout::DropoutOp;
use crate::ops::gelu::GeluOp;
use crate::ops::maybe::Maybe;

pub(super) fn forward<B: DenseOp + DropoutOp + GeluOp>(
    input: FloatTensor<B>,
    [weight1, bias1, weight2, bias2]: [FloatTensor<B>; 4],
    options: FeedForwardOptions,
) -> FloatTensor<B> {
    let activation = if options.gelu { Activation::None } else { Activation::Relu };
    let mut between = B::dense(input, weight1, Maybe::Some(bias1), activation);
    if options.gelu {
        between = B::gelu_exact(between);
    }
    if options.dropout > 0.0 {
        between = B::dropout_values(between, options.dropout);
    }
    B::dense(between, weight2, Maybe::Some(bias2), Activation::None)
}

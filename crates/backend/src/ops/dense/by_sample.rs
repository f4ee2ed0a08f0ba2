//! The dense layer while norms of samples are gathered.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::DenseOp;
use crate::ops::Activation;
use crate::ops::maybe::Maybe;
use crate::ops::sample_norms::{WatchOp, constant};

pub(super) fn dense(
    input: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
    batch: usize,
) -> Tensor<2> {
    let of_bias = Maybe::from_tensor(bias.as_ref().map(constant));
    let product = Dispatch::dense(
        input.clone().into_dispatch(),
        constant(&weight).into_dispatch(),
        of_bias,
        Activation::None,
    );
    let bias = Maybe::from_tensor(bias);
    let watched = Dispatch::watch_rows(product, input.into_dispatch(), weight.into_dispatch(), bias, batch);
    Tensor::from_dispatch(activation.forward::<Dispatch>(watched))
}

//! The operations in the form that they have while norms of samples are gathered.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use super::watch::WatchOp;
use super::watched_batch;
use crate::ops::dense::DenseOp;
use crate::ops::embedding::EmbeddingOp;
use crate::ops::layer_norm::LayerNormOp;
use crate::ops::maybe::Maybe;
use crate::ops::{Activation, FeedForwardOptions, FeedForwardWeights, dropout, gelu};

/// A parameter that all samples read, with a dimension for them in front: `[batch, ..]`, or `[1, ..]` while no norms are gathered. Whatever
/// is done with it, what it adds to the norm of a sample's gradient is known by that dimension. For what no operation here reads by
/// itself, such as what is added to each sample.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{parameter_for_samples, sample_norms};
/// let device = Device::default().autodiff();
/// let scale = Tensor::<1>::from_floats([2.0, 3.0], &device).require_grad();
/// let input = Tensor::<2>::from_floats([[3.0, 4.0], [0.0, 2.0]], &device);
/// assert_eq!(parameter_for_samples::<1, 2>(scale.clone()).dims(), [1, 2]);
/// let norms = sample_norms(2);
/// (input * parameter_for_samples(scale)).sum().backward();
/// assert_eq!(norms.finish(), [5.0, 2.0]);
/// ```
pub fn parameter_for_samples<const D: usize, const E: usize>(parameter: Tensor<D>) -> Tensor<E> {
    match watched_batch() {
        Some(batch) => Tensor::from_dispatch(Dispatch::watch_copies(parameter.into_dispatch(), batch)),
        None => parameter.unsqueeze::<E>(),
    }
}

/// The values, cut off from the graph.
fn constant<const D: usize>(parameter: &Tensor<D>) -> Tensor<D> {
    match parameter.device().is_autodiff() {
        true => parameter.clone().inner().autodiff(),
        false => parameter.clone(),
    }
}

pub(in crate::ops) fn dense(
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

pub(in crate::ops) fn embedding(
    weight: Tensor<2>,
    tokens: Tensor<2, Int>,
    padding_idx: Option<usize>,
) -> Tensor<3> {
    let places = tokens.into_dispatch();
    let rows = Dispatch::embedding_rows(constant(&weight).into_dispatch(), places.clone(), padding_idx);
    Tensor::from_dispatch(Dispatch::watch_tokens(rows, weight.into_dispatch(), places, padding_idx))
}

pub(in crate::ops) fn layer_norm<const D: usize>(
    input: Tensor<D>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f64,
    batch: usize,
) -> Tensor<D> {
    let sizes = input.dims();
    let features = sizes[D - 1];
    let ones = Tensor::<1>::ones([features], &weight.device()).into_dispatch();
    let norm = Dispatch::layer_norm_rows(input.into_dispatch(), ones, Maybe::None, epsilon);
    let rows = sizes[..D - 1].iter().product::<usize>();
    assert!(batch > 0 && rows.is_multiple_of(batch), "{rows} rows are not those of {batch} samples");
    let norm = Tensor::<D>::from_dispatch(norm).reshape([batch, rows / batch, features]);
    let for_samples = |parameter| parameter_for_samples::<1, 2>(parameter).unsqueeze_dim::<3>(1);
    let scaled = norm * for_samples(weight);
    let output = match bias {
        Some(bias) => scaled + for_samples(bias),
        None => scaled,
    };
    output.reshape(sizes)
}

pub(in crate::ops) fn feed_forward(
    input: Tensor<2>,
    weights: FeedForwardWeights,
    options: FeedForwardOptions,
    batch: usize,
) -> Tensor<2> {
    let FeedForwardWeights { weight1, bias1, weight2, bias2 } = weights;
    let activation = if options.gelu { Activation::None } else { Activation::Relu };
    let mut between = dense(input, weight1, Some(bias1), activation, batch);
    if options.gelu {
        between = gelu(between);
    }
    if options.dropout > 0.0 {
        between = dropout(between, options.dropout);
    }
    dense(between, weight2, Some(bias2), Activation::None, batch)
}

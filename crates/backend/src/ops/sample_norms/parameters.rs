//! Parameters in the form that they have while norms of samples are gathered.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::watch::WatchOp;
use super::watched_batch;

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
pub(in crate::ops) fn constant<const D: usize>(parameter: &Tensor<D>) -> Tensor<D> {
    match parameter.device().is_autodiff() {
        true => parameter.clone().inner().autodiff(),
        false => parameter.clone(),
    }
}

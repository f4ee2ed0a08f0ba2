//! A closure as a loss.

use burn::tensor::Tensor;

use super::{Loss, Target};

/// A loss that is a closure; see [`loss_fn`].
pub struct LossFn<F> {
    name: String,
    each: F,
}

/// A loss of one's own from a closure that gives the loss of each row, `[rows, outputs]` and its targets to `[rows]`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_nn::{Loss, Target, loss_fn};
///
/// // ln cosh, between squared and absolute error.
/// let log_cosh = loss_fn("log_cosh", |output: Tensor<2>, target: &Target| {
///     (output - target.values()).cosh().log().mean_dim(1).squeeze_dim::<1>(1)
/// });
/// let device = Device::flex();
/// let target = Target::Values(Tensor::zeros([1, 1], &device));
/// let loss = log_cosh.mean(Tensor::from_floats([[1.0]], &device), &target).into_scalar::<f32>();
/// assert!((loss - 1f32.cosh().ln()).abs() < 1e-6);
/// ```
pub fn loss_fn<F>(name: impl Into<String>, each: F) -> LossFn<F>
where
    F: Fn(Tensor<2>, &Target) -> Tensor<1> + Send + Sync + 'static,
{
    LossFn { name: name.into(), each }
}

impl<F> Loss for LossFn<F>
where
    F: Fn(Tensor<2>, &Target) -> Tensor<1> + Send + Sync + 'static,
{
    fn name(&self) -> String {
        self.name.clone()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        (self.each)(output, target)
    }
}

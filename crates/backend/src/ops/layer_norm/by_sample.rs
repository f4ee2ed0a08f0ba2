//! Layer normalisation while norms of samples are gathered.

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::LayerNormOp;
use crate::ops::maybe::Maybe;
use crate::ops::sample_norms::parameter_for_samples;

pub(super) fn layer_norm<const D: usize>(
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

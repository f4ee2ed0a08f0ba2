//! Rows of a table by number, as for tokens of a text.

mod autodiff;
mod by_sample;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::fallback::is_supported;
use super::{run_reference_on_other_devices, sample_norms};

/// The row of `weight` for each token.
///
/// # Shapes
/// - weight: `[vocabulary, dim]`
/// - tokens: `[batch, time]`, each from 0 to `vocabulary - 1`
/// - padding_idx: a token whose row gets no gradient, so that it stays as it is; the output holds it like any other
/// - output: `[batch, time, dim]`
///
/// # Panics
/// If `padding_idx` is no token, and on Flex if a token is not in the vocabulary.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use fireclay_backend::ops::embedding;
/// let device = Device::default();
/// let weight = Tensor::<2>::from_floats([[0.0, 0.0], [1.0, 2.0]], &device);
/// let tokens = Tensor::<2, Int>::from_ints([[1, 0, 1]], &device);
/// let output = embedding(weight, tokens, None);
/// assert_eq!(output.into_data().try_into_vec::<f32>().unwrap(), [1.0, 2.0, 0.0, 0.0, 1.0, 2.0]);
/// ```
pub fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>, padding_idx: Option<usize>) -> Tensor<3> {
    let [vocabulary, _] = weight.dims();
    assert!(padding_idx.is_none_or(|token| token < vocabulary), "padding_idx is one of {vocabulary} tokens");
    if sample_norms::gathers_sample_norms() {
        return by_sample::embedding(weight, tokens, padding_idx);
    }
    let (table, places) = (weight.clone().into_dispatch(), tokens.clone().into_dispatch());
    if is_supported(&table) {
        return Tensor::from_dispatch(Dispatch::embedding_rows(table, places, padding_idx));
    }
    let rows = Tensor::from_dispatch(reference::forward::<Dispatch>(table, places));
    match padding_idx {
        Some(token) => without_gradient_at(token, rows, weight, tokens),
        None => rows,
    }
}

/// The rows with those of one token cut off from the weight, so that Burn's autodiff gives them no gradient.
fn without_gradient_at(
    token: usize,
    rows: Tensor<3>,
    weight: Tensor<2>,
    tokens: Tensor<2, Int>,
) -> Tensor<3> {
    let (shape, places) = (rows.dims(), tokens.clone().into_dispatch());
    let untracked = reference::forward::<Dispatch>(weight.detach().into_dispatch(), places);
    let padding = tokens.equal_elem(token as i64).unsqueeze_dim::<3>(2).expand(shape);
    rows.mask_where(padding, Tensor::from_dispatch(untracked))
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait EmbeddingOp: Backend {
    /// See [`embedding`]; named so that Burn's own `embedding` stays reachable.
    fn embedding_rows(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
    ) -> FloatTensor<Self> {
        // It matters for the gradient only.
        let _ = padding_idx;
        reference::forward::<Self>(weight, tokens)
    }
}

/// Its gradient on a device.
pub trait EmbeddingGradient: EmbeddingOp {
    /// The gradient by the weight, from the gradient by the output; `weight` gives its shape.
    fn embedding_rows_backward(
        weight: FloatTensor<Self>,
        tokens: IntTensor<Self>,
        padding_idx: Option<usize>,
        gradient: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        reference::backward::<Self>(weight, tokens, padding_idx, gradient)
    }
}

run_reference_on_other_devices!(EmbeddingOp, EmbeddingGradient);

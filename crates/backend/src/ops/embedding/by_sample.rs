//! The embedding while norms of samples are gathered.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use super::EmbeddingOp;
use crate::ops::sample_norms::{WatchOp, constant};

pub(super) fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>, padding_idx: Option<usize>) -> Tensor<3> {
    let places = tokens.into_dispatch();
    let rows = Dispatch::embedding_rows(constant(&weight).into_dispatch(), places.clone(), padding_idx);
    Tensor::from_dispatch(Dispatch::watch_tokens(rows, weight.into_dispatch(), places, padding_idx))
}

//! A tensor that may be absent. Burn's extensions take no `Option` of a tensor, only a type of their own.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType};
use burn::tensor::Tensor;

/// A float tensor, or none.
#[derive(Debug, ExtensionType)]
pub enum Maybe<B: Backend> {
    /// There is one.
    Some(FloatTensor<B>),
    /// There is none.
    None,
}

impl<B: Backend> Maybe<B> {
    /// From the standard library's.
    pub fn new(tensor: Option<FloatTensor<B>>) -> Self {
        tensor.map_or(Maybe::None, Maybe::Some)
    }

    /// As the standard library has it.
    pub fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Maybe::Some(tensor) => Some(tensor),
            Maybe::None => None,
        }
    }
}

impl Maybe<Dispatch> {
    /// From a tensor of a layer.
    pub fn from_tensor<const D: usize>(tensor: Option<Tensor<D>>) -> Self {
        Maybe::new(tensor.map(Tensor::into_dispatch))
    }
}

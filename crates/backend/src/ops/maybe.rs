//! A tensor that may be absent. Burn's extensions take no `Option` of a tensor, only a type of their own.

use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, ExtensionType};
use burn::tensor::{Int, Tensor};

/// A float tensor, or none.
#[derive(Clone, Debug, ExtensionType)]
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

    /// The same, left where it is.
    pub fn as_option(&self) -> Option<&FloatTensor<B>> {
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

/// A tensor of whole numbers, or none.
#[derive(Clone, Debug, ExtensionType)]
pub enum MaybeInt<B: Backend> {
    /// There is one.
    Some(IntTensor<B>),
    /// There is none.
    None,
}

impl<B: Backend> MaybeInt<B> {
    /// As the standard library has it.
    pub fn into_option(self) -> Option<IntTensor<B>> {
        match self {
            MaybeInt::Some(tensor) => Some(tensor),
            MaybeInt::None => None,
        }
    }

    /// The same on another backend with the same whole numbers, such as the one that autodiff is around.
    pub fn on<A: Backend<IntTensorPrimitive = IntTensor<B>>>(self) -> MaybeInt<A> {
        self.into_option().map_or(MaybeInt::None, MaybeInt::Some)
    }
}

impl MaybeInt<Dispatch> {
    /// From a tensor of a layer.
    pub fn from_tensor<const D: usize>(tensor: Option<Tensor<D, Int>>) -> Self {
        tensor.map_or(MaybeInt::None, |tensor| MaybeInt::Some(tensor.into_dispatch()))
    }
}

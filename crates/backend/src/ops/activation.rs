//! What an operation does to its result while that is still in the registers.

use burn::backend::Backend;
use burn::backend::tensor::FloatTensor;

/// A function applied to each value of an operation's result, in the same pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(x, 0)`
    Relu,
}

impl Activation {
    pub(crate) fn forward<B: Backend>(self, input: FloatTensor<B>) -> FloatTensor<B> {
        match self {
            Activation::None => input,
            Activation::Relu => B::relu(input),
        }
    }

    /// The gradient by the input, from the *output*, which every activation here allows: then the input need not be
    /// kept. `output` is as [`kept`](Self::kept) gave it.
    pub(crate) fn backward<B: Backend>(
        self,
        output: Option<FloatTensor<B>>,
        gradient: FloatTensor<B>,
    ) -> FloatTensor<B> {
        match (self, output) {
            (Activation::Relu, Some(output)) => B::relu_backward(output, gradient),
            _ => gradient,
        }
    }

    /// The output, if [`backward`](Self::backward) wants it.
    pub(crate) fn kept<T: Clone>(self, output: &T) -> Option<T> {
        (self == Activation::Relu).then(|| output.clone())
    }
}

//! Recurrent networks over whole sequences, of numbers or of tokens: LSTM, GRU and the simple one.
//!
//! The product of the input and its weights is one large product for all steps, and for tokens one row for each
//! *different* token. On a CPU the steps are one operation, with a gradient written by hand. Elsewhere they are Burn's
//! operations, which autodiff differentiates by itself, one step after another.

mod autodiff;
mod cell;
#[cfg(feature = "flex")]
mod flex;
mod front;
mod reference;
#[cfg(feature = "flex")]
mod tape;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType, backend_extension};

pub use cell::RecurrentCell;
pub use front::{
    RecurrentInput, RecurrentOptions, RecurrentState, RecurrentWeights, recurrent, recurrent_last,
    recurrent_with_state,
};

use super::embedding::EmbeddingOp;
use super::maybe::{Maybe, MaybeInt};
use super::run_reference_on_other_devices;

/// Inputs that may want a gradient, in the order of [`RecurrentTensors`].
const PARENTS: usize = 7;

/// The tensors of the operation.
#[derive(Clone, Debug, ExtensionType)]
pub struct RecurrentTensors<B: Backend> {
    /// `[batch, time, features]`, or with tokens the embedding, `[vocabulary, features]`
    pub input: FloatTensor<B>,
    /// `[features, gates * hidden]`
    pub weight_ih: FloatTensor<B>,
    /// `[hidden, gates * hidden]`
    pub weight_hh: FloatTensor<B>,
    /// `[gates * hidden]`
    pub bias: FloatTensor<B>,
    /// `[hidden]`, GRU's only
    #[extension_type]
    pub bias_new: Maybe<B>,
    /// `[batch, hidden]`
    #[extension_type]
    pub initial_h: Maybe<B>,
    /// `[batch, hidden]`, LSTM's only, and there if `initial_h` is
    #[extension_type]
    pub initial_c: Maybe<B>,
    /// `[batch, time]`
    #[extension_type]
    pub tokens: MaybeInt<B>,
    /// `[batch]`
    #[extension_type]
    pub lengths: MaybeInt<B>,
    /// `[batch, hidden]`
    #[extension_type]
    pub recurrent_dropout: Maybe<B>,
}

/// Which states the operation gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// `h` at all steps, `[batch, time, hidden]`
    All,
    /// `h` after the last step, `[batch, hidden]`
    Last,
    /// `h` at all steps, then `h` and, where there is one, `c` after the last, in one tensor, as an operation has one
    /// output: `[batch, time + 1, hidden]`, or `time + 2` with `c`
    Everything,
}

/// Everything about the operation but its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurrentSettings {
    /// The equations.
    pub cell: RecurrentCell,
    /// From the last step to the first.
    pub reverse: bool,
    /// Which states come out.
    pub given: Given,
    /// The token whose row of the embedding gets no gradient.
    pub padding_idx: Option<usize>,
}

/// The operation on a device.
#[backend_extension(
    Flex: cfg(feature = "flex"),
    NdArray: cfg(feature = "ndarray"),
    Cube: cfg(any(feature = "wgpu", feature = "cuda", feature = "rocm")),
    Autodiff
)]
pub trait RecurrentOp: EmbeddingOp {
    /// See [`recurrent`] and the functions beside it.
    fn recurrent_sequence(
        #[extension_type] tensors: RecurrentTensors<Self>,
        settings: RecurrentSettings,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(tensors, settings)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait RecurrentGradient: RecurrentOp + super::embedding::EmbeddingGradient {
    /// Whether the other functions are there for tensors of these types.
    fn recurrent_has_kernel(tensors: &[&FloatTensor<Self>]) -> bool {
        let _ = tensors;
        false
    }

    /// The output, and what the gradient needs.
    fn recurrent_for_training(
        tensors: RecurrentTensors<Self>,
        settings: RecurrentSettings,
    ) -> (FloatTensor<Self>, RecurrentKept<Self>) {
        let _ = (tensors, settings);
        unreachable!("there is no kernel")
    }

    /// The gradients by input (or embedding), `weight_ih`, `weight_hh`, `bias`, `bias_new`, `initial_h` and `initial_c`,
    /// each only if `wanted`, from the gradient by the output.
    fn recurrent_backward(
        kept: RecurrentKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; PARENTS],
    ) -> [Option<FloatTensor<Self>>; PARENTS] {
        let _ = (kept, gradient, wanted);
        unreachable!("there is no kernel")
    }
}

/// What a kernel keeps for the backward pass.
#[derive(Clone, Debug)]
pub struct RecurrentKept<B: Backend> {
    /// As they came in.
    pub tensors: RecurrentTensors<B>,
    /// The rest of the operation.
    pub settings: RecurrentSettings,
    /// What the kernel itself keeps.
    #[cfg(feature = "flex")]
    pub tape: tape::KeptTape,
}

run_reference_on_other_devices!(RecurrentOp, RecurrentGradient);

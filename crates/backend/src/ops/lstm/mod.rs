//! A long short-term memory over whole sequences, of numbers or of tokens.
//!
//! The product of the input and its weights is one large product for all steps, and for tokens one row for each
//! *different* token. On a CPU the steps are one operation, with a gradient written by hand. Elsewhere they are Burn's
//! operations, which autodiff differentiates by itself, one step after another.

mod autodiff;
#[cfg(feature = "flex")]
mod flex;
mod reference;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, ExtensionType, backend_extension};
use burn::tensor::{DispatchTensor, Int, Tensor};

use super::embedding::EmbeddingOp;
use super::maybe::{Maybe, MaybeInt};
use super::run_reference_on_other_devices;

/// The weights of an LSTM; the gates lie in the order input, forget, cell, output, as in PyTorch.
#[derive(Clone, Debug)]
pub struct LstmWeights {
    /// `[features, 4 * hidden]`, of the input.
    pub weight_ih: Tensor<2>,
    /// `[hidden, 4 * hidden]`, of the state.
    pub weight_hh: Tensor<2>,
    /// `[4 * hidden]`
    pub bias: Tensor<1>,
}

/// How an LSTM runs. The default is forward, over all steps, without dropout.
#[derive(Clone, Debug, Default)]
pub struct LstmOptions {
    /// Whether each sequence runs from its last step to its first; outputs keep the places of their inputs.
    pub reverse: bool,
    /// `[batch]`: how many steps each sequence has. Afterwards its state stays as it is, and its outputs are 0.
    pub lengths: Option<Tensor<1, Int>>,
    /// `[batch, hidden]`: what the state is multiplied by before the recurrent product, the same at all steps; scaled
    /// by the caller. It is a setting: no gradient goes into it.
    pub recurrent_dropout: Option<Tensor<2>>,
}

/// The states of an LSTM ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735)) at all steps,
/// beginning with zeros.
///
/// ```text
/// i, f, g, o = sigmoid, sigmoid, tanh, sigmoid of (input · weight_ih + h · weight_hh + bias)
/// c' = f c + i g
/// h' = o tanh(c')
/// ```
///
/// # Shapes
/// - input: `[batch, time, features]`
/// - output: `[batch, time, hidden]`
///
/// # Panics
/// If the shapes do not agree, and on Flex if a length is negative or more than `time`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{LstmOptions, LstmWeights, lstm};
/// let device = Device::default();
/// let weights = LstmWeights {
///     weight_ih: Tensor::zeros([3, 8], &device),
///     weight_hh: Tensor::zeros([2, 8], &device),
///     bias: Tensor::ones([8], &device) * 100.0,
/// };
/// let output = lstm(Tensor::zeros([1, 5, 3], &device), &weights, &LstmOptions::default());
/// assert_eq!(output.dims(), [1, 5, 2]);
/// // All gates open: the cell counts the steps.
/// let first = output.into_data().try_into_vec::<f32>().unwrap()[0];
/// assert!((first - 1f32.tanh()).abs() < 1e-6);
/// ```
pub fn lstm(input: Tensor<3>, weights: &LstmWeights, options: &LstmOptions) -> Tensor<3> {
    Tensor::from_dispatch(run(of_sequence(input, weights, options), false))
}

/// The state of an [`lstm`] after its last step, which with `reverse` is the first place of the sequence.
///
/// # Shapes
/// - input: `[batch, time, features]`
/// - output: `[batch, hidden]`; zeros for a sequence of length 0
///
/// # Panics
/// As [`lstm`].
pub fn lstm_last(input: Tensor<3>, weights: &LstmWeights, options: &LstmOptions) -> Tensor<2> {
    Tensor::from_dispatch(run(of_sequence(input, weights, options), true))
}

/// An [`lstm`] over the rows of `embedding` for each token. `padding_idx` is as for [`embedding`](super::embedding()).
///
/// # Shapes
/// - embedding: `[vocabulary, features]`
/// - tokens: `[batch, time]`, each from 0 to `vocabulary - 1`
/// - output: `[batch, time, hidden]`
///
/// # Panics
/// If the shapes do not agree, if `padding_idx` is no token, and on Flex if a token is not in the vocabulary or a length
/// is negative or more than `time`.
pub fn embedding_lstm(
    embedding: Tensor<2>,
    tokens: Tensor<2, Int>,
    padding_idx: Option<usize>,
    weights: &LstmWeights,
    options: &LstmOptions,
) -> Tensor<3> {
    Tensor::from_dispatch(run(of_tokens(embedding, tokens, padding_idx, weights, options), false))
}

/// The state of an [`embedding_lstm`] after its last step.
///
/// # Shapes
/// - embedding: `[vocabulary, features]`
/// - tokens: `[batch, time]`, each from 0 to `vocabulary - 1`
/// - output: `[batch, hidden]`; zeros for a sequence of length 0
///
/// # Panics
/// As [`embedding_lstm`].
pub fn embedding_lstm_last(
    embedding: Tensor<2>,
    tokens: Tensor<2, Int>,
    padding_idx: Option<usize>,
    weights: &LstmWeights,
    options: &LstmOptions,
) -> Tensor<2> {
    Tensor::from_dispatch(run(of_tokens(embedding, tokens, padding_idx, weights, options), true))
}

/// The tensors on the way to the device, and the settings but `last_only`.
type Call = (LstmTensors<Dispatch>, LstmSettings);

fn of_sequence(input: Tensor<3>, weights: &LstmWeights, options: &LstmOptions) -> Call {
    let [batch, _, features] = input.dims();
    check(batch, features, weights, options);
    gather(input.into_dispatch(), MaybeInt::None, None, weights, options)
}

fn of_tokens(
    embedding: Tensor<2>,
    tokens: Tensor<2, Int>,
    padding_idx: Option<usize>,
    weights: &LstmWeights,
    options: &LstmOptions,
) -> Call {
    let ([vocabulary, features], [batch, _]) = (embedding.dims(), tokens.dims());
    assert!(padding_idx.is_none_or(|token| token < vocabulary), "padding_idx is one of {vocabulary} tokens");
    check(batch, features, weights, options);
    let tokens = MaybeInt::Some(tokens.into_dispatch());
    gather(embedding.into_dispatch(), tokens, padding_idx, weights, options)
}

fn check(batch: usize, features: usize, weights: &LstmWeights, options: &LstmOptions) {
    let [hidden, gates] = weights.weight_hh.dims();
    assert_eq!(gates, 4 * hidden, "weight_hh has 4 gates of {hidden}");
    assert_eq!(
        weights.weight_ih.dims(),
        [features, gates],
        "weight_ih has a row for each feature, and 4 gates"
    );
    assert_eq!(weights.bias.dims(), [gates], "the bias has 4 gates");
    if let Some(lengths) = &options.lengths {
        assert_eq!(lengths.dims(), [batch], "one length for each sequence");
    }
    if let Some(mask) = &options.recurrent_dropout {
        assert_eq!(mask.dims(), [batch, hidden], "the dropout has a value for each sequence and unit");
    }
}

fn gather(
    input: DispatchTensor,
    tokens: MaybeInt<Dispatch>,
    padding_idx: Option<usize>,
    weights: &LstmWeights,
    options: &LstmOptions,
) -> Call {
    let tensors = LstmTensors {
        input,
        weight_ih: weights.weight_ih.clone().into_dispatch(),
        weight_hh: weights.weight_hh.clone().into_dispatch(),
        bias: weights.bias.clone().into_dispatch(),
        tokens,
        lengths: MaybeInt::from_tensor(options.lengths.clone()),
        recurrent_dropout: Maybe::from_tensor(options.recurrent_dropout.clone()),
    };
    (tensors, LstmSettings { reverse: options.reverse, last_only: false, padding_idx })
}

fn run((tensors, settings): Call, last_only: bool) -> DispatchTensor {
    Dispatch::lstm_sequence(tensors, LstmSettings { last_only, ..settings })
}

/// The tensors of the operation.
#[derive(Clone, Debug, ExtensionType)]
pub struct LstmTensors<B: Backend> {
    /// `[batch, time, features]`, or with tokens the embedding, `[vocabulary, features]`
    pub input: FloatTensor<B>,
    /// `[features, 4 * hidden]`
    pub weight_ih: FloatTensor<B>,
    /// `[hidden, 4 * hidden]`
    pub weight_hh: FloatTensor<B>,
    /// `[4 * hidden]`
    pub bias: FloatTensor<B>,
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

/// Everything about the operation but its tensors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LstmSettings {
    /// From the last step to the first.
    pub reverse: bool,
    /// The last state, `[batch, hidden]`, instead of all, `[batch, time, hidden]`.
    pub last_only: bool,
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
pub trait LstmOp: EmbeddingOp {
    /// See [`lstm`] and the functions beside it.
    fn lstm_sequence(
        #[extension_type] tensors: LstmTensors<Self>,
        settings: LstmSettings,
    ) -> FloatTensor<Self> {
        reference::forward::<Self>(tensors, settings)
    }
}

/// Its gradient on a device. Without a kernel there is nothing to implement: autodiff then runs the reference on its own
/// tensors.
pub trait LstmGradient: LstmOp + super::embedding::EmbeddingGradient {
    /// Whether the other functions are there for tensors of these types.
    fn lstm_has_kernel(tensors: &[&FloatTensor<Self>]) -> bool {
        let _ = tensors;
        false
    }

    /// The output, and what the gradient needs.
    fn lstm_for_training(
        tensors: LstmTensors<Self>,
        settings: LstmSettings,
    ) -> (FloatTensor<Self>, LstmKept<Self>) {
        let _ = (tensors, settings);
        unreachable!("there is no kernel")
    }

    /// The gradients by input (or embedding), `weight_ih`, `weight_hh` and bias, each only if `wanted`, from the gradient
    /// by the output.
    fn lstm_backward(
        kept: LstmKept<Self>,
        gradient: FloatTensor<Self>,
        wanted: [bool; 4],
    ) -> [Option<FloatTensor<Self>>; 4] {
        let _ = (kept, gradient, wanted);
        unreachable!("there is no kernel")
    }
}

/// What a kernel keeps for the backward pass.
#[derive(Clone, Debug)]
pub struct LstmKept<B: Backend> {
    /// As they came in.
    pub tensors: LstmTensors<B>,
    /// The rest of the operation.
    pub settings: LstmSettings,
    /// What the kernel itself keeps.
    #[cfg(feature = "flex")]
    pub tape: flex::LstmTape,
}

run_reference_on_other_devices!(LstmOp, LstmGradient);

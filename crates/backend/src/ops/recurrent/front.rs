//! What layers call: the functions over `Tensor`, and their checks.

use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

use super::{Given, RecurrentCell, RecurrentOp, RecurrentSettings, RecurrentTensors, reference};
use crate::ops::fallback::is_supported;
use crate::ops::maybe::{Maybe, MaybeInt};
use crate::ops::{embedding, sample_norms};

/// What a recurrent operation reads.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "it is made once for a layer, and taken apart at once")]
pub enum RecurrentInput {
    /// `[batch, time, features]`
    Sequences(Tensor<3>),
    /// The rows of an embedding for tokens, which a device may look up as it goes.
    Tokens {
        /// `[vocabulary, features]`
        embedding: Tensor<2>,
        /// `[batch, time]`, each from 0 to `vocabulary - 1`
        tokens: Tensor<2, Int>,
        /// A token whose row gets no gradient, as for [`embedding`](crate::ops::embedding()).
        padding_idx: Option<usize>,
    },
}

impl From<Tensor<3>> for RecurrentInput {
    fn from(sequences: Tensor<3>) -> Self {
        RecurrentInput::Sequences(sequences)
    }
}

/// The equations, and what has been learnt; the gates lie in PyTorch's order, as [`RecurrentCell`] has them.
#[derive(Clone, Debug)]
pub struct RecurrentWeights {
    /// The equations.
    pub cell: RecurrentCell,
    /// `[features, gates * hidden]`, of the input.
    pub weight_ih: Tensor<2>,
    /// `[hidden, gates * hidden]`, of the state.
    pub weight_hh: Tensor<2>,
    /// `[gates * hidden]`; while [norms of samples](crate::ops::sample_norms) are gathered one after another for each of them, `[batch *
    /// gates * hidden]`, and `bias_new` likewise.
    pub bias: Tensor<1>,
    /// `[hidden]`: what a GRU adds to the recurrent product of its new gate, before the reset gate multiplies it; zeros
    /// without. Other cells have none.
    pub bias_new: Option<Tensor<1>>,
}

/// Where a sequence stands between two steps.
#[derive(Clone, Debug)]
pub struct RecurrentState {
    /// `[batch, hidden]`: what the step before gave.
    pub h: Tensor<2>,
    /// `[batch, hidden]`: the cell's own state, of an LSTM and of no other.
    pub c: Option<Tensor<2>>,
}

/// How a recurrent operation runs. The default is forward from zeros, over all steps, without dropout.
#[derive(Clone, Debug, Default)]
pub struct RecurrentOptions {
    /// Whether each sequence runs from its last step to its first; outputs keep the places of their inputs.
    pub reverse: bool,
    /// `[batch]`: how many steps each sequence has. Afterwards its state stays as it is, and its outputs are 0.
    pub lengths: Option<Tensor<1, Int>>,
    /// `[batch, hidden]`: what the state is multiplied by before the recurrent product, the same at all steps; scaled
    /// by the caller. It is a setting: no gradient goes into it.
    pub recurrent_dropout: Option<Tensor<2>>,
    /// The state before the first step that is read, zeros without.
    pub initial: Option<RecurrentState>,
}

/// The states of a recurrent network at all steps.
///
/// # Shapes
/// - input: `[batch, time, features]`, or tokens
/// - output: `[batch, time, hidden]`
///
/// # Panics
/// If the shapes do not agree, if the first state has a `c` and the cell has none or the other way round, if
/// `padding_idx` is no token, and on Flex if a token is not in the vocabulary or a length is negative or more than
/// `time`.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{RecurrentCell, RecurrentOptions, RecurrentWeights, recurrent};
/// let device = Device::default();
/// let weights = RecurrentWeights {
///     cell: RecurrentCell::Lstm,
///     weight_ih: Tensor::zeros([3, 8], &device),
///     weight_hh: Tensor::zeros([2, 8], &device),
///     bias: Tensor::ones([8], &device) * 100.0,
///     bias_new: None,
/// };
/// let output = recurrent(Tensor::<3>::zeros([1, 5, 3], &device), &weights, &RecurrentOptions::default());
/// assert_eq!(output.dims(), [1, 5, 2]);
/// // All gates open: the cell counts the steps.
/// let first = output.into_data().try_into_vec::<f32>().unwrap()[0];
/// assert!((first - 1f32.tanh()).abs() < 1e-6);
/// ```
pub fn recurrent(
    input: impl Into<RecurrentInput>,
    weights: &RecurrentWeights,
    options: &RecurrentOptions,
) -> Tensor<3> {
    run(input.into(), weights, options, Given::All)
}

/// The state `h` of a [`recurrent`] network after its last step, which with `reverse` is the first place of the sequence.
///
/// # Shapes
/// - input: `[batch, time, features]`, or tokens
/// - output: `[batch, hidden]`; the first state for a sequence of length 0
///
/// # Panics
/// As [`recurrent`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{RecurrentCell, RecurrentOptions, RecurrentWeights, recurrent_last};
/// let device = Device::default();
/// let weights = RecurrentWeights {
///     cell: RecurrentCell::Lstm,
///     weight_ih: Tensor::zeros([3, 8], &device),
///     weight_hh: Tensor::zeros([2, 8], &device),
///     bias: Tensor::ones([8], &device) * 100.0,
///     bias_new: None,
/// };
/// let h = recurrent_last(Tensor::<3>::zeros([1, 2, 3], &device), &weights, &RecurrentOptions::default());
/// assert_eq!(h.dims(), [1, 2]);
/// // All gates open: the cell has counted two steps.
/// assert!((h.into_data().try_into_vec::<f32>().unwrap()[0] - 2f32.tanh()).abs() < 1e-6);
/// ```
pub fn recurrent_last(
    input: impl Into<RecurrentInput>,
    weights: &RecurrentWeights,
    options: &RecurrentOptions,
) -> Tensor<2> {
    run(input.into(), weights, options, Given::Last)
}

/// The states of a [`recurrent`] network at all steps, and the state after the last, from which it can go on.
///
/// # Shapes
/// - input: `[batch, time, features]`, or tokens
/// - output: `[batch, time, hidden]`, and `[batch, hidden]` for each state
///
/// # Panics
/// As [`recurrent`].
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_backend::ops::{RecurrentCell, RecurrentOptions, RecurrentWeights, recurrent_with_state};
/// let device = Device::default();
/// let weights = RecurrentWeights {
///     cell: RecurrentCell::Lstm,
///     weight_ih: Tensor::zeros([3, 8], &device),
///     weight_hh: Tensor::zeros([2, 8], &device),
///     bias: Tensor::ones([8], &device) * 100.0,
///     bias_new: None,
/// };
/// let input = Tensor::<3>::zeros([1, 2, 3], &device);
/// let (_, state) = recurrent_with_state(input.clone(), &weights, &RecurrentOptions::default());
/// // All gates open: the cell counts the steps, and goes on from where it was.
/// let options = RecurrentOptions { initial: Some(state), ..Default::default() };
/// let (_, state) = recurrent_with_state(input, &weights, &options);
/// assert!((state.c.unwrap().into_data().try_into_vec::<f32>().unwrap()[0] - 4.0).abs() < 1e-5);
/// ```
pub fn recurrent_with_state(
    input: impl Into<RecurrentInput>,
    weights: &RecurrentWeights,
    options: &RecurrentOptions,
) -> (Tensor<3>, RecurrentState) {
    let all: Tensor<3> = run(input.into(), weights, options, Given::Everything);
    let [batch, places, hidden] = all.dims();
    let has_c = weights.cell.has_c();
    let time = places - if has_c { 2 } else { 1 };
    let state = |at: usize| all.clone().slice([0..batch, at..at + 1, 0..hidden]).squeeze_dim::<2>(1);
    let last = RecurrentState { h: state(time), c: has_c.then(|| state(time + 1)) };
    (all.slice([0..batch, 0..time, 0..hidden]), last)
}

fn run<const D: usize>(
    input: RecurrentInput,
    weights: &RecurrentWeights,
    options: &RecurrentOptions,
    given: Given,
) -> Tensor<D> {
    check(&input, weights, options);
    let (input, tokens, padding_idx) = match input {
        RecurrentInput::Sequences(input) => (input.into_dispatch(), MaybeInt::None, None),
        RecurrentInput::Tokens { embedding: weight, tokens, padding_idx } => {
            let table = weight.clone().into_dispatch();
            // Where norms of samples are gathered, tokens have rows of their own.
            match is_supported(&table) && !sample_norms::gathers_sample_norms() {
                true => (table, MaybeInt::Some(tokens.into_dispatch()), padding_idx),
                // Elsewhere the reference would ask for the embedding of a device that has none.
                false => (embedding(weight, tokens, padding_idx).into_dispatch(), MaybeInt::None, None),
            }
        }
    };
    let (initial_h, initial_c) = match &options.initial {
        Some(RecurrentState { h, c }) => (Some(h.clone()), c.clone()),
        None => (None, None),
    };
    let tensors = RecurrentTensors {
        input,
        weight_ih: weights.weight_ih.clone().into_dispatch(),
        weight_hh: weights.weight_hh.clone().into_dispatch(),
        bias: weights.bias.clone().into_dispatch(),
        bias_new: Maybe::from_tensor(weights.bias_new.clone()),
        initial_h: Maybe::from_tensor(initial_h),
        initial_c: Maybe::from_tensor(initial_c),
        tokens,
        lengths: MaybeInt::from_tensor(options.lengths.clone()),
        recurrent_dropout: Maybe::from_tensor(options.recurrent_dropout.clone().map(Tensor::detach)),
    };
    let settings = RecurrentSettings { cell: weights.cell, reverse: options.reverse, given, padding_idx };
    Tensor::from_dispatch(match is_supported(&tensors.input) {
        true => Dispatch::recurrent_sequence(tensors, settings),
        false => reference::forward::<Dispatch>(tensors, settings),
    })
}

fn check(input: &RecurrentInput, weights: &RecurrentWeights, options: &RecurrentOptions) {
    let cell = weights.cell;
    let (batch, features) = match input {
        RecurrentInput::Sequences(input) => (input.dims()[0], input.dims()[2]),
        RecurrentInput::Tokens { embedding, tokens, padding_idx } => {
            let [vocabulary, features] = embedding.dims();
            let known = padding_idx.is_none_or(|token| token < vocabulary);
            assert!(known, "padding_idx is one of {vocabulary} tokens");
            (tokens.dims()[0], features)
        }
    };
    let [hidden, columns] = weights.weight_hh.dims();
    let gates = cell.gates();
    assert_eq!(columns, gates * hidden, "weight_hh has {gates} gates of {hidden}");
    let of_input = weights.weight_ih.dims();
    assert_eq!(of_input, [features, columns], "weight_ih has a row for each feature, and {gates} gates");
    let biases = sample_norms::watched_batch().unwrap_or(1);
    assert_eq!(weights.bias.dims(), [biases * columns], "the bias has {gates} gates");
    if let Some(bias) = &weights.bias_new {
        assert_eq!(cell, RecurrentCell::Gru, "only a GRU has a bias inside");
        assert_eq!(bias.dims(), [biases * hidden], "the bias inside has a value for each unit");
    }
    if let Some(lengths) = &options.lengths {
        assert_eq!(lengths.dims(), [batch], "one length for each sequence");
    }
    if let Some(mask) = &options.recurrent_dropout {
        assert_eq!(mask.dims(), [batch, hidden], "the dropout has a value for each sequence and unit");
    }
    if let Some(RecurrentState { h, c }) = &options.initial {
        assert_eq!(c.is_some(), cell.has_c(), "an LSTM has a state c, and no other cell has");
        for state in [Some(h), c.as_ref()].into_iter().flatten() {
            assert_eq!(state.dims(), [batch, hidden], "a state has a value for each sequence and unit");
        }
    }
}

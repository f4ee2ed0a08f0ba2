//! Layers one after another. Neighbours that the device can do in one pass run as one operation: a dense layer with the
//! ReLU behind it, a convolution with its ReLU and its pooling, batch norm with its ReLU, an embedding with the LSTM or
//! other recurrent layer that reads it.

use burn::nn::conv::Conv2d;
use burn::nn::{Linear, PaddingConfig2d};
use burn::tensor::{Int, Tensor};
use fireclay_backend::ops::{self, Activation, Conv2dOptions, MaxPool, PoolOptions};

use super::batch_norm::BatchNorm;
use super::whitening::Whitening;
use super::{Layer, pool2d};
use crate::AnyTensor;

/// What flows from layer to layer.
#[derive(Clone)]
pub(crate) struct Flow {
    pub(crate) value: AnyTensor,
    /// `[batch]`: how many steps of each sequence are its own; the rest fills up. `None` if all are. An embedding with a
    /// padding token sets it, and layers that put steps together heed it.
    pub(crate) lengths: Option<Tensor<1, Int>>,
    /// The weights of the embeddings so far, for layers that share them.
    pub(crate) embeddings: Vec<Tensor<2>>,
}

impl Flow {
    /// What enters a network.
    pub(crate) fn of(value: AnyTensor) -> Self {
        Flow { value, lengths: None, embeddings: Vec::new() }
    }
}

/// Applies layers in their order.
///
/// # Panics
/// If the input does not have the rank and the sizes that the first layer was built for.
pub(crate) fn run(layers: &[Layer], input: Flow) -> Flow {
    let (Flow { mut value, mut lengths, mut embeddings }, mut rest) = (input, layers);
    while let Some((layer, after)) = rest.split_first() {
        (value, rest) = match layer {
            Layer::Dense(layer) => {
                let (activation, after) = take_activation(after);
                (dense(layer, value, activation), after)
            }
            Layer::Conv2d(conv) | Layer::Whitening(Whitening { conv, .. }) => {
                let (activation, after) = take_activation(after);
                let (pool, after) = take_pool(after);
                (conv2d(conv, value.images(), activation, pool).into(), after)
            }
            Layer::BatchNorm(layer) => {
                let (activation, after) = take_activation(after);
                (batch_norm(layer, value, activation), after)
            }
            Layer::Embedding(embedding) => {
                let tokens = value.tokens();
                lengths = embedding.lengths(&tokens);
                embeddings.push(embedding.weight());
                match after {
                    [Layer::Recurrent(layer), after @ ..] => {
                        (layer.forward(embedding.for_recurrent(tokens), lengths.as_ref()), after)
                    }
                    _ => (embedding.forward(tokens).into(), after),
                }
            }
            Layer::Recurrent(layer) => (layer.forward(value.sequences().into(), lengths.as_ref()), after),
            Layer::MultiHeadAttention(layer) => {
                (layer.forward(value.sequences(), lengths.as_ref()).into(), after)
            }
            Layer::Transformer(layer) => (layer.forward(value.sequences(), lengths.as_ref()).into(), after),
            Layer::GlobalAvgPool1d(layer) => {
                (layer.forward(value.sequences(), lengths.as_ref()).into(), after)
            }
            Layer::GlobalMaxPool1d(layer) => {
                (layer.forward(value.sequences(), lengths.as_ref()).into(), after)
            }
            Layer::Conv1d(layer) => {
                let (activation, after) = take_activation(after);
                let (output, left) = layer.forward(value.sequences(), lengths.as_ref(), activation);
                lengths = left;
                (output.into(), after)
            }
            Layer::TiedDense(layer) => (layer.forward(value, &embeddings), after),
            Layer::Residual(block) => {
                let input = Flow { value, lengths, embeddings: embeddings.clone() };
                let output = block.forward(input);
                lengths = output.lengths;
                (output.value, after)
            }
            layer => (layer.forward(value), after),
        };
        // Where there are no steps any more, nothing fills them up.
        lengths = lengths.filter(|_| matches!(value, AnyTensor::Sequences(_)));
    }
    Flow { value, lengths, embeddings }
}

/// The ReLU at the front of the layers, and the layers after it.
fn take_activation(layers: &[Layer]) -> (Activation, &[Layer]) {
    match layers {
        [Layer::Activation(activation), after @ ..] if activation.is_relu() => (Activation::Relu, after),
        _ => (Activation::None, layers),
    }
}

/// The max pooling at the front of the layers, if it has no padding, and the layers after it.
fn take_pool(layers: &[Layer]) -> (Option<MaxPool>, &[Layer]) {
    match layers {
        [Layer::MaxPool2d(layer), after @ ..] => {
            match pool2d::options(layer.kernel_size, layer.stride, &layer.padding) {
                PoolOptions { kernel_size, stride, padding: [0, 0] } => {
                    (Some(MaxPool { kernel_size, stride }), after)
                }
                _ => (None, layers),
            }
        }
        _ => (None, layers),
    }
}

pub(super) fn dense(layer: &Linear, input: AnyTensor, activation: Activation) -> AnyTensor {
    let run = |rows: Tensor<2>| {
        ops::dense(rows, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()), activation)
    };
    on_rows(input, run)
}

/// As [`dense`], for sequences whose rank is known.
pub(super) fn dense_steps(layer: &Linear, input: Tensor<3>, activation: Activation) -> Tensor<3> {
    dense(layer, input.into(), activation).sequences()
}

/// Runs what works on rows on the rows of a batch, or on the steps of its sequences.
pub(super) fn on_rows(input: AnyTensor, run: impl FnOnce(Tensor<2>) -> Tensor<2>) -> AnyTensor {
    match input {
        AnyTensor::Sequences(sequences) => {
            let [batch, steps, features] = sequences.dims();
            let rows = run(sequences.reshape([batch * steps, features]));
            let [_, out_features] = rows.dims();
            rows.reshape([batch, steps, out_features]).into()
        }
        other => run(other.rows()).into(),
    }
}

pub(super) fn batch_norm(layer: &BatchNorm, input: AnyTensor, activation: Activation) -> AnyTensor {
    match input {
        AnyTensor::Rows(rows) => layer.forward(rows, activation).into(),
        other => layer.forward(other.images(), activation).into(),
    }
}

pub(super) fn conv2d(
    layer: &Conv2d,
    input: Tensor<4>,
    activation: Activation,
    pool: Option<MaxPool>,
) -> Tensor<4> {
    let PaddingConfig2d::Explicit(top, left, bottom, right) = layer.padding else {
        unreachable!("a convolution is built with explicit padding");
    };
    let options = Conv2dOptions {
        stride: layer.stride,
        padding: [top, left, bottom, right],
        dilation: layer.dilation,
        groups: layer.groups,
    };
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    ops::conv2d(input, layer.weight.val(), bias, options, activation, pool)
}

//! One file for each layer: its description, its checks, and how it is built from Burn's modules.

pub(crate) mod activation;
mod batch_norm;
pub(crate) mod chain;
mod conv1d;
mod conv2d;
mod dense;
mod dropout;
mod eigen;
mod embedding;
pub(crate) mod flatten;
pub(crate) mod global_avg_pool2d;
pub(crate) mod global_pool1d;
mod gru;
mod layer_norm;
mod lstm;
pub(crate) mod memory;
mod multi_head_attention;
mod naive_bayes_bag;
mod pool2d;
mod position_embedding;
mod recurrent;
mod recurrent_spec;
mod recurrent_state;
mod residual;
mod simple_rnn;
pub(crate) mod stepping;
mod steps;
mod tied_dense;
mod transformer;
mod whitening;

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::nn::{Dropout, Linear};
use burn::tensor::Device;
use fireclay_backend::ops::Activation;

use crate::spec::{LayerKind, PlannedLayer};
use crate::{AnyTensor, LayerProblem, Target};
use activation::ActivationLayer;
use batch_norm::BatchNorm;
pub use batch_norm::BatchNormSpec;
use chain::Flow;
use conv1d::Conv1d;
pub use conv1d::Conv1dSpec;
pub use conv2d::Conv2dSpec;
pub use dense::DenseSpec;
pub use dropout::DropoutSpec;
use embedding::Embedding;
pub use embedding::EmbeddingSpec;
use flatten::Flatten;
use global_avg_pool2d::GlobalAvgPool2d;
use global_pool1d::{GlobalAvgPool1d, GlobalMaxPool1d};
pub use gru::GruSpec;
use layer_norm::LayerNorm;
pub use layer_norm::LayerNormSpec;
pub use lstm::LstmSpec;
use multi_head_attention::MultiHeadAttention;
pub use multi_head_attention::MultiHeadAttentionSpec;
use naive_bayes_bag::NaiveBayesBag;
pub use naive_bayes_bag::NaiveBayesBagSpec;
pub use pool2d::{AvgPool2dSpec, MaxPool2dSpec};
use position_embedding::PositionEmbedding;
pub use position_embedding::{PositionEmbeddingSpec, PositionKind};
use recurrent::Recurrent;
pub(crate) use recurrent_spec::RecurrentFields;
use residual::Residual;
pub use residual::ResidualSpec;
pub use simple_rnn::{RnnActivation, SimpleRnnSpec};
use tied_dense::TiedDense;
pub use tied_dense::TiedDenseSpec;
use transformer::Transformer;
pub use transformer::{FeedForwardActivation, TransformerSpec};
use whitening::Whitening;
pub use whitening::WhiteningSpec;

/// A layer of a built model: Burn's module where Burn has one.
#[derive(Module, Debug)]
pub(crate) enum Layer {
    Dense(Linear),
    Embedding(Embedding),
    Recurrent(Recurrent),
    Conv2d(Conv2d),
    MaxPool2d(MaxPool2d),
    AvgPool2d(AvgPool2d),
    GlobalAvgPool2d(GlobalAvgPool2d),
    Flatten(Flatten),
    Dropout(Dropout),
    BatchNorm(BatchNorm),
    LayerNorm(LayerNorm),
    Activation(ActivationLayer),
    MultiHeadAttention(MultiHeadAttention),
    PositionEmbedding(PositionEmbedding),
    Transformer(Transformer),
    GlobalAvgPool1d(GlobalAvgPool1d),
    GlobalMaxPool1d(GlobalMaxPool1d),
    Conv1d(Conv1d),
    TiedDense(TiedDense),
    Residual(Residual),
    Whitening(Whitening),
    NaiveBayesBag(NaiveBayesBag),
}

impl Layer {
    /// Builds a layer whose shapes have been checked.
    pub(crate) fn build(plan: &PlannedLayer, device: &Device) -> Layer {
        let input = plan.input.shape();
        let features = input.last().copied().unwrap_or(1);
        match &plan.kind {
            LayerKind::Dense(spec) => Layer::Dense(spec.build(features, device)),
            LayerKind::Embedding(spec) => Layer::Embedding(spec.build(device)),
            LayerKind::Lstm(spec) => Layer::Recurrent(spec.fields().build(features, device)),
            LayerKind::Gru(spec) => Layer::Recurrent(spec.fields().build(features, device)),
            LayerKind::SimpleRnn(spec) => Layer::Recurrent(spec.fields().build(features, device)),
            LayerKind::Conv2d(spec) => Layer::Conv2d(spec.build(input, device)),
            LayerKind::MaxPool2d(spec) => Layer::MaxPool2d(spec.build()),
            LayerKind::AvgPool2d(spec) => Layer::AvgPool2d(spec.build()),
            LayerKind::GlobalAvgPool2d {} => Layer::GlobalAvgPool2d(GlobalAvgPool2d {}),
            LayerKind::Flatten {} => Layer::Flatten(Flatten {}),
            LayerKind::Dropout(spec) => Layer::Dropout(spec.build()),
            LayerKind::BatchNorm(spec) => Layer::BatchNorm(spec.build(input, device)),
            LayerKind::LayerNorm(spec) => Layer::LayerNorm(spec.build(features, device)),
            LayerKind::MultiHeadAttention(spec) => Layer::MultiHeadAttention(spec.build(features, device)),
            LayerKind::PositionEmbedding(spec) => Layer::PositionEmbedding(spec.build(input, device)),
            LayerKind::TransformerEncoder(spec) => Layer::Transformer(spec.build(features, false, device)),
            LayerKind::TransformerDecoder(spec) => Layer::Transformer(spec.build(features, true, device)),
            LayerKind::GlobalAvgPool1d {} => Layer::GlobalAvgPool1d(GlobalAvgPool1d {}),
            LayerKind::GlobalMaxPool1d {} => Layer::GlobalMaxPool1d(GlobalMaxPool1d {}),
            LayerKind::Conv1d(spec) => Layer::Conv1d(spec.build(features, device)),
            LayerKind::TiedDense(spec) => {
                let tokens = plan.inferred.output.shape().last().copied().unwrap_or(1);
                Layer::TiedDense(spec.build(plan.tied, tokens, device))
            }
            LayerKind::Residual(_) => Layer::Residual(Residual::build(plan, device)),
            LayerKind::NaiveBayesBag(spec) => Layer::NaiveBayesBag(spec.build(device)),
            LayerKind::Whitening(spec) => Layer::Whitening(spec.build(input, device)),
            LayerKind::Relu {}
            | LayerKind::LeakyRelu { .. }
            | LayerKind::Elu { .. }
            | LayerKind::Gelu {}
            | LayerKind::Silu {}
            | LayerKind::Sigmoid {}
            | LayerKind::Tanh {}
            | LayerKind::Softplus {}
            | LayerKind::Softmax {} => Layer::Activation(ActivationLayer::build(&plan.kind)),
        }
    }

    /// Applies a layer that treats each step of a sequence by itself; [`chain::run`] applies any.
    ///
    /// # Panics
    /// If the input does not have the rank and the sizes that the layer was built for.
    fn forward(&self, input: AnyTensor) -> AnyTensor {
        match self {
            Layer::Dense(layer) => chain::dense(layer, input, Activation::None),
            Layer::Embedding(layer) => layer.forward(input.tokens()).into(),
            Layer::Recurrent(layer) => layer.forward(input.sequences().into(), None),
            Layer::Conv2d(conv) | Layer::Whitening(Whitening { conv, .. }) => {
                chain::conv2d(conv, input.images(), Activation::None, None).into()
            }
            Layer::MaxPool2d(layer) => pool2d::max(layer, input.images()).into(),
            Layer::AvgPool2d(layer) => pool2d::average(layer, input.images()).into(),
            Layer::GlobalAvgPool2d(layer) => layer.forward(input.images()).into(),
            Layer::Flatten(layer) => layer.forward(input).into(),
            Layer::Dropout(layer) => match input {
                AnyTensor::Rows(rows) => dropout::apply(layer, rows).into(),
                AnyTensor::Sequences(sequences) => dropout::apply(layer, sequences).into(),
                other => dropout::apply(layer, other.images()).into(),
            },
            Layer::BatchNorm(layer) => chain::batch_norm(layer, input, Activation::None),
            Layer::LayerNorm(layer) => match input {
                AnyTensor::Sequences(sequences) => layer.forward(sequences).into(),
                other => layer.forward(other.rows()).into(),
            },
            Layer::Activation(layer) => match input {
                AnyTensor::Rows(rows) => layer.forward(rows).into(),
                AnyTensor::Sequences(sequences) => layer.forward(sequences).into(),
                other => layer.forward(other.images()).into(),
            },
            Layer::PositionEmbedding(layer) => layer.forward(input.sequences()).into(),
            // What steps together, or shares with others, `chain::run` applies itself.
            Layer::MultiHeadAttention(_)
            | Layer::Transformer(_)
            | Layer::GlobalAvgPool1d(_)
            | Layer::GlobalMaxPool1d(_)
            | Layer::Conv1d(_)
            | Layer::TiedDense(_)
            | Layer::Residual(_) => chain::run(std::slice::from_ref(self), Flow::of(input)).value,
            Layer::NaiveBayesBag(layer) => layer.forward(input.tokens()).into(),
        }
    }

    /// Whether the layer is set by the data before it is trained.
    pub(crate) fn adapts(&self) -> bool {
        matches!(self, Layer::Whitening(_) | Layer::NaiveBayesBag(_))
    }

    /// The layer as the data sets it; `batches` are what comes to it.
    pub(crate) fn adapt(self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self {
        match self {
            Layer::NaiveBayesBag(layer) => Layer::NaiveBayesBag(layer.adapt(batches)),
            Layer::Whitening(layer) => Layer::Whitening(layer.adapt(&mut batches.map(|(input, _)| input))),
            layer => layer,
        }
    }
}

/// The default of fields that are on unless switched off.
fn yes() -> bool {
    true
}

/// Whether such a field can be left out when a description is written.
fn is_yes(value: &bool) -> bool {
    *value
}

/// Whether a field has its default and can be left out when a description is written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn check_dropout(field: &'static str, share: f64) -> Result<(), LayerProblem> {
    match (0.0..1.0).contains(&share) {
        true => Ok(()),
        false => Err(LayerProblem::Range {
            field,
            found: share.to_string(),
            expected: "0 or more and less than 1",
        }),
    }
}

fn default_epsilon() -> f64 {
    1e-5
}

fn check_epsilon(epsilon: f64) -> Result<(), LayerProblem> {
    match epsilon > 0.0 && epsilon.is_finite() {
        true => Ok(()),
        false => {
            Err(LayerProblem::Range { field: "epsilon", found: epsilon.to_string(), expected: "more than 0" })
        }
    }
}

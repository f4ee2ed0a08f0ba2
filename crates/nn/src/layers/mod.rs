//! One file for each layer: its description, its checks, how it is built, and what it computes.
//!
//! A new layer is a file here, whose description implements [`Description`] and whose module implements [`Forward`], with
//! its `mod` line and one row in the table below. The row gives the kind its name in Rust and in files, its line in the
//! documentation, and its method on `ModelSpec`.

mod activation;
mod batch_norm;
mod contract;
mod conv1d;
mod conv2d;
mod dense;
mod dropout;
mod eigen;
mod embedding;
mod first_step;
mod flatten;
mod flow;
mod global_avg_pool2d;
mod global_pool1d;
mod gru;
mod layer_norm;
mod layer_spec;
mod lstm;
mod memory;
mod multi_head_attention;
mod naive_bayes_bag;
mod pool2d;
mod position_embedding;
mod recurrent;
mod recurrent_spec;
mod recurrent_state;
mod residual;
mod simple_rnn;
mod steps;
mod tied_dense;
mod transformer;
mod whitening;

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::pool::{AvgPool2d, MaxPool2d};
use burn::nn::{Dropout, Linear};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::error::LayerProblem;
use crate::losses::Target;
use crate::shapes::InputSpec;
use crate::tensor::AnyTensor;
use activation::Activation;
pub use activation::{
    EluSpec, GeluSpec, LeakyReluSpec, ReluSpec, SigmoidSpec, SiluSpec, SoftmaxSpec, SoftplusSpec, TanhSpec,
};
use batch_norm::BatchNorm;
pub use batch_norm::BatchNormSpec;
pub use contract::OutputActivation;
pub(crate) use contract::{Description, Forward, Inferred, KnownEmbedding, Place, values};
use conv1d::Conv1d;
pub use conv1d::Conv1dSpec;
pub use conv2d::Conv2dSpec;
pub use dense::DenseSpec;
pub use dropout::DropoutSpec;
use embedding::Embedding;
pub use embedding::EmbeddingSpec;
use first_step::FirstStep;
pub use first_step::FirstStepSpec;
use flatten::Flatten;
pub use flatten::FlattenSpec;
use flow::Fusable;
pub(crate) use flow::{Flow, Following, run, step};
use global_avg_pool2d::GlobalAvgPool2d;
pub use global_avg_pool2d::GlobalAvgPool2dSpec;
use global_pool1d::{GlobalAvgPool1d, GlobalMaxPool1d};
pub use global_pool1d::{GlobalAvgPool1dSpec, GlobalMaxPool1dSpec};
pub use gru::GruSpec;
use layer_norm::LayerNorm;
pub use layer_norm::LayerNormSpec;
pub use layer_spec::LayerSpec;
pub(crate) use layer_spec::{MAX_LAYERS, deserialize_layers};
pub use lstm::LstmSpec;
pub(crate) use memory::Memory;
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
pub use transformer::{
    FeedForwardActivation, TransformerDecoderSpec, TransformerEncoderSpec, TransformerSpec,
};
use whitening::Whitening;
pub use whitening::WhiteningSpec;

/// The table of all layers, handed to another macro: kind, description, word in files, module, and the method that adds it
/// to a `ModelSpec`.
macro_rules! with_all_layers {
    ($callback:ident) => {
        $callback! {
            /// `output = input · weightᵀ + bias`
            Dense(DenseSpec) = "dense" => Linear {
                /// Adds a dense layer with bias.
                dense(out_features: usize) = DenseSpec::new(out_features)
            }
            /// A row of numbers for each token: `[tokens]` to `[tokens, embedding_dim]`.
            Embedding(EmbeddingSpec) = "embedding" => Embedding {
                /// Adds an embedding: a row of `embedding_dim` numbers for each of `num_embeddings` tokens.
                embedding(num_embeddings: usize, embedding_dim: usize) = EmbeddingSpec::new(num_embeddings, embedding_dim)
            }
            /// Long short-term memory ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735))
            Lstm(LstmSpec) = "lstm" => Recurrent {
                /// Adds an LSTM that gives its state after the last step; one that gives all of them is an [`LstmSpec`].
                lstm(hidden_size: usize) = LstmSpec::new(hidden_size)
            }
            /// Gated recurrent unit ([Cho et al. 2014](https://arxiv.org/abs/1406.1078))
            Gru(GruSpec) = "gru" => Recurrent {
                /// Adds a GRU that gives its state after the last step; one that gives all of them is a [`GruSpec`].
                gru(hidden_size: usize) = GruSpec::new(hidden_size)
            }
            /// Simple recurrent network ([Elman 1990](https://doi.org/10.1207/s15516709cog1402_1))
            SimpleRnn(SimpleRnnSpec) = "simple_rnn" => Recurrent {
                /// Adds a simple recurrent network that gives its state after the last step; one that gives all of them is
                /// a [`SimpleRnnSpec`].
                simple_rnn(hidden_size: usize) = SimpleRnnSpec::new(hidden_size)
            }
            /// Convolution over height and width.
            Conv2d(Conv2dSpec) = "conv2d" => Conv2d {
                /// Adds a convolution with stride 1, no padding and bias. `kernel_size` is `3` or `[3, 5]`.
                conv2d(out_channels: usize, kernel_size: impl Into<Size2d>) = Conv2dSpec::new(out_channels, kernel_size)
            }
            /// The largest value of each window.
            MaxPool2d(MaxPool2dSpec) = "max_pool2d" => MaxPool2d {
                /// Adds max pooling over windows that do not overlap.
                max_pool2d(kernel_size: impl Into<Size2d>) = MaxPool2dSpec::new(kernel_size)
            }
            /// The mean of each window.
            AvgPool2d(AvgPool2dSpec) = "avg_pool2d" => AvgPool2d {
                /// Adds average pooling over windows that do not overlap.
                avg_pool2d(kernel_size: impl Into<Size2d>) = AvgPool2dSpec::new(kernel_size)
            }
            /// The mean of each channel: `[channels, height, width]` to `[channels]`.
            GlobalAvgPool2d(GlobalAvgPool2dSpec) = "global_avg_pool2d" => GlobalAvgPool2d {
                /// Adds the mean over height and width.
                global_avg_pool2d() = GlobalAvgPool2dSpec {}
            }
            /// `[channels, height, width]` to `[channels * height * width]`, and `[steps, features]` likewise.
            Flatten(FlattenSpec) = "flatten" => Flatten {
                /// Adds the step from images or sequences to rows.
                flatten() = FlattenSpec {}
            }
            /// Zeroes values at random while training.
            Dropout(DropoutSpec) = "dropout" => Dropout {
                /// Adds dropout; `rate` is the fraction of values set to zero while training, in `[0, 1)`.
                dropout(rate: f64) = DropoutSpec::new(rate)
            }
            /// Normalises each channel over the batch.
            BatchNorm(BatchNormSpec) = "batch_norm" => BatchNorm {
                /// Adds batch normalisation with momentum 0.1.
                batch_norm() = BatchNormSpec::default()
            }
            /// Normalises each row, or each step of a sequence, over its features.
            LayerNorm(LayerNormSpec) = "layer_norm" => LayerNorm {
                /// Adds layer normalisation over the features.
                layer_norm() = LayerNormSpec::default()
            }
            /// `max(x, 0)`
            Relu(ReluSpec) = "relu" => Activation {
                /// Adds `max(x, 0)`.
                relu() = ReluSpec {}
            }
            /// `x` where positive, else `negative_slope * x`
            LeakyRelu(LeakyReluSpec) = "leaky_relu" => Activation {
                /// Adds a leaky ReLU: `x` where positive, else `negative_slope * x`.
                leaky_relu(negative_slope: f64) = LeakyReluSpec { negative_slope }
            }
            /// `x` where positive, else `alpha * (exp(x) - 1)` ([Clevert et al. 2015](https://arxiv.org/abs/1511.07289))
            Elu(EluSpec) = "elu" => Activation {
                /// Adds an ELU: `x` where positive, else `alpha * (exp(x) - 1)`.
                elu(alpha: f64) = EluSpec { alpha }
            }
            /// `x * Φ(x)` with the exact normal distribution ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415))
            Gelu(GeluSpec) = "gelu" => Activation {
                /// Adds GELU.
                gelu() = GeluSpec {}
            }
            /// `x * sigmoid(x)`, also called swish ([Ramachandran et al. 2017](https://arxiv.org/abs/1710.05941))
            Silu(SiluSpec) = "silu" => Activation {
                /// Adds SiLU, also called swish.
                silu() = SiluSpec {}
            }
            /// `1 / (1 + exp(-x))`
            Sigmoid(SigmoidSpec) = "sigmoid" => Activation {
                /// Adds the logistic function.
                sigmoid() = SigmoidSpec {}
            }
            /// Hyperbolic tangent.
            Tanh(TanhSpec) = "tanh" => Activation {
                /// Adds the hyperbolic tangent.
                tanh() = TanhSpec {}
            }
            /// `ln(1 + exp(x))`
            Softplus(SoftplusSpec) = "softplus" => Activation {
                /// Adds `ln(1 + exp(x))`.
                softplus() = SoftplusSpec {}
            }
            /// `exp(x) / Σ exp(x)` over the last dimension. Losses take logits, so a classifier does not end with it.
            Softmax(SoftmaxSpec) = "softmax" => Activation {
                /// Adds softmax over the last dimension; a classifier that is to be trained does not end with it.
                softmax() = SoftmaxSpec {}
            }
            /// Attention of each step to all, or to those before it ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
            MultiHeadAttention(MultiHeadAttentionSpec) = "multi_head_attention" => MultiHeadAttention {
                /// Adds attention of all steps to all, in so many heads; one that is causal is a [`MultiHeadAttentionSpec`].
                multi_head_attention(num_heads: usize) = MultiHeadAttentionSpec::new(num_heads)
            }
            /// Adds a row of numbers to each step, by its place.
            PositionEmbedding(PositionEmbeddingSpec) = "position_embedding" => PositionEmbedding {
                /// Adds a row of numbers to each step, by its place.
                position_embedding(kind: PositionKind) = PositionEmbeddingSpec::new(kind)
            }
            /// Blocks of attention and dense layers ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
            TransformerEncoder(TransformerEncoderSpec) = "transformer_encoder" => Transformer {
                /// Adds blocks of attention and dense layers, in which each step sees all others:
                /// `TransformerSpec::new(num_heads, dim_feedforward)`.
                ///
                /// ```
                /// use fireclay_nn::{ModelSpec, PositionKind, TransformerSpec};
                ///
                /// let spec = ModelSpec::tokens(250)
                ///     .embedding(20_000, 64)
                ///     .position_embedding(PositionKind::Sinusoidal)
                ///     .transformer_encoder(TransformerSpec::new(4, 128).num_layers(2))
                ///     .global_avg_pool1d()
                ///     .dense(2);
                /// let block = 3 * 64 * 65 + 64 * 65 + 128 * 65 + 64 * 129 + 4 * 64;
                /// assert_eq!(spec.summary()?.parameters(), 20_000 * 64 + 2 * block + 2 * 65);
                /// # Ok::<(), fireclay_nn::NnError>(())
                /// ```
                transformer_encoder(spec: TransformerSpec) = TransformerEncoderSpec(spec)
            }
            /// The same, where a step sees only itself and those before it, as in GPT; there is no other sequence.
            TransformerDecoder(TransformerDecoderSpec) = "transformer_decoder" => Transformer {
                /// Adds blocks of attention and dense layers, in which a step sees only itself and those before it, as in
                /// GPT.
                transformer_decoder(spec: TransformerSpec) = TransformerDecoderSpec(spec)
            }
            /// The mean over the steps: `[steps, features]` to `[features]`. Steps that fill up a sequence do not count.
            GlobalAvgPool1d(GlobalAvgPool1dSpec) = "global_avg_pool1d" => GlobalAvgPool1d {
                /// Adds the mean over steps.
                global_avg_pool1d() = GlobalAvgPool1dSpec {}
            }
            /// The greatest value over the steps: `[steps, features]` to `[features]`. Steps that fill up do not count.
            GlobalMaxPool1d(GlobalMaxPool1dSpec) = "global_max_pool1d" => GlobalMaxPool1d {
                /// Adds the greatest value over steps.
                global_max_pool1d() = GlobalMaxPool1dSpec {}
            }
            /// The first step: `[steps, features]` to `[features]`.
            FirstStep(FirstStepSpec) = "first_step" => FirstStep {
                /// Adds the first step of a sequence, which may stand for the whole of it.
                first_step() = FirstStepSpec {}
            }
            /// Convolution over steps: `[steps, features]` to `[out_steps, out_channels]`.
            Conv1d(Conv1dSpec) = "conv1d" => Conv1d {
                /// Adds a convolution over steps with stride 1, no padding and bias.
                conv1d(out_channels: usize, kernel_size: usize) = Conv1dSpec::new(out_channels, kernel_size)
            }
            /// A dense layer with the weight of an embedding ([Press and Wolf 2017](https://arxiv.org/abs/1608.05859)).
            TiedDense(TiedDenseSpec) = "tied_dense" => TiedDense {
                /// Adds a dense layer with bias whose weight is that of the first embedding.
                tied_dense() = TiedDenseSpec::default()
            }
            /// `layers(x) + shortcut(x)` ([He et al. 2015](https://arxiv.org/abs/1512.03385))
            Residual(ResidualSpec) = "residual" => Residual {
                /// Adds a residual block, `layers(x) + x`; a shortcut with layers of its own is a [`ResidualSpec`].
                residual(layers: impl IntoIterator<Item = LayerSpec>) = ResidualSpec::new(layers)
            }
            /// A first convolution that whitens patches, set by the data before the first epoch
            /// ([Jordan 2024](https://arxiv.org/abs/2404.00498))
            Whitening(WhiteningSpec) = "whitening" => Whitening {
                /// Adds a convolution that whitens patches of some size, `2` or `[2, 3]`, with a learnt bias.
                whitening(kernel_size: impl Into<Size2d>) = WhiteningSpec::new(kernel_size)
            }
            /// A linear model of sets of tokens, weighted by naive Bayes on the training samples.
            NaiveBayesBag(NaiveBayesBagSpec) = "naive_bayes_bag" => NaiveBayesBag {
                /// Adds a linear model of sets of tokens, weighted by naive Bayes on the training samples.
                naive_bayes_bag(num_embeddings: usize, out_features: usize) =
                    NaiveBayesBagSpec::new(num_embeddings, out_features)
            }
        }
    };
}
pub(crate) use with_all_layers;

macro_rules! define_layers {
    ($(
        $(#[$doc:meta])* $kind:ident($spec:ident) = $word:literal => $module:ident {
            $(#[$method_doc:meta])* $method:ident($($argument:ident: $type:ty),*) = $new:expr
        }
    )*) => {
        /// What a layer is. The word in `type = "..."` is the variant in snake case.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        #[non_exhaustive]
        pub enum LayerKind {
            $( $(#[$doc])* #[serde(rename = $word)] $kind($spec), )*
        }

        $(
            impl From<$spec> for LayerKind {
                fn from(spec: $spec) -> Self {
                    LayerKind::$kind(spec)
                }
            }
        )*

        impl LayerKind {
            /// The words in `type = "..."` of all kinds.
            pub const TYPE_NAMES: &'static [&'static str] = &[$($word),*];

            /// The word in `type = "..."`.
            pub fn type_name(&self) -> &'static str {
                match self { $( LayerKind::$kind(_) => $word, )* }
            }

            pub(crate) fn infer(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
                match self { $( LayerKind::$kind(spec) => spec.infer_at(place), )* }
            }

            pub(crate) fn memory(&self, plan: &PlannedLayer) -> Option<Memory> {
                match self { $( LayerKind::$kind(spec) => spec.memory(plan), )* }
            }

            pub(crate) fn depth(&self) -> usize {
                match self { $( LayerKind::$kind(spec) => spec.depth(), )* }
            }

            pub(crate) fn max_steps(&self, input: &InputSpec) -> Option<usize> {
                match self { $( LayerKind::$kind(spec) => spec.max_steps(input), )* }
            }

            pub(crate) fn vocabulary_size(&self) -> Option<usize> {
                match self { $( LayerKind::$kind(spec) => Description::vocabulary_size(spec), )* }
            }

            pub(crate) fn embedding(&self) -> Option<[usize; 2]> {
                match self { $( LayerKind::$kind(spec) => Description::embedding(spec), )* }
            }

            pub(crate) fn shared_embedding(&self, before: &[KnownEmbedding]) -> Option<usize> {
                match self { $( LayerKind::$kind(spec) => spec.shared_embedding(before), )* }
            }

            pub(crate) fn supports_variable_length(&self, input: &InputSpec) -> bool {
                match self { $( LayerKind::$kind(spec) => spec.supports_variable_length(input), )* }
            }

            /// Whether the layer is set by the data before it is trained.
            pub(crate) fn adapts(&self) -> bool {
                match self { $( LayerKind::$kind(spec) => spec.adapts(), )* }
            }

            pub(crate) fn multiplies_rows(&self) -> bool {
                match self { $( LayerKind::$kind(spec) => spec.multiplies_rows(), )* }
            }

            pub(crate) fn probabilities(&self) -> Option<OutputActivation> {
                match self { $( LayerKind::$kind(spec) => spec.probabilities(), )* }
            }

            pub(crate) fn inner_path(&self) -> Option<&'static str> {
                match self { $( LayerKind::$kind(spec) => spec.inner_path(), )* }
            }
        }

        /// A layer of a built model: Burn's module where Burn has one.
        #[derive(Module, Debug)]
        pub(crate) enum Layer {
            $( $kind($module), )*
        }

        impl Layer {
            /// Builds a layer whose shapes have been checked.
            pub(crate) fn build(plan: &PlannedLayer, device: &Device) -> Layer {
                match &plan.kind { $( LayerKind::$kind(spec) => Layer::$kind(spec.build_at(plan, device)), )* }
            }

            fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
                match self { $( Layer::$kind(layer) => layer.forward_flow(input, following), )* }
            }

            fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
                match self { $( Layer::$kind(layer) => Forward::step(layer, input, memory), )* }
            }

            fn fusable(&self) -> Fusable<'_> {
                match self { $( Layer::$kind(layer) => layer.fusable(), )* }
            }

            pub(crate) fn dense_weights(
                &self,
                embeddings: &[Tensor<2>],
            ) -> Option<(Tensor<2>, Option<Tensor<1>>)> {
                match self { $( Layer::$kind(layer) => layer.dense_weights(embeddings), )* }
            }

            /// Whether norms of samples have all that it learns in them.
            pub(crate) fn has_sample_norms(&self) -> bool {
                match self { $( Layer::$kind(layer) => layer.has_sample_norms(), )* }
            }

            /// Whether the layer is set by the data and has not been yet.
            pub(crate) fn awaits_data(&self) -> bool {
                match self { $( Layer::$kind(layer) => layer.awaits_data(), )* }
            }

            /// The layer as the data sets it; `batches` are what comes to it.
            pub(crate) fn adapt(self, batches: &mut dyn Iterator<Item = (AnyTensor, Target)>) -> Self {
                match self { $( Layer::$kind(layer) => Layer::$kind(Forward::adapt(layer, batches)), )* }
            }
        }
    };
}
with_all_layers!(define_layers);

/// A layer of a checked description.
pub(crate) struct PlannedLayer {
    /// The name as the user reads it, with the block's name before it: `residual_1.conv2d_1`.
    pub(crate) name: String,
    pub(crate) kind: LayerKind,
    /// Whether the layer, or a block it is in, is frozen.
    pub(crate) frozen: bool,
    pub(crate) input: InputSpec,
    pub(crate) inferred: Inferred,
    /// For a layer that shares the weight of an embedding, which one it is of those before.
    pub(crate) tied: usize,
    /// For a residual block the layers it holds, else empty.
    pub(crate) body: Vec<PlannedLayer>,
    /// For a residual block the layers of its shortcut.
    pub(crate) shortcut: Vec<PlannedLayer>,
}

impl PlannedLayer {
    /// The size of the input's last dimension.
    fn in_features(&self) -> usize {
        self.input.shape().last().copied().unwrap_or(1)
    }

    /// The layer, then those inside it.
    pub(crate) fn each_layer(&self, found: &mut impl FnMut(&PlannedLayer)) {
        found(self);
        self.body.iter().chain(&self.shortcut).for_each(|layer| layer.each_layer(found));
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

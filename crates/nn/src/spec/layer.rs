//! One layer of a description: its kind with the kind's fields, an optional name, and whether it is frozen.

use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

use crate::layers::{
    AvgPool2dSpec, BatchNormSpec, Conv1dSpec, Conv2dSpec, DenseSpec, DropoutSpec, EmbeddingSpec, GruSpec,
    LayerNormSpec, LstmSpec, MaxPool2dSpec, MultiHeadAttentionSpec, NaiveBayesBagSpec, PositionEmbeddingSpec,
    ResidualSpec, SimpleRnnSpec, TiedDenseSpec, TransformerSpec, WhiteningSpec,
};

/// The most layers that a description may have, blocks counted with what they hold.
pub(crate) const MAX_LAYERS: usize = 10_000;

/// A layer with its name.
///
/// A layer without a name is called after its kind and its place among the layers of that kind: `conv2d_1`,
/// `conv2d_2`, `dense_1`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSpec {
    /// The name, where the user gave one.
    pub name: Option<String>,
    /// Whether training leaves the layer as it is: weights, running statistics and, in a block, all its layers. Dropout
    /// in it drops nothing.
    pub frozen: bool,
    /// What the layer is.
    pub kind: LayerKind,
}

impl LayerSpec {
    /// Gives the layer a name of one's own; its weights are saved under it.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Lets training leave the layer as it is.
    ///
    /// ```
    /// use fireclay_nn::{DenseSpec, LayerSpec, ModelSpec};
    ///
    /// let body = LayerSpec::from(DenseSpec::new(8)).named("body").frozen();
    /// let toml = r#"
    ///     input = [4]
    ///     layers = [
    ///         { type = "dense", out_features = 8, name = "body", frozen = true },
    ///         { type = "dense", out_features = 3 },
    ///     ]
    /// "#;
    /// assert_eq!(ModelSpec::from_toml(toml)?, ModelSpec::new([4]).layer(body).dense(3));
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    pub fn frozen(mut self) -> Self {
        self.frozen = true;
        self
    }
}

impl<K: Into<LayerKind>> From<K> for LayerSpec {
    fn from(kind: K) -> Self {
        LayerSpec { name: None, frozen: false, kind: kind.into() }
    }
}

/// What a layer is. The word in `type = "..."` is the variant in snake case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LayerKind {
    /// `output = input · weightᵀ + bias`
    Dense(DenseSpec),
    /// A row of numbers for each token: `[tokens]` to `[tokens, embedding_dim]`.
    Embedding(EmbeddingSpec),
    /// Long short-term memory ([Hochreiter and Schmidhuber 1997](https://doi.org/10.1162/neco.1997.9.8.1735))
    Lstm(LstmSpec),
    /// Gated recurrent unit ([Cho et al. 2014](https://arxiv.org/abs/1406.1078))
    Gru(GruSpec),
    /// Simple recurrent network ([Elman 1990](https://doi.org/10.1207/s15516709cog1402_1))
    SimpleRnn(SimpleRnnSpec),
    /// Convolution over height and width.
    #[serde(rename = "conv2d")]
    Conv2d(Conv2dSpec),
    /// The largest value of each window.
    #[serde(rename = "max_pool2d")]
    MaxPool2d(MaxPool2dSpec),
    /// The mean of each window.
    #[serde(rename = "avg_pool2d")]
    AvgPool2d(AvgPool2dSpec),
    /// The mean of each channel: `[channels, height, width]` to `[channels]`.
    #[serde(rename = "global_avg_pool2d")]
    GlobalAvgPool2d {},
    /// `[channels, height, width]` to `[channels * height * width]`, and `[steps, features]` likewise.
    Flatten {},
    /// Zeroes values at random while training.
    Dropout(DropoutSpec),
    /// Normalises each channel over the batch.
    BatchNorm(BatchNormSpec),
    /// Normalises each row, or each step of a sequence, over its features.
    LayerNorm(LayerNormSpec),
    /// `max(x, 0)`
    Relu {},
    /// `x` where positive, else `negative_slope * x`
    LeakyRelu {
        /// Slope where the input is negative; 0.01 by default.
        #[serde(default = "default_negative_slope")]
        negative_slope: f64,
    },
    /// `x` where positive, else `alpha * (exp(x) - 1)` ([Clevert et al. 2015](https://arxiv.org/abs/1511.07289))
    Elu {
        /// Value reached far to the left, negated; 1 by default.
        #[serde(default = "default_alpha")]
        alpha: f64,
    },
    /// `x * Φ(x)` with the exact normal distribution ([Hendrycks and Gimpel 2016](https://arxiv.org/abs/1606.08415))
    Gelu {},
    /// `x * sigmoid(x)`, also called swish ([Ramachandran et al. 2017](https://arxiv.org/abs/1710.05941))
    Silu {},
    /// `1 / (1 + exp(-x))`
    Sigmoid {},
    /// Hyperbolic tangent.
    Tanh {},
    /// `ln(1 + exp(x))`
    Softplus {},
    /// `exp(x) / Σ exp(x)` over the last dimension. Losses take logits, so a classifier does not end with it.
    Softmax {},
    /// Each step looks at all, or at those before it ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
    MultiHeadAttention(MultiHeadAttentionSpec),
    /// Adds a row of numbers to each step, by its place.
    PositionEmbedding(PositionEmbeddingSpec),
    /// Blocks of attention and dense layers ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
    TransformerEncoder(TransformerSpec),
    /// The same, where a step sees only itself and those before it, as in GPT; it looks at no other sequence.
    TransformerDecoder(TransformerSpec),
    /// The mean over the steps: `[steps, features]` to `[features]`. Steps that fill up a sequence do not count.
    #[serde(rename = "global_avg_pool1d")]
    GlobalAvgPool1d {},
    /// The greatest value over the steps: `[steps, features]` to `[features]`. Steps that fill up do not count.
    #[serde(rename = "global_max_pool1d")]
    GlobalMaxPool1d {},
    /// Convolution over steps: `[steps, features]` to `[out_steps, out_channels]`.
    #[serde(rename = "conv1d")]
    Conv1d(Conv1dSpec),
    /// A dense layer with the weight of an embedding ([Press and Wolf 2017](https://arxiv.org/abs/1608.05859)).
    TiedDense(TiedDenseSpec),
    /// `layers(x) + shortcut(x)` ([He et al. 2015](https://arxiv.org/abs/1512.03385))
    Residual(ResidualSpec),
    /// A first convolution that whitens patches, set by the data before the first epoch
    /// ([Jordan 2024](https://arxiv.org/abs/2404.00498))
    Whitening(WhiteningSpec),
    /// A linear model of sets of tokens, weighted by naive Bayes on the training samples.
    NaiveBayesBag(NaiveBayesBagSpec),
}

fn default_negative_slope() -> f64 {
    0.01
}

fn default_alpha() -> f64 {
    1.0
}

impl LayerKind {
    /// Whether the layer is set by the data before it is trained.
    pub(crate) fn adapts(&self) -> bool {
        matches!(self, LayerKind::Whitening(_) | LayerKind::NaiveBayesBag(_))
    }

    /// The word in `type = "..."`.
    pub fn type_name(&self) -> &'static str {
        match self {
            LayerKind::Dense(_) => "dense",
            LayerKind::Embedding(_) => "embedding",
            LayerKind::Lstm(_) => "lstm",
            LayerKind::Gru(_) => "gru",
            LayerKind::SimpleRnn(_) => "simple_rnn",
            LayerKind::Conv2d(_) => "conv2d",
            LayerKind::MaxPool2d(_) => "max_pool2d",
            LayerKind::AvgPool2d(_) => "avg_pool2d",
            LayerKind::GlobalAvgPool2d {} => "global_avg_pool2d",
            LayerKind::Flatten {} => "flatten",
            LayerKind::Dropout(_) => "dropout",
            LayerKind::BatchNorm(_) => "batch_norm",
            LayerKind::LayerNorm(_) => "layer_norm",
            LayerKind::Relu {} => "relu",
            LayerKind::LeakyRelu { .. } => "leaky_relu",
            LayerKind::Elu { .. } => "elu",
            LayerKind::Gelu {} => "gelu",
            LayerKind::Silu {} => "silu",
            LayerKind::Sigmoid {} => "sigmoid",
            LayerKind::Tanh {} => "tanh",
            LayerKind::Softplus {} => "softplus",
            LayerKind::Softmax {} => "softmax",
            LayerKind::MultiHeadAttention(_) => "multi_head_attention",
            LayerKind::PositionEmbedding(_) => "position_embedding",
            LayerKind::TransformerEncoder(_) => "transformer_encoder",
            LayerKind::TransformerDecoder(_) => "transformer_decoder",
            LayerKind::GlobalAvgPool1d {} => "global_avg_pool1d",
            LayerKind::GlobalMaxPool1d {} => "global_max_pool1d",
            LayerKind::Conv1d(_) => "conv1d",
            LayerKind::TiedDense(_) => "tied_dense",
            LayerKind::Residual(_) => "residual",
            LayerKind::Whitening(_) => "whitening",
            LayerKind::NaiveBayesBag(_) => "naive_bayes_bag",
        }
    }
}

impl From<DenseSpec> for LayerKind {
    fn from(spec: DenseSpec) -> Self {
        LayerKind::Dense(spec)
    }
}

impl From<EmbeddingSpec> for LayerKind {
    fn from(spec: EmbeddingSpec) -> Self {
        LayerKind::Embedding(spec)
    }
}

impl From<LstmSpec> for LayerKind {
    fn from(spec: LstmSpec) -> Self {
        LayerKind::Lstm(spec)
    }
}

impl From<GruSpec> for LayerKind {
    fn from(spec: GruSpec) -> Self {
        LayerKind::Gru(spec)
    }
}

impl From<SimpleRnnSpec> for LayerKind {
    fn from(spec: SimpleRnnSpec) -> Self {
        LayerKind::SimpleRnn(spec)
    }
}

impl From<Conv2dSpec> for LayerKind {
    fn from(spec: Conv2dSpec) -> Self {
        LayerKind::Conv2d(spec)
    }
}

impl From<MaxPool2dSpec> for LayerKind {
    fn from(spec: MaxPool2dSpec) -> Self {
        LayerKind::MaxPool2d(spec)
    }
}

impl From<AvgPool2dSpec> for LayerKind {
    fn from(spec: AvgPool2dSpec) -> Self {
        LayerKind::AvgPool2d(spec)
    }
}

impl From<DropoutSpec> for LayerKind {
    fn from(spec: DropoutSpec) -> Self {
        LayerKind::Dropout(spec)
    }
}

impl From<BatchNormSpec> for LayerKind {
    fn from(spec: BatchNormSpec) -> Self {
        LayerKind::BatchNorm(spec)
    }
}

impl From<LayerNormSpec> for LayerKind {
    fn from(spec: LayerNormSpec) -> Self {
        LayerKind::LayerNorm(spec)
    }
}

impl From<MultiHeadAttentionSpec> for LayerKind {
    fn from(spec: MultiHeadAttentionSpec) -> Self {
        LayerKind::MultiHeadAttention(spec)
    }
}

impl From<PositionEmbeddingSpec> for LayerKind {
    fn from(spec: PositionEmbeddingSpec) -> Self {
        LayerKind::PositionEmbedding(spec)
    }
}

impl From<Conv1dSpec> for LayerKind {
    fn from(spec: Conv1dSpec) -> Self {
        LayerKind::Conv1d(spec)
    }
}

impl From<TiedDenseSpec> for LayerKind {
    fn from(spec: TiedDenseSpec) -> Self {
        LayerKind::TiedDense(spec)
    }
}

impl From<ResidualSpec> for LayerKind {
    fn from(spec: ResidualSpec) -> Self {
        LayerKind::Residual(spec)
    }
}

impl From<NaiveBayesBagSpec> for LayerKind {
    fn from(spec: NaiveBayesBagSpec) -> Self {
        LayerKind::NaiveBayesBag(spec)
    }
}

impl From<WhiteningSpec> for LayerKind {
    fn from(spec: WhiteningSpec) -> Self {
        LayerKind::Whitening(spec)
    }
}

impl Serialize for LayerSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'a> {
            #[serde(flatten)]
            kind: &'a LayerKind,
            #[serde(skip_serializing_if = "Option::is_none")]
            name: &'a Option<String>,
            #[serde(skip_serializing_if = "std::ops::Not::not")]
            frozen: bool,
        }
        Named { kind: &self.kind, name: &self.name, frozen: self.frozen }.serialize(serializer)
    }
}

/// Reads the fields one by one, so that `name` and `frozen` can stand beside the fields of any kind, a field given twice is
/// refused, and an unknown field is reported by the kind that does not have it.
impl<'de> Deserialize<'de> for LayerSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = LayerSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a layer such as { type = \"dense\", out_features = 10 }")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LayerSpec, A::Error> {
                let mut fields = serde_json::Map::new();
                while let Some(key) = map.next_key::<String>()? {
                    let value: serde_json::Value = map.next_value()?;
                    if fields.contains_key(&key) {
                        return Err(de::Error::custom(format!("field `{key}` is given twice")));
                    }
                    fields.insert(key, value);
                }
                let name = fields.remove("name").map(from_value).transpose().map_err(de::Error::custom)?;
                let frozen = fields
                    .remove("frozen")
                    .map(from_value)
                    .transpose()
                    .map_err(|error| de::Error::custom(format!("`frozen`: {error}")))?;
                let kind = match fields.get("type") {
                    Some(serde_json::Value::String(kind)) => kind.clone(),
                    _ => {
                        return Err(de::Error::custom("the layer has no `type`, such as \"dense\""));
                    }
                };
                let kind = from_value(serde_json::Value::Object(fields))
                    .map_err(|error| de::Error::custom(format!("'{kind}': {error}")))?;
                Ok(LayerSpec { name, frozen: frozen.unwrap_or(false), kind })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

fn from_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, serde_json::Error> {
    serde_json::from_value(value)
}

/// Reads a list of layers and puts the place of a faulty one before its error.
pub(crate) fn deserialize_layers<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<LayerSpec>, D::Error> {
    struct Layers;
    impl<'de> Visitor<'de> for Layers {
        type Value = Vec<LayerSpec>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of layers")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<LayerSpec>, A::Error> {
            let mut layers = Vec::new();
            loop {
                let position = layers.len() + 1;
                match seq.next_element() {
                    Ok(Some(layer)) if position <= MAX_LAYERS => layers.push(layer),
                    Ok(Some(_)) => {
                        let message = format!("more than {MAX_LAYERS} layers");
                        return Err(de::Error::custom(message));
                    }
                    Ok(None) => return Ok(layers),
                    Err(error) => {
                        return Err(de::Error::custom(format!("layer {position} {error}")));
                    }
                }
            }
        }
    }
    deserializer.deserialize_seq(Layers)
}

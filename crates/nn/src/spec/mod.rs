//! A model as data: the builder, the text forms, and the checks that come before the first tensor.

mod infer;
mod input;
mod layer;
mod sizes;
mod views;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::layers::{Conv2dSpec, DenseSpec, DropoutSpec, ResidualSpec};
use crate::{
    AvgPool2dSpec, BatchNormSpec, Conv1dSpec, EmbeddingSpec, GruSpec, LayerNormSpec, LstmSpec, MaxPool2dSpec,
    Model, MultiHeadAttentionSpec, NnError, PositionEmbeddingSpec, PositionKind, Summary, TiedDenseSpec,
    TransformerSpec,
};

pub use infer::TensorSpec;
pub(crate) use infer::{Inferred, Plan, PlannedLayer, values};
pub use input::InputSpec;
pub(crate) use layer::deserialize_layers;
pub use layer::{LayerKind, LayerSpec};
pub use sizes::{Padding, Size2d};
pub use views::Views;

/// A network described as data: what one input is and a list of layers.
///
/// The same description is Rust, TOML and JSON:
///
/// ```
/// use fireclay_nn::{Conv2dSpec, ModelSpec, Padding};
///
/// let built = ModelSpec::new([1, 28, 28])
///     .layer(Conv2dSpec::new(8, 3).padding(Padding::Same))
///     .relu()
///     .global_avg_pool2d()
///     .dense(10);
/// let read = ModelSpec::from_toml(r#"
///     input = [1, 28, 28]
///     layers = [
///         { type = "conv2d", out_channels = 8, kernel_size = 3, padding = "same" },
///         { type = "relu" },
///         { type = "global_avg_pool2d" },
///         { type = "dense", out_features = 10 },
///     ]
/// "#)?;
/// assert_eq!(built, read);
/// assert_eq!(built.output_features()?, 10);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// What one sample is, without the batch: `[features]`, `[steps, features]`, `[channels, height, width]`, or
    /// tokens.
    pub input: InputSpec,
    /// In which ways the trained network looks at each image; once by default.
    #[serde(default, skip_serializing_if = "Views::is_one")]
    pub views: Views,
    /// The layers, first to last.
    #[serde(deserialize_with = "deserialize_layers")]
    pub layers: Vec<LayerSpec>,
}

impl ModelSpec {
    /// Begins a description from the shape of one sample: `[features]`, `[steps, features]` or
    /// `[channels, height, width]`.
    pub fn new(input: impl Into<InputSpec>) -> Self {
        ModelSpec { input: input.into(), views: Views::One, layers: Vec::new() }
    }

    /// Begins a description of a network that reads so many tokens; an [`embedding`](Self::embedding) comes first.
    pub fn tokens(tokens: usize) -> Self {
        ModelSpec::new(InputSpec::Tokens(tokens))
    }

    /// Adds a layer of any kind, such as a [`Conv2dSpec`] with a stride, or a layer with a name.
    pub fn layer(mut self, layer: impl Into<LayerSpec>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Sets in which ways the trained network looks at each image.
    pub fn views(mut self, views: Views) -> Self {
        self.views = views;
        self
    }

    /// Adds a dense layer with bias.
    pub fn dense(self, out_features: usize) -> Self {
        self.layer(DenseSpec::new(out_features))
    }

    /// Adds an embedding: a row of `embedding_dim` numbers for each of `num_embeddings` tokens.
    pub fn embedding(self, num_embeddings: usize, embedding_dim: usize) -> Self {
        self.layer(EmbeddingSpec::new(num_embeddings, embedding_dim))
    }

    /// Adds an LSTM that gives its state after the last step; one that gives all of them is an [`LstmSpec`].
    pub fn lstm(self, hidden_size: usize) -> Self {
        self.layer(LstmSpec::new(hidden_size))
    }

    /// Adds a GRU that gives its state after the last step; one that gives all of them is a [`GruSpec`].
    pub fn gru(self, hidden_size: usize) -> Self {
        self.layer(GruSpec::new(hidden_size))
    }

    /// Adds a convolution with stride 1, no padding and bias. `kernel_size` is `3` or `[3, 5]`.
    pub fn conv2d(self, out_channels: usize, kernel_size: impl Into<Size2d>) -> Self {
        self.layer(Conv2dSpec::new(out_channels, kernel_size))
    }

    /// Adds max pooling over windows that do not overlap.
    pub fn max_pool2d(self, kernel_size: impl Into<Size2d>) -> Self {
        self.layer(MaxPool2dSpec::new(kernel_size))
    }

    /// Adds average pooling over windows that do not overlap.
    pub fn avg_pool2d(self, kernel_size: impl Into<Size2d>) -> Self {
        self.layer(AvgPool2dSpec::new(kernel_size))
    }

    /// Adds the mean over height and width.
    pub fn global_avg_pool2d(self) -> Self {
        self.layer(LayerKind::GlobalAvgPool2d {})
    }

    /// Adds the step from images or sequences to rows.
    pub fn flatten(self) -> Self {
        self.layer(LayerKind::Flatten {})
    }

    /// Adds dropout; `rate` is the share of values set to zero while training, in `[0, 1)`.
    pub fn dropout(self, rate: f64) -> Self {
        self.layer(DropoutSpec::new(rate))
    }

    /// Adds batch normalisation with momentum 0.1.
    pub fn batch_norm(self) -> Self {
        self.layer(BatchNormSpec::default())
    }

    /// Adds layer normalisation over the features.
    pub fn layer_norm(self) -> Self {
        self.layer(LayerNormSpec::default())
    }

    /// Adds `max(x, 0)`.
    pub fn relu(self) -> Self {
        self.layer(LayerKind::Relu {})
    }

    /// Adds GELU.
    pub fn gelu(self) -> Self {
        self.layer(LayerKind::Gelu {})
    }

    /// Adds SiLU, also called swish.
    pub fn silu(self) -> Self {
        self.layer(LayerKind::Silu {})
    }

    /// Adds the logistic function.
    pub fn sigmoid(self) -> Self {
        self.layer(LayerKind::Sigmoid {})
    }

    /// Adds the hyperbolic tangent.
    pub fn tanh(self) -> Self {
        self.layer(LayerKind::Tanh {})
    }

    /// Adds attention of all steps to all, in so many heads; one that is causal is a [`MultiHeadAttentionSpec`].
    pub fn multi_head_attention(self, num_heads: usize) -> Self {
        self.layer(MultiHeadAttentionSpec::new(num_heads))
    }

    /// Adds a row of numbers to each step, by its place.
    pub fn position_embedding(self, kind: PositionKind) -> Self {
        self.layer(PositionEmbeddingSpec::new(kind))
    }

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
    pub fn transformer_encoder(self, spec: TransformerSpec) -> Self {
        self.layer(LayerKind::TransformerEncoder(spec))
    }

    /// Adds blocks of attention and dense layers, in which a step sees only itself and those before it, as in GPT.
    pub fn transformer_decoder(self, spec: TransformerSpec) -> Self {
        self.layer(LayerKind::TransformerDecoder(spec))
    }

    /// Adds the mean over steps.
    pub fn global_avg_pool1d(self) -> Self {
        self.layer(LayerKind::GlobalAvgPool1d {})
    }

    /// Adds the greatest value over steps.
    pub fn global_max_pool1d(self) -> Self {
        self.layer(LayerKind::GlobalMaxPool1d {})
    }

    /// Adds a convolution over steps with stride 1, no padding and bias.
    pub fn conv1d(self, out_channels: usize, kernel_size: usize) -> Self {
        self.layer(Conv1dSpec::new(out_channels, kernel_size))
    }

    /// Adds a dense layer with bias whose weight is that of the first embedding.
    pub fn tied_dense(self) -> Self {
        self.layer(TiedDenseSpec::default())
    }

    /// Adds a residual block, `layers(x) + x`; a shortcut with layers of its own is a [`ResidualSpec`].
    pub fn residual(self, layers: impl IntoIterator<Item = LayerSpec>) -> Self {
        self.layer(ResidualSpec::new(layers))
    }

    /// Reads a description from TOML.
    ///
    /// # Errors
    /// [`NnError::Toml`] with the line, for a layer with its place and kind. The shapes are checked by
    /// [`build`](Self::build) and [`summary`](Self::summary).
    pub fn from_toml(text: &str) -> Result<Self, NnError> {
        Ok(toml::from_str(text)?)
    }

    /// Writes the description as TOML.
    ///
    /// # Errors
    /// [`NnError::WriteToml`] if a number is beyond TOML's range.
    pub fn to_toml(&self) -> Result<String, NnError> {
        Ok(toml::to_string(self)?)
    }

    /// Reads a description from JSON.
    ///
    /// # Errors
    /// [`NnError::Json`] with line and column, for a layer with its place and kind.
    pub fn from_json(text: &str) -> Result<Self, NnError> {
        Ok(serde_json::from_str(text)?)
    }

    /// Writes the description as one line of JSON.
    ///
    /// # Errors
    /// [`NnError::Json`] if a number is not finite.
    pub fn to_json(&self) -> Result<String, NnError> {
        Ok(serde_json::to_string(self)?)
    }

    /// Checks every shape and draws the weights on a device.
    ///
    /// Weights come from the device's random numbers: call `device.seed(...)` before, and the same seed gives the
    /// same weights on a CPU.
    ///
    /// # Errors
    /// [`NnError::Layer`] with the place, the name and the input shape of the first layer that cannot work.
    pub fn build(&self, device: &Device) -> Result<Model, NnError> {
        Ok(Model::new(self.clone(), &self.plan()?, device))
    }

    /// Names, output shapes, parameters and FLOPs of all layers.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn summary(&self) -> Result<Summary, NnError> {
        Ok(Summary::new(&self.input, &self.plan()?))
    }

    /// Name and shape of every tensor that the built model holds, in the order of the layers, in PyTorch's layout.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn tensors(&self) -> Result<Vec<TensorSpec>, NnError> {
        Ok(self.plan()?.tensors())
    }

    /// How many numbers the network gives for each sample, or at each step of one.
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn output_features(&self) -> Result<usize, NnError> {
        Ok(self.plan()?.outputs)
    }

    /// At how many steps of a sample the network gives its numbers; `None` if it gives them once for each sample.
    ///
    /// ```
    /// use fireclay_nn::{LstmSpec, ModelSpec};
    ///
    /// let next_word = ModelSpec::tokens(64).embedding(100, 8).layer(LstmSpec::new(8).return_sequences(true)).dense(100);
    /// assert_eq!((next_word.output_steps()?, next_word.output_features()?), (Some(64), 100));
    /// assert_eq!(ModelSpec::new([4]).dense(2).output_steps()?, None);
    /// # Ok::<(), fireclay_nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`build`](Self::build).
    pub fn output_steps(&self) -> Result<Option<usize>, NnError> {
        Ok(self.plan()?.output_steps)
    }
}

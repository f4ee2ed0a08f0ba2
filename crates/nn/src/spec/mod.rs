//! A model as data: the builder, the text forms, and the checks that come before the first tensor.

mod builder;
mod placed;
mod plan;

use serde::{Deserialize, Serialize};

use crate::error::NnError;
use crate::int8_spec::Int8Spec;
use crate::layers::{LayerSpec, deserialize_layers};
use crate::shapes::{InputSpec, TensorSpec};
use crate::test_time_augmentation::TestTimeAugmentation;
pub use placed::PlacedLayer;
pub(crate) use plan::Plan;

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
    /// Which versions of each image the trained network is applied to; only the image as it is by default. In files it is
    /// called `views`.
    #[serde(
        default,
        rename = "views",
        alias = "test_time_augmentation",
        skip_serializing_if = "TestTimeAugmentation::is_none"
    )]
    pub test_time_augmentation: TestTimeAugmentation,
    /// Which layers compute in 8-bit whole numbers, where the trained network was made to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int8: Option<Int8Spec>,
    /// The layers, first to last.
    #[serde(deserialize_with = "deserialize_layers")]
    pub layers: Vec<LayerSpec>,
}

impl ModelSpec {
    /// Begins a description from the shape of one sample: `[features]`, `[steps, features]` or
    /// `[channels, height, width]`.
    pub fn new(input: impl Into<InputSpec>) -> Self {
        ModelSpec {
            input: input.into(),
            test_time_augmentation: TestTimeAugmentation::None,
            int8: None,
            layers: Vec::new(),
        }
    }

    /// Begins a description of a network that reads so many tokens; an [`embedding`](Self::embedding) comes first.
    pub fn tokens(tokens: usize) -> Self {
        ModelSpec::new(InputSpec::Tokens(tokens))
    }

    /// Adds a layer of any kind, such as a [`Conv2dSpec`](crate::Conv2dSpec) with a stride, or a layer with a name.
    pub fn layer(mut self, layer: impl Into<LayerSpec>) -> Self {
        self.layers.push(layer.into());
        self
    }

    /// Sets which versions of each image the trained network is applied to.
    pub fn test_time_augmentation(mut self, augmentation: TestTimeAugmentation) -> Self {
        self.test_time_augmentation = augmentation;
        self
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

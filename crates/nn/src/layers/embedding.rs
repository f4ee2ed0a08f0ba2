//! The embedding: a row of numbers for each token.

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use fireclay_backend::ops::{self, RecurrentInput};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::memory::Memory;
use super::{Inferred, PlannedLayer, values};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::TensorSpec;

/// A table with one row for each token, which training fills with what the tokens mean.
///
/// # Shapes
/// - input: `[batch, tokens]`, whole numbers below `num_embeddings`
/// - output: `[batch, tokens, embedding_dim]`
/// - `weight`: `[num_embeddings, embedding_dim]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse sizes of 0, a `padding_idx` beyond the tokens, and inputs other than tokens.
///
/// ```
/// use fireclay_nn::{EmbeddingSpec, ModelSpec};
///
/// let spec = ModelSpec::tokens(6).layer(EmbeddingSpec::new(9, 4).padding_idx(0)).lstm(3);
/// assert_eq!(spec.summary()?.rows[0].output, [6, 4]);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSpec {
    /// How many different tokens there are; a token is a number below it.
    pub num_embeddings: usize,
    /// Numbers for each token.
    pub embedding_dim: usize,
    /// The token that fills up short samples: its row begins at 0 and is not trained, and layers behind that put
    /// steps together, as an LSTM does, stop before the ones that it fills up at the end of a sample. None by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding_idx: Option<usize>,
    /// How the rows begin; normal with deviation 1 by default, as in PyTorch. Keras's is uniform in ±0.05.
    #[serde(default = "standard_normal", skip_serializing_if = "is_standard_normal")]
    pub initializer: Initializer,
}

fn standard_normal() -> Initializer {
    Initializer::Normal { std: 1.0 }
}

fn is_standard_normal(initializer: &Initializer) -> bool {
    *initializer == standard_normal()
}

impl EmbeddingSpec {
    /// An embedding of `num_embeddings` tokens, each as `embedding_dim` numbers.
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        EmbeddingSpec { num_embeddings, embedding_dim, padding_idx: None, initializer: standard_normal() }
    }

    /// Sets the token that fills up short samples.
    pub fn padding_idx(mut self, padding_idx: usize) -> Self {
        self.padding_idx = Some(padding_idx);
        self
    }

    /// Sets how the rows begin.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

    pub(crate) fn infer(&self, tokens: usize) -> Result<Inferred, LayerProblem> {
        for (field, size) in [("num_embeddings", self.num_embeddings), ("embedding_dim", self.embedding_dim)]
        {
            if size == 0 {
                return Err(LayerProblem::Zero { field });
            }
        }
        if let Some(padding) = self.padding_idx.filter(|padding| *padding >= self.num_embeddings) {
            return Err(LayerProblem::Range {
                field: "padding_idx",
                found: padding.to_string(),
                expected: "less than num_embeddings",
            });
        }
        // Tokens are uploaded as 32-bit numbers with a sign.
        if i32::try_from(self.num_embeddings).is_err() {
            return Err(LayerProblem::TooLarge { limit: i32::MAX as u64 });
        }
        self.initializer.check()?;
        let weight = TensorSpec::trained("weight", [self.num_embeddings, self.embedding_dim])?;
        let output = [tokens, self.embedding_dim];
        values(&output)?;
        Ok(Inferred { output: output.into(), tensors: vec![weight], flops: 0 })
    }

    pub(crate) fn build(&self, device: &Device) -> Embedding {
        let (rows, width) = (self.num_embeddings, self.embedding_dim);
        let weight = self.initializer.weight([rows, width], rows, width, device);
        let weight = match self.padding_idx {
            None => weight,
            Some(padding) => weight.map(|weight| {
                let zeros = Tensor::zeros([1, width], &weight.device());
                let place = [padding..padding + 1, 0..width];
                match weight.is_require_grad() {
                    // A parameter has no history, or its gradient would be its ancestor's.
                    true => weight.detach().slice_assign(place, zeros).require_grad(),
                    false => weight.slice_assign(place, zeros),
                }
            }),
        };
        Embedding { weight, padding_idx: self.padding_idx }
    }
}

#[derive(Module, Debug)]
pub(crate) struct Embedding {
    weight: Param<Tensor<2>>,
    padding_idx: Option<usize>,
}

impl Embedding {
    /// # Shapes
    /// - input: `[batch, tokens]`
    /// - output: `[batch, tokens, embedding_dim]`
    ///
    /// # Panics
    /// On a CPU, if a token is not below the number of rows. On a GPU such a token gives wrong numbers.
    pub(crate) fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        ops::embedding(self.weight.val(), tokens, self.padding_idx)
    }

    /// `[batch]`: how many tokens each sample has up to its last that is not padding; `None` without a padding token.
    pub(crate) fn lengths(&self, tokens: &Tensor<2, Int>) -> Option<Tensor<1, Int>> {
        let padding = self.padding_idx?;
        let [_, steps] = tokens.dims();
        let places = Tensor::<1, Int>::arange(1..steps as i64 + 1, &tokens.device()).unsqueeze::<2>();
        let taken = tokens.clone().not_equal_elem(padding as i64).int();
        Some((taken * places).max_dim(1).squeeze_dim::<1>(1))
    }

    /// `[num_embeddings, embedding_dim]`
    pub(crate) fn weight(&self) -> Tensor<2> {
        self.weight.val()
    }

    /// The same rows for a recurrent layer, which may look them up as it goes.
    pub(crate) fn for_recurrent(&self, tokens: Tensor<2, Int>) -> RecurrentInput {
        // Both directions would count as readers of the weight.
        if ops::gathers_sample_norms() {
            return self.forward(tokens).into();
        }
        RecurrentInput::Tokens { embedding: self.weight.val(), tokens, padding_idx: self.padding_idx }
    }
}

impl Description for EmbeddingSpec {
    type Module = Embedding;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.tokens()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Embedding {
        let _ = plan;
        self.build(device)
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::none())
    }

    fn vocabulary_size(&self) -> Option<usize> {
        Some(self.num_embeddings)
    }

    fn embedding(&self) -> Option<[usize; 2]> {
        Some([self.num_embeddings, self.embedding_dim])
    }
}

impl Forward for Embedding {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        let Flow { value, mut embeddings, .. } = input;
        let tokens = value.tokens();
        let lengths = self.lengths(&tokens);
        embeddings.push(self.weight());
        let value = match following.take_reader() {
            Some(reader) => reader.read(self.for_recurrent(tokens), lengths.as_ref()),
            None => self.forward(tokens).into(),
        };
        Flow { value, lengths, embeddings }
    }

    fn step(&self, input: Flow, _: &mut Memory) -> Flow {
        let Flow { value, lengths, mut embeddings } = input;
        embeddings.push(self.weight());
        Flow { value: self.forward(value.tokens()).into(), lengths, embeddings }
    }
}

//! A dense layer whose weight is an embedding's ([Press and Wolf 2017](https://arxiv.org/abs/1608.05859)).
//!
//! The embedding owns the weight and sends it along ([`Flow`](super::flow::Flow)); so a model file has it once, and its
//! gradient is the sum of both uses.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{self, Activation};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, KnownEmbedding, Place};
use super::flow::{Flow, Following, on_rows};
use super::memory::Memory;
use super::{Inferred, PlannedLayer, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::TensorSpec;
use crate::tensor::AnyTensor;

/// `input · weightᵀ + bias` with the weight of an embedding before it: a number for each token, as large as the features
/// are like the token's row.
///
/// The row of a padding token learns here, if tokens to come may be padding.
///
/// # Shapes
/// - input: `[batch, embedding_dim]` or `[batch, steps, embedding_dim]`
/// - output: `[batch, num_embeddings]` or `[batch, steps, num_embeddings]`
/// - `bias`: `[num_embeddings]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse it without an embedding before it, and features that are not as many as the embedding has.
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// let spec = ModelSpec::tokens(6).embedding(9, 4).tied_dense();
/// assert_eq!(spec.output_features()?, 9);
/// assert_eq!(spec.summary()?.parameters(), 9 * 4 + 9);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TiedDenseSpec {
    /// The embedding's name, such as `embedding_1`; the model's first by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedding: Option<String>,
    /// Whether a bias is added; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
}

impl Default for TiedDenseSpec {
    fn default() -> Self {
        TiedDenseSpec { embedding: None, bias: true }
    }
}

impl TiedDenseSpec {
    /// Sets whose weight it is, by name.
    pub fn embedding(mut self, name: impl Into<String>) -> Self {
        self.embedding = Some(name.into());
        self
    }

    /// Sets whether a bias is added.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    pub(crate) fn infer(&self, input: &[usize], before: &[KnownEmbedding]) -> Result<Inferred, LayerProblem> {
        let &([features] | [_, features]) = input else {
            return Err(LayerProblem::NeedsFlat);
        };
        let Some(place) = self.shared_embedding(before) else {
            let wanted = self.embedding.clone().unwrap_or_default();
            let known = before.iter().map(|known| known.name.clone()).collect();
            return Err(LayerProblem::NoEmbedding { wanted, known });
        };
        let KnownEmbedding { num_embeddings, embedding_dim, .. } = before[place];
        if features != embedding_dim {
            return Err(LayerProblem::TiedFeatures { features, embedding_dim });
        }
        let mut output = input.to_vec();
        output.splice(output.len() - 1.., [num_embeddings]);
        let flops = values(&output)?.saturating_mul(2 * features as u64);
        let bias = self.bias.then(|| TensorSpec::trained("bias", [num_embeddings])).transpose()?;
        Ok(Inferred { output: output.into(), tensors: bias.into_iter().collect(), flops })
    }

    pub(crate) fn build(&self, place: usize, tokens: usize, device: &Device) -> TiedDense {
        let bias = self.bias.then(|| Initializer::Zeros.bias(tokens, tokens, device));
        TiedDense { bias, place }
    }
}

#[derive(Module, Debug)]
pub(crate) struct TiedDense {
    bias: Option<Param<Tensor<1>>>,
    /// Which of the embeddings that came before.
    place: usize,
}

impl TiedDense {
    /// # Shapes
    /// - embeddings: the weights, `[num_embeddings, embedding_dim]`, of all that came before
    ///
    /// # Panics
    /// If there are fewer embeddings than the layer was built for.
    pub(crate) fn forward(&self, input: AnyTensor, embeddings: &[Tensor<2>]) -> AnyTensor {
        let (weight, bias) = self.weights(embeddings);
        on_rows(input, |rows| ops::dense(rows, weight, bias, Activation::None))
    }

    fn weights(&self, embeddings: &[Tensor<2>]) -> (Tensor<2>, Option<Tensor<1>>) {
        (embeddings[self.place].clone().transpose(), self.bias.as_ref().map(|bias| bias.val()))
    }
}

impl Description for TiedDenseSpec {
    type Module = TiedDense;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?, place.embeddings)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> TiedDense {
        let tokens = plan.inferred.output.shape().last().copied().unwrap_or(1);
        self.build(plan.tied, tokens, device)
    }

    fn multiplies_rows(&self) -> bool {
        true
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::none())
    }

    fn shared_embedding(&self, before: &[KnownEmbedding]) -> Option<usize> {
        let place = match &self.embedding {
            Some(wanted) => before.iter().position(|known| known.name == *wanted)?,
            None => 0,
        };
        (place < before.len()).then_some(place)
    }
}

impl Forward for TiedDense {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        let Flow { value, lengths, embeddings } = input;
        Flow { value: self.forward(value, &embeddings), lengths, embeddings }
    }

    fn dense_weights(&self, embeddings: &[Tensor<2>]) -> Option<(Tensor<2>, Option<Tensor<1>>)> {
        Some(self.weights(embeddings))
    }

    /// The embedding counts its weight as well, and the two have one gradient.
    fn has_sample_norms(&self) -> bool {
        false
    }
}

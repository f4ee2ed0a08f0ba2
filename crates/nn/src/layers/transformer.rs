//! Blocks of self-attention and a feed-forward network ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
//!
//! Encoder and decoder differ in one thing, whether a step sees those after it: there is no other sequence that a decoder
//! could look at, so it is one as in [GPT](https://cdn.openai.com/research-covers/language-unsupervised/language_understanding_paper.pdf).

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Int, Tensor};
use fireclay_backend::ops::{self, FeedForwardOptions, FeedForwardWeights};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following, on_rows};
use super::layer_norm::{LayerNorm, LayerNormSpec};
use super::memory::KeyValues;
use super::memory::Memory;
use super::multi_head_attention::{MultiHeadAttention, MultiHeadAttentionSpec};
use super::{
    DenseSpec, Inferred, PlannedLayer, check_dropout, default_epsilon, dropout, is_default, is_yes, yes,
};
use crate::error::LayerProblem;
use crate::shapes::TensorSpec;

/// A stack of blocks, each `x + attention(norm1(x))` and then `x + linear2(activation(linear1(norm2(x))))`, with
/// PyTorch's meaning of every field. As an encoder each step sees all others, as a decoder itself and those before it.
///
/// Behind an embedding with a padding token, the steps that fill up a sequence are not looked at; what leaves the layer
/// there means nothing.
///
/// # Shapes
/// - input and output: `[batch, steps, embed_dim]`
/// - in each of `layers.0`, `layers.1` ...: those of a [`MultiHeadAttentionSpec`] under `self_attn`, `linear1.weight`:
///   `[dim_feedforward, embed_dim]`, `linear1.bias`, `linear2.weight`: `[embed_dim, dim_feedforward]`, `linear2.bias`,
///   `norm1.weight`, `norm1.bias`, `norm2.weight`, `norm2.bias`: `[embed_dim]`; and with `final_norm`
///   `norm.weight` and `norm.bias`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse what they refuse of a [`MultiHeadAttentionSpec`], sizes of 0, and an `epsilon` of 0 or less.
///
/// ```
/// use fireclay_nn::{ModelSpec, TransformerSpec};
///
/// let blocks = TransformerSpec::new(2, 16).num_layers(3).dropout(0.1);
/// let spec = ModelSpec::new([10, 8]).transformer_encoder(blocks).global_avg_pool1d();
/// assert_eq!(spec.summary()?.parameters(), 3 * (4 * 8 * 9 + 16 * 9 + 8 * 17 + 4 * 8));
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformerSpec {
    /// Heads of the attention, which share the features.
    pub num_heads: usize,
    /// Numbers between the two dense layers of a block; often four times the features.
    pub dim_feedforward: usize,
    /// Blocks; 1 by default.
    #[serde(default = "one_layer", skip_serializing_if = "is_one_layer")]
    pub num_layers: usize,
    /// Share of values set to zero while training, in `[0, 1)`: of the attention weights, of what attention gives, and
    /// behind either dense layer; 0 by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// What is between the two dense layers; GELU by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub activation: FeedForwardActivation,
    /// Whether attention and dense layers read normalised values, or, as at first, their sums are normalised; true by
    /// default, since it trains without a warm-up ([Xiong et al. 2020](https://arxiv.org/abs/2002.04745)).
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub norm_first: bool,
    /// Whether queries and keys are turned by their positions; false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotary: bool,
    /// Whether the last block is followed by a layer norm; false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub final_norm: bool,
    /// Added to the variance in all layer norms; 1e-5 by default. BERT's is 1e-12.
    #[serde(default = "default_epsilon", skip_serializing_if = "is_default_epsilon")]
    pub epsilon: f64,
}

/// What is between the two dense layers of a [`TransformerSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FeedForwardActivation {
    /// `x * Φ(x)` with the exact normal distribution.
    #[default]
    Gelu,
    /// `max(x, 0)`
    Relu,
}

fn one_layer() -> usize {
    1
}

fn is_one_layer(num_layers: &usize) -> bool {
    *num_layers == 1
}

fn is_default_epsilon(epsilon: &f64) -> bool {
    *epsilon == default_epsilon()
}

impl TransformerSpec {
    /// One block with GELU that normalises first, without dropout.
    pub fn new(num_heads: usize, dim_feedforward: usize) -> Self {
        TransformerSpec {
            num_heads,
            dim_feedforward,
            num_layers: 1,
            dropout: 0.0,
            activation: FeedForwardActivation::Gelu,
            norm_first: true,
            rotary: false,
            final_norm: false,
            epsilon: default_epsilon(),
        }
    }

    /// Sets how many blocks follow one another.
    pub fn num_layers(mut self, num_layers: usize) -> Self {
        self.num_layers = num_layers;
        self
    }

    /// Sets the fraction of values set to zero while training.
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets what is between the two dense layers.
    pub fn activation(mut self, activation: FeedForwardActivation) -> Self {
        self.activation = activation;
        self
    }

    /// Sets whether values are normalised before a layer or after its sum.
    pub fn norm_first(mut self, norm_first: bool) -> Self {
        self.norm_first = norm_first;
        self
    }

    /// Sets whether queries and keys are turned by their positions.
    pub fn rotary(mut self, rotary: bool) -> Self {
        self.rotary = rotary;
        self
    }

    /// Sets whether a layer norm follows the last block.
    pub fn final_norm(mut self, final_norm: bool) -> Self {
        self.final_norm = final_norm;
        self
    }

    /// Sets what is added to the variance in all layer norms.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    fn layer_norm(&self) -> LayerNormSpec {
        LayerNormSpec::default().epsilon(self.epsilon)
    }

    fn attention(&self, causal: bool) -> MultiHeadAttentionSpec {
        let attention = MultiHeadAttentionSpec::new(self.num_heads).causal(causal);
        attention.dropout(self.dropout).rotary(self.rotary)
    }

    pub(crate) fn infer(&self, input: &[usize], causal: bool) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        for (field, size) in [("dim_feedforward", self.dim_feedforward), ("num_layers", self.num_layers)] {
            if size == 0 {
                return Err(LayerProblem::Zero { field });
            }
        }
        check_dropout("dropout", self.dropout)?;
        let norm = || self.layer_norm().infer(input);
        let parts = [
            ("self_attn", self.attention(causal).infer(input)?),
            ("linear1", DenseSpec::new(self.dim_feedforward).infer(input)?),
            ("linear2", DenseSpec::new(features).infer(&[steps, self.dim_feedforward])?),
            ("norm1", norm()?),
            ("norm2", norm()?),
        ];
        let mut tensors = Vec::new();
        for layer in 0..self.num_layers {
            for (name, part) in &parts {
                tensors.extend(named(&format!("layers.{layer}.{name}"), part));
            }
        }
        let block = parts.iter().fold(0u64, |total, (_, part)| total.saturating_add(part.flops));
        let mut flops = block.saturating_mul(self.num_layers as u64);
        if self.final_norm {
            let norm = norm()?;
            tensors.extend(named("norm", &norm));
            flops = flops.saturating_add(norm.flops);
        }
        Ok(Inferred { output: input.into(), tensors, flops })
    }

    pub(crate) fn build(&self, features: usize, causal: bool, device: &Device) -> Transformer {
        let norm = || self.layer_norm().build(features, device);
        let block = |_| TransformerBlock {
            self_attn: self.attention(causal).build(features, device),
            linear1: DenseSpec::new(self.dim_feedforward).build(features, device),
            linear2: DenseSpec::new(features).build(self.dim_feedforward, device),
            norm1: norm(),
            norm2: norm(),
            dropout: DropoutConfig::new(self.dropout).init(),
            relu: self.activation == FeedForwardActivation::Relu,
            norm_first: self.norm_first,
        };
        Transformer { layers: (0..self.num_layers).map(block).collect(), norm: self.final_norm.then(norm) }
    }
}

/// The tensors of a part, with its name before theirs.
fn named<'a>(name: &'a str, part: &'a Inferred) -> impl Iterator<Item = TensorSpec> + 'a {
    let tensors = part.tensors.iter();
    tensors.map(move |tensor| TensorSpec { name: format!("{name}.{}", tensor.name), ..tensor.clone() })
}

#[derive(Module, Debug)]
pub(crate) struct Transformer {
    layers: Vec<TransformerBlock>,
    norm: Option<LayerNorm>,
}

#[derive(Module, Debug)]
struct TransformerBlock {
    self_attn: MultiHeadAttention,
    linear1: Linear,
    linear2: Linear,
    norm1: LayerNorm,
    norm2: LayerNorm,
    dropout: Dropout,
    relu: bool,
    norm_first: bool,
}

impl Transformer {
    /// # Shapes
    /// - input and output: `[batch, steps, embed_dim]`
    /// - lengths: `[batch]`, how many steps each sequence has; those after it are not seen
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<3> {
        let blocks = self.layers.iter();
        self.end(
            blocks.fold(input, |x, block| block.forward(x, |attention, x| attention.forward(x, lengths))),
        )
    }

    /// As [`forward`](Self::forward); `seen` is shown how much each step takes of each other, block by block.
    pub(crate) fn forward_seen(
        &self,
        input: Tensor<3>,
        lengths: Option<&Tensor<1, Int>>,
        seen: &mut dyn FnMut(Tensor<4>),
    ) -> Tensor<3> {
        let blocks = self.layers.iter();
        self.end(blocks.fold(input, |x, block| {
            block.forward(x, |attention, x| {
                seen(attention.probabilities(x.clone(), lengths));
                attention.forward(x, lengths)
            })
        }))
    }

    /// The output of new steps that follow those in the caches, one for each block; see
    /// [`MultiHeadAttention::forward_step`].
    ///
    /// # Panics
    /// If there are fewer caches than blocks, or more.
    pub(crate) fn forward_step(&self, input: Tensor<3>, caches: &mut [KeyValues]) -> Tensor<3> {
        assert_eq!(caches.len(), self.layers.len(), "one cache for each block");
        let blocks = self.layers.iter().zip(caches);
        self.end(blocks.fold(input, |x, (block, cache)| {
            block.forward(x, |attention, x| attention.forward_step(x, cache))
        }))
    }

    fn end(&self, output: Tensor<3>) -> Tensor<3> {
        match &self.norm {
            Some(norm) => norm.forward(output),
            None => output,
        }
    }
}

impl TransformerBlock {
    fn forward(
        &self,
        input: Tensor<3>,
        attend: impl FnOnce(&MultiHeadAttention, Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let attend = |x: Tensor<3>| dropout::apply(&self.dropout, attend(&self.self_attn, x));
        match self.norm_first {
            true => {
                let x = input.clone() + attend(self.norm1.forward(input));
                x.clone() + self.feed_forward(self.norm2.forward(x))
            }
            false => {
                let x = self.norm1.forward(input.clone() + attend(input));
                self.norm2.forward(x.clone() + self.feed_forward(x))
            }
        }
    }

    fn feed_forward(&self, input: Tensor<3>) -> Tensor<3> {
        let options =
            FeedForwardOptions { gelu: !self.relu, dropout: dropout::share(&self.dropout, &input.device()) };
        let output = on_rows(input.into(), |rows| {
            let ((weight1, bias1), (weight2, bias2)) = (parts(&self.linear1), parts(&self.linear2));
            ops::feed_forward(rows, FeedForwardWeights { weight1, bias1, weight2, bias2 }, options)
        });
        dropout::apply(&self.dropout, output.sequences())
    }
}

/// Weight and bias; `dense` makes both unless it is told otherwise.
fn parts(layer: &Linear) -> (Tensor<2>, Tensor<1>) {
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    (layer.weight.val(), bias.expect("a block's dense layers have a bias"))
}

/// A [`TransformerSpec`] as an encoder: each step sees all others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransformerEncoderSpec(pub TransformerSpec);

/// A [`TransformerSpec`] as a decoder: a step sees only itself and those before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TransformerDecoderSpec(pub TransformerSpec);

impl Description for TransformerEncoderSpec {
    type Module = Transformer;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.0.infer(place.numbers()?, false)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Transformer {
        self.0.build(plan.in_features(), false, device)
    }

    fn multiplies_rows(&self) -> bool {
        true
    }

    fn depth(&self) -> usize {
        self.0.num_layers
    }
}

impl Description for TransformerDecoderSpec {
    type Module = Transformer;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.0.infer(place.numbers()?, true)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Transformer {
        self.0.build(plan.in_features(), true, device)
    }

    fn multiplies_rows(&self) -> bool {
        true
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::new(vec![KeyValues::default(); self.0.num_layers]))
    }

    fn depth(&self) -> usize {
        self.0.num_layers
    }
}

impl Forward for Transformer {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map_steps(|value, lengths| self.forward(value.sequences(), lengths).into())
    }

    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        input.map(|value| {
            let caches: &mut Vec<KeyValues> = memory.get();
            self.forward_step(value.sequences(), caches).into()
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tolerance};

    use super::super::position_embedding::{PositionEmbeddingSpec, PositionKind};
    use super::*;

    /// Bit by bit, in bits of these lengths, and all at once.
    fn compare(spec: &TransformerSpec, bits: &[usize]) {
        let device = Device::flex();
        let steps = bits.iter().sum();
        let decoder = spec.build(8, true, &device);
        let positions = PositionEmbeddingSpec::new(PositionKind::Sinusoidal).build(&[steps, 8], &device);
        let input = Tensor::<3>::random([2, steps, 8], Distribution::Normal(0.0, 1.0), &device);
        let expected = decoder.forward(positions.forward(input.clone()), None).into_data();
        let mut caches = vec![KeyValues::default(); decoder.layers.len()];
        let mut outputs = Vec::new();
        for &bit in bits {
            let before = caches[0].len();
            let next = positions.forward_at(input.clone().narrow(1, before, bit), before);
            outputs.push(decoder.forward_step(next, &mut caches));
            assert_eq!(caches[0].len(), before + bit);
        }
        Tensor::cat(outputs, 1).into_data().assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
    }

    #[test]
    fn bit_by_bit_a_decoder_gives_what_it_gives_at_once() {
        for bits in [&[1, 1, 1, 1, 1][..], &[3, 1, 1], &[2, 3, 2]] {
            compare(&TransformerSpec::new(2, 12).num_layers(2).final_norm(true), bits);
            compare(&TransformerSpec::new(2, 12).rotary(true).norm_first(false), bits);
        }
    }
}

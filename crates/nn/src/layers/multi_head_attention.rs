//! Multi-head self-attention ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
//!
//! Queries, keys and values are one product, whose result the operation reads as it lies.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Int, Tensor, activation};
use fireclay_backend::ops::{self, Activation, AttentionOptions};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::memory::KeyValues;
use super::memory::Memory;
use super::{Inferred, PlannedLayer, check_dropout, dense, dropout, is_default, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::TensorSpec;

/// Each step of a sequence looks at all steps, or at those before it: `softmax(Q Kᵀ / √d) V` in each of several heads.
///
/// Behind an embedding with a padding token, the steps that fill up a sequence are not looked at; what leaves the layer
/// there is the bias of `out_proj`.
///
/// # Shapes
/// - input and output: `[batch, steps, embed_dim]`
/// - `in_proj_weight`: `[3 * embed_dim, embed_dim]` (queries, keys, values), `in_proj_bias`: `[3 * embed_dim]`,
///   `out_proj.weight`: `[embed_dim, embed_dim]`, `out_proj.bias`: `[embed_dim]`, as in PyTorch; they begin as there
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse heads that cannot share the features, rotary positions of an odd number of values, a `dropout`
/// outside `[0, 1)`, and inputs that are no sequences.
///
/// ```
/// use fireclay_nn::{ModelSpec, MultiHeadAttentionSpec};
///
/// let attention = MultiHeadAttentionSpec::new(2).causal(true).rotary(true);
/// let spec = ModelSpec::new([10, 8]).layer(attention).global_avg_pool1d();
/// assert_eq!(spec.summary()?.parameters(), 4 * 8 * 8 + 4 * 8);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiHeadAttentionSpec {
    /// Heads, which share the features: `embed_dim / num_heads` each.
    pub num_heads: usize,
    /// Whether a step sees only itself and those before it; false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub causal: bool,
    /// Share of the attention weights set to zero while training, in `[0, 1)`; 0 by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub dropout: f64,
    /// Whether queries and keys are turned by their positions, pair by pair, so that their products know distances
    /// ([Su et al. 2021](https://arxiv.org/abs/2104.09864)); false by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub rotary: bool,
    /// Whether both projections add a bias; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
}

impl MultiHeadAttentionSpec {
    /// Attention of all steps to all, with bias.
    pub fn new(num_heads: usize) -> Self {
        MultiHeadAttentionSpec { num_heads, causal: false, dropout: 0.0, rotary: false, bias: true }
    }

    /// Sets whether a step sees only itself and those before it.
    pub fn causal(mut self, causal: bool) -> Self {
        self.causal = causal;
        self
    }

    /// Sets the fraction of the attention weights set to zero while training.
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// Sets whether queries and keys are turned by their positions.
    pub fn rotary(mut self, rotary: bool) -> Self {
        self.rotary = rotary;
        self
    }

    /// Sets whether both projections add a bias.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        let num_heads = self.num_heads;
        if num_heads == 0 {
            return Err(LayerProblem::Zero { field: "num_heads" });
        }
        if !features.is_multiple_of(num_heads) {
            return Err(LayerProblem::Heads { features, num_heads });
        }
        if self.rotary && !(features / num_heads).is_multiple_of(2) {
            return Err(LayerProblem::OddHead { dim: features / num_heads });
        }
        check_dropout("dropout", self.dropout)?;
        values(&[steps, 3, features])?;
        let mut tensors = vec![TensorSpec::trained("in_proj_weight", [3 * features, features])?];
        if self.bias {
            tensors.push(TensorSpec::trained("in_proj_bias", [3 * features])?);
        }
        tensors.push(TensorSpec::trained("out_proj.weight", [features, features])?);
        if self.bias {
            tensors.push(TensorSpec::trained("out_proj.bias", [features])?);
        }
        let (steps, features) = (steps as u64, features as u64);
        let pairs =
            if self.causal { steps.saturating_mul(steps + 1) / 2 } else { steps.saturating_mul(steps) };
        // Each token has four products by a square matrix, and each pair of tokens a score and a sum of values.
        let products = 8u64.saturating_mul(features).saturating_mul(features).saturating_mul(steps);
        let flops = products.saturating_add(pairs.saturating_mul(4).saturating_mul(features));
        Ok(Inferred { output: input.into(), tensors, flops })
    }

    pub(crate) fn build(&self, features: usize, device: &Device) -> MultiHeadAttention {
        // As PyTorch has it: the three matrices are drawn as one, and all biases begin at 0.
        let linear = |initializer: Initializer, out_features: usize| Linear {
            weight: initializer.weight([features, out_features], features, out_features, device),
            bias: self.bias.then(|| Initializer::Zeros.bias(out_features, features, device)),
        };
        MultiHeadAttention {
            in_proj: linear(Initializer::XavierUniform, 3 * features),
            out_proj: linear(Initializer::FanInUniform, features),
            dropout: DropoutConfig::new(self.dropout).init(),
            num_heads: self.num_heads,
            causal: self.causal,
            rotary: self.rotary,
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct MultiHeadAttention {
    in_proj: Linear,
    out_proj: Linear,
    dropout: Dropout,
    num_heads: usize,
    causal: bool,
    rotary: bool,
}

impl MultiHeadAttention {
    /// # Shapes
    /// - input and output: `[batch, steps, embed_dim]`
    /// - lengths: `[batch]`, how many steps each sequence has; those after it are not seen
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<3> {
        let options = AttentionOptions {
            num_heads: self.num_heads,
            causal: self.causal,
            rotary: self.rotary,
            dropout: dropout::share(&self.dropout, &input.device()),
            lengths: lengths.cloned(),
        };
        let projected = dense::forward_steps(&self.in_proj, input, Activation::None);
        let heads = ops::self_attention(projected, &options);
        dense::forward_steps(&self.out_proj, heads, Activation::None)
    }

    /// The output of new steps that follow those in `cache`, which takes them up: what a causal
    /// [`forward`](Self::forward) over all of them gives in their places.
    ///
    /// # Shapes
    /// - input and output: `[batch, new_steps, embed_dim]`
    pub(crate) fn forward_step(&self, input: Tensor<3>, cache: &mut KeyValues) -> Tensor<3> {
        let ([batch, new, width], before) = (input.dims(), cache.len());
        let [query, key, value] = self.heads(input, before);
        let (keys, values) = cache.push(key, value);
        let heads = self.ask(query, keys, before, None).matmul(values);
        let heads = heads.swap_dims(1, 2).reshape([batch, new, width]);
        dense::forward_steps(&self.out_proj, heads, Activation::None)
    }

    /// How much each step takes of each other: what [`forward`](Self::forward) mixes the values by, without dropout.
    ///
    /// # Shapes
    /// - input: `[batch, steps, embed_dim]`
    /// - output: `[batch, num_heads, steps, steps]`; each row adds up to 1
    pub(crate) fn probabilities(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<4> {
        let [query, key, _] = self.heads(input, 0);
        self.ask(query, key, 0, lengths)
    }

    /// Queries, keys and values of steps, of which the first has the position `before`, each `[batch, num_heads, steps, dim]`.
    fn heads(&self, input: Tensor<3>, before: usize) -> [Tensor<4>; 3] {
        let [batch, steps, width] = input.dims();
        let dim = width / self.num_heads;
        let projected = dense::forward_steps(&self.in_proj, input, Activation::None);
        let projected = projected.reshape([batch, steps, 3 * self.num_heads, dim]).swap_dims(1, 2);
        [0, 1, 2].map(|which| {
            let heads = which * self.num_heads..(which + 1) * self.num_heads;
            let part = projected.clone().slice([0..batch, heads, 0..steps, 0..dim]);
            if self.rotary && which < 2 { turned(part, before) } else { part }
        })
    }

    /// The probabilities by which queries, of which the first has the position `before`, take of all keys.
    fn ask(
        &self,
        query: Tensor<4>,
        keys: Tensor<4>,
        before: usize,
        lengths: Option<&Tensor<1, Int>>,
    ) -> Tensor<4> {
        let ([batch, _, new, dim], [_, _, steps, _]) = (query.dims(), keys.dims());
        let mut scores = query.matmul(keys.swap_dims(2, 3)) / (dim as f32).sqrt();
        let device = scores.device();
        if self.causal && new > 1 {
            let later = Tensor::<2>::ones([new, steps], &device).triu(before as i64 + 1).unsqueeze::<4>();
            scores = scores - later * 1e9;
        }
        if let Some(lengths) = lengths {
            let places = Tensor::<1, Int>::arange(0..steps as i64, &device).reshape([1, 1, 1, steps]);
            let filling = places.greater_equal(lengths.clone().reshape([batch, 1, 1, 1])).float();
            scores = scores - filling * 1e9;
        }
        activation::softmax(scores, 3)
    }
}

/// Turns the pairs of values of steps, of which the first has the position `first`.
///
/// # Shapes
/// - part and output: `[batch, num_heads, steps, dim]`
fn turned(part: Tensor<4>, first: usize) -> Tensor<4> {
    let [batch, heads, steps, dim] = part.dims();
    let pairs = dim / 2;
    let angle = |place: usize| {
        let (position, pair) = (first + place / pairs, place % pairs);
        position as f64 * 10_000f64.powf(-2.0 * pair as f64 / dim as f64)
    };
    let table = |function: fn(f64) -> f64| {
        let values: Vec<f32> = (0..steps * pairs).map(|place| function(angle(place)) as f32).collect();
        Tensor::<1>::from_floats(values.as_slice(), &part.device()).reshape([1, 1, steps, pairs, 1])
    };
    let (sin, cos): (Tensor<5>, Tensor<5>) = (table(f64::sin), table(f64::cos));
    let part = part.reshape([batch, heads, steps, pairs, 2]);
    let [a, b] = [0, 1].map(|which| part.clone().narrow(4, which, 1));
    let first = a.clone() * cos.clone() - b.clone() * sin.clone();
    Tensor::cat(vec![first, a * sin + b * cos], 4).reshape([batch, heads, steps, dim])
}

impl Description for MultiHeadAttentionSpec {
    type Module = MultiHeadAttention;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> MultiHeadAttention {
        self.build(plan.in_features(), device)
    }

    fn multiplies_rows(&self) -> bool {
        true
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        self.causal.then(|| Memory::new(KeyValues::default()))
    }
}

impl Forward for MultiHeadAttention {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map_steps(|value, lengths| self.forward(value.sequences(), lengths).into())
    }

    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        input.map(|value| self.forward_step(value.sequences(), memory.get()).into())
    }
}

//! Position embeddings: attention alone does not know in which order its steps come.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::memory::Memory;
use super::{Inferred, PlannedLayer, is_default};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::{InputSpec, TensorSpec};

/// Adds a row of numbers to each step of a sequence, by its place. Shorter sequences get the first rows.
///
/// # Shapes
/// - input and output: `[batch, steps, features]`
/// - `weight`: `[steps, features]` if learnt
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse inputs that are no sequences.
///
/// ```
/// use fireclay_nn::{ModelSpec, PositionKind};
///
/// let spec = ModelSpec::new([10, 8]).position_embedding(PositionKind::Learnt).global_avg_pool1d();
/// assert_eq!(spec.summary()?.parameters(), 10 * 8);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PositionEmbeddingSpec {
    /// Where the rows come from; learnt by default.
    #[serde(default, skip_serializing_if = "is_default")]
    pub kind: PositionKind,
}

/// Where the rows of a [`PositionEmbeddingSpec`] come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PositionKind {
    /// They are weights, which begin normal with deviation 0.02, as in
    /// [GPT-2](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf).
    #[default]
    Learnt,
    /// Sines in the even places and cosines in the odd ones: of step `t`, places `2 i` and `2 i + 1`, at
    /// `t / 10000^(2 i / features)` ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)).
    Sinusoidal,
}

impl PositionEmbeddingSpec {
    /// Rows of this kind.
    pub fn new(kind: PositionKind) -> Self {
        PositionEmbeddingSpec { kind }
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let &[steps, features] = input else {
            return Err(LayerProblem::NeedsSequence);
        };
        let plain = Inferred::plain(input.to_vec(), 1)?;
        match self.kind {
            PositionKind::Learnt => {
                Ok(Inferred { tensors: vec![TensorSpec::trained("weight", [steps, features])?], ..plain })
            }
            PositionKind::Sinusoidal => Ok(plain),
        }
    }

    pub(crate) fn build(&self, input: &[usize], device: &Device) -> PositionEmbedding {
        let (steps, features) = (input[0], input[1]);
        let initializer = Initializer::Normal { std: 0.02 };
        let learnt = self.kind == PositionKind::Learnt;
        PositionEmbedding {
            weight: learnt.then(|| initializer.weight([steps, features], steps, features, device)),
        }
    }
}

#[derive(Module, Debug)]
pub(crate) struct PositionEmbedding {
    /// Without it, sines and cosines.
    weight: Option<Param<Tensor<2>>>,
}

impl PositionEmbedding {
    /// # Shapes
    /// - input and output: `[batch, steps, features]`
    pub(crate) fn forward(&self, input: Tensor<3>) -> Tensor<3> {
        self.forward_at(input, 0)
    }

    /// The same for steps of which the first has the place `offset`.
    ///
    /// # Panics
    /// If the rows are learnt, and there is none for a step.
    pub(crate) fn forward_at(&self, input: Tensor<3>, offset: usize) -> Tensor<3> {
        let [_, steps, features] = input.dims();
        let rows = match &self.weight {
            Some(weight) => {
                let rows = weight.val().slice([offset..offset + steps, 0..features]);
                ops::parameter_for_samples::<2, 3>(rows)
            }
            None => sinusoids(offset, [steps, features], &input.device()).unsqueeze::<3>(),
        };
        input + rows
    }
}

fn sinusoids(offset: usize, [steps, features]: [usize; 2], device: &Device) -> Tensor<2> {
    let rates: Vec<f64> =
        (0..features.div_ceil(2)).map(|pair| 10_000f64.powf(-2.0 * pair as f64 / features as f64)).collect();
    let value = |place: usize| {
        let (step, column) = (offset + place / features, place % features);
        let angle = step as f64 * rates[column / 2];
        (if column % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
    };
    let values: Vec<f32> = (0..steps * features).map(value).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape([steps, features])
}

impl Description for PositionEmbeddingSpec {
    type Module = PositionEmbedding;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> PositionEmbedding {
        self.build(plan.input.shape(), device)
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::new(0usize))
    }

    fn max_steps(&self, input: &InputSpec) -> Option<usize> {
        match self.kind {
            PositionKind::Learnt => input.shape().first().copied(),
            PositionKind::Sinusoidal => None,
        }
    }
}

impl Forward for PositionEmbedding {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| self.forward(value.sequences()).into())
    }

    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        input.map(|value| {
            let (value, steps) = (value.sequences(), memory.get::<usize>());
            let offset = std::mem::replace(steps, *steps + value.dims()[1]);
            self.forward_at(value, offset).into()
        })
    }
}

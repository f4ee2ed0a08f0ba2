//! Layer normalisation ([Ba et al. 2016](https://arxiv.org/abs/1607.06450)).

use burn::module::{Initializer, Module, Param};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::memory::Memory;
use super::{Inferred, PlannedLayer, check_epsilon, default_epsilon};
use crate::error::LayerProblem;
use crate::shapes::TensorSpec;
use crate::tensor::AnyTensor;

/// Normalises each row, or each step of a sequence, by its own mean and variance, then scales and shifts.
///
/// # Shapes
/// - input and output: `[batch, features]` or `[batch, steps, features]`
/// - `weight`, `bias`: `[features]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse an `epsilon` of 0 or less, and images.
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([4]).layer_norm().summary()?.parameters(), 8);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerNormSpec {
    /// Added to the variance; 1e-5 by default.
    #[serde(default = "default_epsilon")]
    pub epsilon: f64,
}

impl Default for LayerNormSpec {
    fn default() -> Self {
        LayerNormSpec { epsilon: default_epsilon() }
    }
}

impl LayerNormSpec {
    /// Sets what is added to the variance.
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        check_epsilon(self.epsilon)?;
        let &([features] | [_, features]) = input else {
            return Err(LayerProblem::NeedsFlat);
        };
        let tensors = [TensorSpec::trained("weight", [features])?, TensorSpec::trained("bias", [features])?];
        Ok(Inferred { tensors: tensors.into(), ..Inferred::plain(input.to_vec(), 8)? })
    }

    pub(crate) fn build(&self, features: usize, device: &Device) -> LayerNorm {
        LayerNorm {
            gamma: Initializer::Ones.init([features], device),
            beta: Initializer::Zeros.init([features], device),
            epsilon: self.epsilon,
        }
    }
}

/// Burn's layer norm, whose epsilon is private, with an operation of ours.
#[derive(Module, Debug)]
pub(crate) struct LayerNorm {
    gamma: Param<Tensor<1>>,
    beta: Param<Tensor<1>>,
    epsilon: f64,
}

impl LayerNorm {
    /// # Shapes
    /// - input and output: `[.., features]`
    pub(crate) fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        ops::layer_norm(input, self.gamma.val(), Some(self.beta.val()), self.epsilon)
    }
}

impl Description for LayerNormSpec {
    type Module = LayerNorm;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> LayerNorm {
        self.build(plan.in_features(), device)
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::none())
    }
}

impl Forward for LayerNorm {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| match value {
            AnyTensor::Sequences(sequences) => self.forward(sequences).into(),
            other => self.forward(other.rows()).into(),
        })
    }
}

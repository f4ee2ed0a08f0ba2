//! The dense layer: `output = input · weightᵀ + bias`.

use burn::nn::Linear;
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops::{self, Activation};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following, on_rows};
use super::memory::Memory;
use super::{Inferred, PlannedLayer, is_default, is_yes, values, yes};
use crate::error::LayerProblem;
use crate::initializer::Initializer;
use crate::shapes::TensorSpec;
use crate::tensor::AnyTensor;

/// A dense, or fully connected, layer. Of a sequence it works on each step by itself.
///
/// # Shapes
/// - input: `[batch, in_features]` or `[batch, steps, in_features]`
/// - output: `[batch, out_features]` or `[batch, steps, out_features]`
/// - `weight`: `[out_features, in_features]`, `bias`: `[out_features]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse 0 `out_features`, and inputs that are images or tokens.
///
/// ```
/// use fireclay_nn::{DenseSpec, ModelSpec};
///
/// let spec = ModelSpec::new([4]).layer(DenseSpec::new(3).bias(false));
/// assert_eq!(spec.summary()?.parameters(), 3 * 4);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseSpec {
    /// Numbers that leave the layer for each sample.
    pub out_features: usize,
    /// Whether a bias is added; true by default.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub bias: bool,
    /// How the weights begin.
    #[serde(default, skip_serializing_if = "is_default")]
    pub initializer: Initializer,
}

impl DenseSpec {
    /// A dense layer with bias.
    pub fn new(out_features: usize) -> Self {
        DenseSpec { out_features, bias: true, initializer: Initializer::default() }
    }

    /// Sets whether a bias is added.
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }

    /// Sets how the weights begin.
    pub fn initializer(mut self, initializer: Initializer) -> Self {
        self.initializer = initializer;
        self
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        let (steps, in_features) = match *input {
            [in_features] => (None, in_features),
            [steps, in_features] => (Some(steps), in_features),
            _ => return Err(LayerProblem::NeedsFlat),
        };
        let out_features = self.out_features;
        if out_features == 0 {
            return Err(LayerProblem::Zero { field: "out_features" });
        }
        self.initializer.check()?;
        let output: Vec<usize> = steps.into_iter().chain([out_features]).collect();
        values(&output)?;
        let weight = TensorSpec::trained("weight", [out_features, in_features])?;
        let flops =
            (2 * (out_features as u64) * (in_features as u64)).saturating_mul(steps.unwrap_or(1) as u64);
        let bias = self.bias.then(|| TensorSpec::trained("bias", [out_features])).transpose()?;
        let tensors = [weight].into_iter().chain(bias).collect();
        Ok(Inferred { output: output.into(), tensors, flops })
    }

    pub(crate) fn build(&self, in_features: usize, device: &Device) -> Linear {
        Linear {
            weight: self.initializer.weight(
                [in_features, self.out_features],
                in_features,
                self.out_features,
                device,
            ),
            bias: self.bias.then(|| self.initializer.bias(self.out_features, in_features, device)),
        }
    }
}

impl Description for DenseSpec {
    type Module = Linear;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Linear {
        self.build(plan.in_features(), device)
    }

    fn multiplies_rows(&self) -> bool {
        true
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::none())
    }
}

impl Forward for Linear {
    fn forward_flow(&self, input: Flow, following: &mut Following<'_>) -> Flow {
        let activation = following.take_activation();
        input.map(|value| forward(self, value, activation))
    }

    fn dense_weights(&self, _: &[Tensor<2>]) -> Option<(Tensor<2>, Option<Tensor<1>>)> {
        Some((self.weight.val(), self.bias.as_ref().map(|bias| bias.val())))
    }
}

/// The layer with the ReLU behind it.
pub(super) fn forward(layer: &Linear, input: AnyTensor, activation: Activation) -> AnyTensor {
    let run = |rows: Tensor<2>| {
        ops::dense(rows, layer.weight.val(), layer.bias.as_ref().map(|bias| bias.val()), activation)
    };
    on_rows(input, run)
}

/// As [`forward`], for sequences whose rank is known.
pub(super) fn forward_steps(layer: &Linear, input: Tensor<3>, activation: Activation) -> Tensor<3> {
    forward(layer, input.into(), activation).sequences()
}

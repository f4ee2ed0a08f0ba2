//! The dense layer: `output = input · weightᵀ + bias`.

use burn::nn::Linear;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{is_default, is_yes, yes};
use crate::spec::{Inferred, TensorSpec, values};
use crate::{Initializer, LayerProblem};

/// A dense, or fully connected, layer. Of a sequence it works on each step by itself.
///
/// # Shapes
/// - input: `[batch, in_features]` or `[batch, steps, in_features]`
/// - output: `[batch, out_features]` or `[batch, steps, out_features]`
/// - `weight`: `[out_features, in_features]`, `bias`: `[out_features]`
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

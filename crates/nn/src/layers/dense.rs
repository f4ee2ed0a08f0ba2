//! The dense layer: `output = input · weightᵀ + bias`.

use burn::nn::Linear;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{is_default, is_yes, yes};
use crate::spec::{Inferred, TensorSpec};
use crate::{Initializer, LayerProblem};

/// A dense, or fully connected, layer.
///
/// # Shapes
/// - input: `[batch, in_features]`
/// - output: `[batch, out_features]`
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
        let &[in_features] = input else {
            return Err(LayerProblem::NeedsFlat);
        };
        let out_features = self.out_features;
        if out_features == 0 {
            return Err(LayerProblem::Zero { field: "out_features" });
        }
        let weight = TensorSpec::trained("weight", [out_features, in_features])?;
        let flops = 2 * (out_features as u64) * (in_features as u64);
        let bias = self.bias.then(|| TensorSpec::trained("bias", [out_features])).transpose()?;
        Ok(Inferred {
            output: vec![out_features],
            tensors: [weight].into_iter().chain(bias).collect(),
            flops,
        })
    }

    pub(crate) fn build(&self, input: &[usize], device: &Device) -> Linear {
        let in_features = input[0];
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

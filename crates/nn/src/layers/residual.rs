//! The residual block ([He et al. 2015](https://arxiv.org/abs/1512.03385)).

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::Layer;
use super::chain::{self, Flow};
use crate::spec::{Inferred, LayerSpec, PlannedLayer, deserialize_layers};
use crate::{AnyTensor, InputSpec, LayerProblem};

/// `layers(x) + shortcut(x)`; the shortcut is the input itself where it has no layers.
///
/// # Shapes
/// - input: any
/// - output: what the layers give, which must be what the shortcut gives
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResidualSpec {
    /// The layers of the block.
    #[serde(deserialize_with = "deserialize_layers")]
    pub layers: Vec<LayerSpec>,
    /// The layers of the shortcut; none by default, often a 1x1 convolution where the shape changes.
    #[serde(default, deserialize_with = "deserialize_layers", skip_serializing_if = "Vec::is_empty")]
    pub shortcut: Vec<LayerSpec>,
}

impl ResidualSpec {
    /// A block whose shortcut is the input itself.
    pub fn new(layers: impl IntoIterator<Item = LayerSpec>) -> Self {
        ResidualSpec { layers: layers.into_iter().collect(), shortcut: Vec::new() }
    }

    /// Sets the layers of the shortcut.
    pub fn shortcut(mut self, layers: impl IntoIterator<Item = LayerSpec>) -> Self {
        self.shortcut = layers.into_iter().collect();
        self
    }

    pub(crate) fn infer(&self, body: &InputSpec, shortcut: &InputSpec) -> Result<Inferred, LayerProblem> {
        if self.layers.is_empty() {
            return Err(LayerProblem::Empty);
        }
        if body != shortcut {
            return Err(LayerProblem::Shortcut { body: body.clone(), shortcut: shortcut.clone() });
        }
        Inferred::plain(body.shape().to_vec(), 1)
    }
}

#[derive(Module, Debug)]
pub(crate) struct Residual {
    pub(super) layers: Vec<Layer>,
    pub(super) shortcut: Vec<Layer>,
}

impl Residual {
    pub(crate) fn build(plan: &PlannedLayer, device: &Device) -> Self {
        let build =
            |layers: &[PlannedLayer]| layers.iter().map(|layer| Layer::build(layer, device)).collect();
        Residual { layers: build(&plan.body), shortcut: build(&plan.shortcut) }
    }

    pub(crate) fn forward(&self, input: Flow) -> Flow {
        let (body, shortcut) = (chain::run(&self.layers, input.clone()), chain::run(&self.shortcut, input));
        let value = match (body.value, shortcut.value) {
            (AnyTensor::Rows(body), AnyTensor::Rows(shortcut)) => (body + shortcut).into(),
            (AnyTensor::Sequences(body), AnyTensor::Sequences(shortcut)) => (body + shortcut).into(),
            (AnyTensor::Images(body), AnyTensor::Images(shortcut)) => (body + shortcut).into(),
            (body, shortcut) => panic!(
                "a residual block adds {:?} and {:?}, which differ in rank",
                body.dims(),
                shortcut.dims()
            ),
        };
        Flow { value, lengths: body.lengths, embeddings: body.embeddings }
    }
}

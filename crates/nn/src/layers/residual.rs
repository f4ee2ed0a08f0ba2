//! The residual block ([He et al. 2015](https://arxiv.org/abs/1512.03385)).

use burn::module::Module;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::layer_spec::{LayerSpec, deserialize_layers};
use super::memory::Memory;
use super::{Inferred, Layer, LayerKind, PlannedLayer, flow};
use crate::error::LayerProblem;
use crate::shapes::InputSpec;
use crate::tensor::AnyTensor;

/// `layers(x) + shortcut(x)`; the shortcut is the input itself where it has no layers.
///
/// # Shapes
/// - input: any
/// - output: what the layers give, which must be what the shortcut gives
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse a block without layers, and branches of different shapes.
///
/// ```
/// use fireclay_nn::{Conv2dSpec, ModelSpec, Padding, ResidualSpec};
///
/// let conv = || Conv2dSpec::new(6, 3).padding(Padding::Same);
/// let block = ResidualSpec::new([conv().into()]).shortcut([Conv2dSpec::new(6, 1).into()]);
/// let spec = ModelSpec::new([3, 8, 8]).layer(block).global_avg_pool2d();
/// assert_eq!(spec.output_features()?, 6);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
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
        let (body, shortcut) =
            (flow::run(&self.layers, input.clone()), flow::run(&self.shortcut, input.clone()));
        self.sum(input, body, shortcut)
    }

    /// The layers and those of the shortcut.
    pub(crate) fn branches(&self) -> [&[Layer]; 2] {
        [&self.layers, &self.shortcut]
    }

    /// What both branches give, added.
    pub(crate) fn sum(&self, input: Flow, body: Flow, shortcut: Flow) -> Flow {
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
        // What is embedded inside a block is seen inside it only.
        Flow { value, lengths: body.lengths, embeddings: input.embeddings }
    }
}

impl LayerKind {
    /// The block, for a layer that holds others.
    pub(crate) fn block(&self) -> Option<&ResidualSpec> {
        match self {
            LayerKind::Residual(block) => Some(block),
            _ => None,
        }
    }

    /// As [`block`](Self::block), to change it.
    pub(crate) fn block_mut(&mut self) -> Option<&mut ResidualSpec> {
        match self {
            LayerKind::Residual(block) => Some(block),
            _ => None,
        }
    }
}

impl Description for ResidualSpec {
    type Module = Residual;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        let [body, shortcut] = place.branches;
        self.infer(body, shortcut)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Residual {
        Residual::build(plan, device)
    }

    fn memory(&self, plan: &PlannedLayer) -> Option<Memory> {
        let memories = |layers: &[PlannedLayer]| -> Option<Vec<Memory>> {
            layers.iter().map(|layer| layer.kind.memory(layer)).collect()
        };
        Some(Memory::new([memories(&plan.body)?, memories(&plan.shortcut)?]))
    }
}

impl Forward for Residual {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        self.forward(input)
    }

    fn step(&self, input: Flow, memory: &mut Memory) -> Flow {
        let [layers, shortcut] = memory.get::<[Vec<Memory>; 2]>();
        let body = flow::step(&self.layers, layers, input.clone());
        let shortcut = flow::step(&self.shortcut, shortcut, input.clone());
        input.map(|_| (body.value.sequences() + shortcut.value.sequences()).into())
    }

    fn has_sample_norms(&self) -> bool {
        self.layers.iter().chain(&self.shortcut).all(Layer::has_sample_norms)
    }
}

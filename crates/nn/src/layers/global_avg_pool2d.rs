//! Global average pooling: the mean of each channel ([Lin et al. 2013](https://arxiv.org/abs/1312.4400)).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer};
use crate::error::LayerProblem;

/// The mean of each channel over height and width.
///
/// # Shapes
/// - input: `[batch, channels, height, width]`
/// - output: `[batch, channels]`
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([3, 8, 8]).global_avg_pool2d().output_features()?, 3);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPool2dSpec {}

#[derive(Module, Debug)]
pub(crate) struct GlobalAvgPool2d {}

impl GlobalAvgPool2d {
    /// # Shapes
    /// - input: `[batch, channels, height, width]`
    /// - output: `[batch, channels]`
    pub(crate) fn forward(&self, input: Tensor<4>) -> Tensor<2> {
        ops::global_avg_pool2d(input)
    }
}

impl Description for GlobalAvgPool2dSpec {
    type Module = GlobalAvgPool2d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        let &[channels, height, width] = place.numbers()? else {
            return Err(LayerProblem::NeedsImage);
        };
        Inferred::plain(vec![channels], (height as u64).saturating_mul(width as u64))
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> GlobalAvgPool2d {
        let _ = (plan, device);
        GlobalAvgPool2d {}
    }
}

impl Forward for GlobalAvgPool2d {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| self.forward(value.images()).into())
    }
}

//! Global pooling over the steps of a sequence: their mean, or the greatest value of each feature.

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer, steps, values};
use crate::error::LayerProblem;

/// The mean over the steps of a sequence; steps that fill it up do not count.
///
/// # Shapes
/// - input: `[batch, steps, features]`
/// - output: `[batch, features]`; 0 for a sequence without steps
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([20, 5]).global_avg_pool1d().output_features()?, 5);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPool1dSpec {}

/// The greatest value of each feature over the steps of a sequence; steps that fill it up do not count.
///
/// # Shapes
/// As for [`GlobalAvgPool1dSpec`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GlobalMaxPool1dSpec {}

/// The mean over the steps.
#[derive(Module, Debug)]
pub(crate) struct GlobalAvgPool1d {}

impl GlobalAvgPool1d {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - lengths: `[batch]`, how many steps each sequence has; the others do not count
    /// - output: `[batch, features]`; 0 for a sequence without steps
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<2> {
        let Some(lengths) = lengths else {
            return input.mean_dim(1).squeeze_dim(1);
        };
        let [batch, steps, _] = input.dims();
        let sum: Tensor<2> = (input * steps::own(lengths, steps)).sum_dim(1).squeeze_dim(1);
        sum / lengths.clone().clamp_min(1).float().reshape([batch, 1])
    }
}

/// The greatest value over the steps.
#[derive(Module, Debug)]
pub(crate) struct GlobalMaxPool1d {}

/// Less than any value that is worth having.
const LEAST: f32 = -1e30;

impl GlobalMaxPool1d {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - lengths: `[batch]`, how many steps each sequence has; the others do not count
    /// - output: `[batch, features]`; 0 for a sequence without steps
    pub(crate) fn forward(&self, input: Tensor<3>, lengths: Option<&Tensor<1, Int>>) -> Tensor<2> {
        let Some(lengths) = lengths else {
            return input.max_dim(1).squeeze_dim(1);
        };
        let [batch, steps, _] = input.dims();
        let own = steps::own(lengths, steps);
        let rest = (own.clone() - 1.0) * -LEAST;
        let greatest: Tensor<2> = (input * own + rest).max_dim(1).squeeze_dim(1);
        greatest * lengths.clone().clamp(0, 1).float().reshape([batch, 1])
    }
}

impl Description for GlobalAvgPool1dSpec {
    type Module = GlobalAvgPool1d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> GlobalAvgPool1d {
        let _ = (plan, device);
        GlobalAvgPool1d {}
    }
}

impl Forward for GlobalAvgPool1d {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map_steps(|value, lengths| self.forward(value.sequences(), lengths).into())
    }
}

impl Description for GlobalMaxPool1dSpec {
    type Module = GlobalMaxPool1d;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> GlobalMaxPool1d {
        let _ = (plan, device);
        GlobalMaxPool1d {}
    }
}

impl Forward for GlobalMaxPool1d {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map_steps(|value, lengths| self.forward(value.sequences(), lengths).into())
    }
}

fn infer(input: &[usize]) -> Result<Inferred, LayerProblem> {
    let &[_, features] = input else {
        return Err(LayerProblem::NeedsSequence);
    };
    Ok(Inferred { flops: values(input)?, ..Inferred::plain(vec![features], 0)? })
}

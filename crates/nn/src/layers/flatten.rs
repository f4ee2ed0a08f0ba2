//! From images or sequences to rows.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer, values};
use crate::error::LayerProblem;
use crate::shapes::InputSpec;
use crate::tensor::AnyTensor;

/// Lays the values of each sample side by side.
///
/// # Shapes
/// - input: `[batch, channels, height, width]`, `[batch, steps, features]`, or rows, which stay as they are
/// - output: `[batch, channels * height * width]` or `[batch, steps * features]`
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([3, 8, 8]).flatten().output_features()?, 192);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlattenSpec {}

#[derive(Module, Debug)]
pub(crate) struct Flatten {}

impl Flatten {
    /// # Shapes
    /// - input: `[batch, channels, height, width]`, `[batch, steps, features]`, or rows, which stay as they are
    /// - output: `[batch, channels * height * width]` or `[batch, steps * features]`
    pub(crate) fn forward(&self, input: AnyTensor) -> Tensor<2> {
        match input {
            AnyTensor::Rows(rows) => rows,
            AnyTensor::Sequences(sequences) => sequences.flatten(1, 2),
            AnyTensor::Images(images) => images.flatten(1, 3),
            AnyTensor::Tokens(_) => panic!("flatten takes numbers, found tokens"),
            AnyTensor::Named(_) => panic!("flatten takes one input, found several"),
        }
    }
}

impl Description for FlattenSpec {
    type Module = Flatten;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        let features = values(place.numbers()?)?;
        Inferred::plain(vec![features as usize], 0)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Flatten {
        let _ = (plan, device);
        Flatten {}
    }

    fn supports_variable_length(&self, input: &InputSpec) -> bool {
        input.shape().len() != 2
    }
}

impl Forward for Flatten {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| self.forward(value).into())
    }
}

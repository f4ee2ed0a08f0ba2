//! The first step of a sequence, as [BERT](https://arxiv.org/abs/1810.04805) reads its token for the whole text.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::{Inferred, PlannedLayer};
use crate::error::LayerProblem;

/// The first step of a sequence. Behind attention it can stand for the whole, as the token `[CLS]` of
/// [BERT](https://arxiv.org/abs/1810.04805) does.
///
/// # Shapes
/// - input: `[batch, steps, features]`
/// - output: `[batch, features]`
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse inputs that are no sequences.
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([20, 5]).first_step().output_features()?, 5);
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FirstStepSpec {}

#[derive(Module, Debug)]
pub(crate) struct FirstStep {}

impl FirstStep {
    /// # Shapes
    /// - input: `[batch, steps, features]`
    /// - output: `[batch, features]`
    pub(crate) fn forward(&self, input: Tensor<3>) -> Tensor<2> {
        input.narrow(1, 0, 1).squeeze_dim(1)
    }
}

impl Description for FirstStepSpec {
    type Module = FirstStep;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        let &[_, features] = place.numbers()? else {
            return Err(LayerProblem::NeedsSequence);
        };
        Inferred::plain(vec![features], 0)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> FirstStep {
        let _ = (plan, device);
        FirstStep {}
    }
}

impl Forward for FirstStep {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| self.forward(value.sequences()).into())
    }
}

//! Sigmoid cross-entropy, computed from logits so that it cannot overflow.

use burn::tensor::{Tensor, activation::log_sigmoid};
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, Loss, Target, TargetType, mean_of_rows};
use crate::NnError;

/// Sigmoid cross-entropy from logits, the mean over all values:
/// `-t * ln σ(x) - (1 - t) * ln σ(-x)` for a logit `x` and a target `t`.
///
/// # Shapes
/// - logits, targets: `[batch, outputs]`; targets in `[0, 1]`
/// - result: `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use fireclay_nn::binary_cross_entropy_with_logits;
/// let device = Device::flex();
/// let logits = Tensor::<2>::zeros([2, 1], &device);
/// let targets = Tensor::<2>::from_floats([[0.0], [1.0]], &device);
/// let loss = binary_cross_entropy_with_logits(logits, targets).into_scalar::<f32>();
/// assert!((loss - 2f32.ln()).abs() < 1e-6);
/// ```
pub fn binary_cross_entropy_with_logits(logits: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    assert_eq!(logits.dims(), targets.dims(), "one target for each logit");
    let positive = log_sigmoid(logits.clone()) * targets.clone();
    let negative = log_sigmoid(logits.neg()) * (targets.neg() + 1.0);
    (positive + negative).mean().neg()
}

/// Sigmoid cross-entropy from logits, for one label or several that do not exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BinaryCrossEntropyLoss {
    /// How much a target of 1 counts against one of 0: one factor for each output, or one for all; more than 0. None, which
    /// is 1, by default. Above 1 it raises recall, as in PyTorch's `pos_weight`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos_weight: Option<Vec<f32>>,
}

impl BinaryCrossEntropyLoss {
    pub(super) const NAME: &'static str = "binary_cross_entropy";

    /// Without weights.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how much a target of 1 counts against one of 0.
    pub fn pos_weight(mut self, pos_weight: Vec<f32>) -> Self {
        self.pos_weight = Some(pos_weight);
        self
    }

    /// `[rows, outputs]`
    fn of_each(&self, logits: Tensor<2>, targets: Tensor<2>) -> Tensor<2> {
        let mut positive = log_sigmoid(logits.clone()) * targets.clone();
        if let Some(pos_weight) = &self.pos_weight {
            positive =
                positive * Tensor::<1>::from_floats(pos_weight.as_slice(), &logits.device()).unsqueeze();
        }
        let negative = log_sigmoid(logits.neg()) * (targets.neg() + 1.0);
        (positive + negative).neg()
    }
}

impl Loss for BinaryCrossEntropyLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        let targets = target.values();
        assert_eq!(output.dims(), targets.dims(), "one target for each logit");
        mean_of_rows(self.of_each(output, targets))
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        match self.pos_weight {
            None => binary_cross_entropy_with_logits(output, target.values()),
            Some(_) => self.of_each(output, target.values()).mean(),
        }
    }

    fn targets(&self) -> TargetType {
        TargetType::Probabilities
    }

    fn check(&self, outputs: usize) -> Result<(), NnError> {
        let Some(weights) = &self.pos_weight else {
            return Ok(());
        };
        if weights.len() != 1 && weights.len() != outputs {
            return Err(NnError::Loss {
                setting: "pos_weight",
                found: format!("of {} outputs", weights.len()),
                expected: format!("1, or {outputs}, one for each output"),
            });
        }
        super::check_positive("pos_weight", weights)
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some(self.clone().into())
    }
}

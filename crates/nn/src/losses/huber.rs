//! Squared error near the target, absolute error farther away.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, Loss, Target, TargetType, difference, mean_of_rows};
use crate::NnError;

/// HuberLoss loss ([HuberLoss 1964](https://doi.org/10.1214/aoms/1177703732)), between squared and absolute error.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HuberLoss {
    /// Distance at which squared becomes absolute, more than 0; 1 by default.
    #[serde(default = "one")]
    pub delta: f32,
}

fn one() -> f32 {
    1.0
}

/// HuberLoss loss ([HuberLoss 1964](https://doi.org/10.1214/aoms/1177703732)): `d² / 2` where the distance `d` is at most
/// `delta`, else `delta * (d - delta / 2)`; the mean over all values.
///
/// # Shapes
/// - predictions, targets: `[batch, outputs]`
/// - result: `[1]`
///
/// # Panics
/// If the shapes differ.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// let device = Device::flex();
/// let (predictions, targets) = (Tensor::from_floats([[0.5, 3.0]], &device), Tensor::zeros([1, 2], &device));
/// assert_eq!(fireclay_nn::huber(predictions, targets, 1.0).into_scalar::<f32>(), (0.125 + 2.5) / 2.0);
/// ```
pub fn huber(predictions: Tensor<2>, targets: Tensor<2>, delta: f32) -> Tensor<1> {
    of_each(predictions, targets, delta).mean()
}

fn of_each(predictions: Tensor<2>, targets: Tensor<2>, delta: f32) -> Tensor<2> {
    let distance = difference(predictions, targets).abs();
    // With the distance split at delta into near + far, both branches are near² / 2 + delta * far.
    let near = distance.clone().clamp_max(delta);
    let far = distance - near.clone();
    near.square() * 0.5 + far * delta
}

impl HuberLoss {
    pub(super) const NAME: &'static str = "huber";

    /// Squared up to a distance of `delta`.
    pub fn new(delta: f32) -> Self {
        HuberLoss { delta }
    }
}

impl Default for HuberLoss {
    fn default() -> Self {
        HuberLoss::new(1.0)
    }
}

impl Loss for HuberLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        mean_of_rows(of_each(output, target.values(), self.delta))
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        huber(output, target.values(), self.delta)
    }

    fn targets(&self) -> TargetType {
        TargetType::Values
    }

    fn check(&self, _: usize) -> Result<(), NnError> {
        match self.delta.is_finite() && self.delta > 0.0 {
            true => Ok(()),
            false => Err(NnError::Loss {
                setting: "delta",
                found: self.delta.to_string(),
                expected: "more than 0".into(),
            }),
        }
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some((*self).into())
    }
}

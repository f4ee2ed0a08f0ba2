//! Squared error.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, Loss, NoSettings, Target, TargetType, difference, mean_of_rows};

/// Mean squared error, for numbers whose large errors matter most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "NoSettings", into = "NoSettings")]
pub struct MseLoss;

impl From<NoSettings> for MseLoss {
    fn from(_: NoSettings) -> Self {
        MseLoss
    }
}

impl From<MseLoss> for NoSettings {
    fn from(_: MseLoss) -> Self {
        NoSettings {}
    }
}

/// Mean squared error, `(prediction - target)²`.
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
/// let (predictions, targets) = (Tensor::from_floats([[1.0, 4.0]], &device), Tensor::zeros([1, 2], &device));
/// assert_eq!(fireclay_nn::mse(predictions, targets).into_scalar::<f32>(), 8.5);
/// ```
pub fn mse(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    difference(predictions, targets).square().mean()
}

impl MseLoss {
    pub(super) const NAME: &'static str = "mse";
}

impl Loss for MseLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        mean_of_rows(difference(output, target.values()).square())
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        mse(output, target.values())
    }

    fn targets(&self) -> TargetType {
        TargetType::Values
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some((*self).into())
    }
}

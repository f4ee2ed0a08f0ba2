//! Absolute error.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{BuiltInLoss, Loss, NoSettings, Target, TargetType, difference, mean_of_rows};

/// Mean absolute error, for numbers with outliers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "NoSettings", into = "NoSettings")]
pub struct MaeLoss;

impl From<NoSettings> for MaeLoss {
    fn from(_: NoSettings) -> Self {
        MaeLoss
    }
}

impl From<MaeLoss> for NoSettings {
    fn from(_: MaeLoss) -> Self {
        NoSettings {}
    }
}

/// Mean absolute error, `|prediction - target|`.
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
/// assert_eq!(fireclay_nn::mae(predictions, targets).into_scalar::<f32>(), 2.5);
/// ```
pub fn mae(predictions: Tensor<2>, targets: Tensor<2>) -> Tensor<1> {
    difference(predictions, targets).abs().mean()
}

impl MaeLoss {
    pub(super) const NAME: &'static str = "mae";
}

impl Loss for MaeLoss {
    fn name(&self) -> String {
        Self::NAME.into()
    }

    fn each(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        mean_of_rows(difference(output, target.values()).abs())
    }

    fn mean(&self, output: Tensor<2>, target: &Target) -> Tensor<1> {
        mae(output, target.values())
    }

    fn targets(&self) -> TargetType {
        TargetType::Values
    }

    fn built_in(&self) -> Option<BuiltInLoss> {
        Some((*self).into())
    }
}

//! Dropout ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)).

use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use fireclay_backend::ops;
use serde::{Deserialize, Serialize};

use crate::LayerProblem;
use crate::spec::Inferred;

/// Zeroes values at random while training and scales the rest by `1 / (1 - rate)`; does nothing otherwise.
///
/// # Shapes
/// - input and output: any
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// Share of values set to zero, in `[0, 1)`.
    pub rate: f64,
}

impl DropoutSpec {
    /// Dropout with the share of values to set to zero, in `[0, 1)`.
    pub fn new(rate: f64) -> Self {
        DropoutSpec { rate }
    }

    pub(crate) fn infer(&self, input: &[usize]) -> Result<Inferred, LayerProblem> {
        if !(0.0..1.0).contains(&self.rate) {
            return Err(LayerProblem::Range {
                field: "rate",
                found: self.rate.to_string(),
                expected: "0 or more and less than 1",
            });
        }
        Inferred::plain(input.to_vec(), 1)
    }

    pub(crate) fn build(&self) -> Dropout {
        DropoutConfig::new(self.rate).init()
    }
}

/// The share of values that a layer sets to zero as things stand: 0 unless it trains.
pub(super) fn share(layer: &Dropout, device: &Device) -> f64 {
    if layer.training.is_enabled() && device.is_autodiff() { layer.prob } else { 0.0 }
}

/// Burn's module with an operation of ours, which draws one number where Burn draws one for each value.
pub(super) fn apply<const D: usize>(layer: &Dropout, input: Tensor<D>) -> Tensor<D> {
    match share(layer, &input.device()) {
        0.0 => input,
        share => ops::dropout(input, share),
    }
}

//! Dropout ([Srivastava et al. 2014](https://jmlr.org/papers/v15/srivastava14a.html)).

use burn::nn::{Dropout, DropoutConfig};
use burn::tensor::{Device, Tensor};
use fireclay_backend::{BatchPart, ops};
use serde::{Deserialize, Serialize};

use super::contract::{Description, Forward, Place};
use super::flow::{Flow, Following};
use super::memory::Memory;
use super::{Inferred, PlannedLayer};
use crate::error::LayerProblem;
use crate::tensor::AnyTensor;

/// Zeroes values at random while training and scales the rest by `1 / (1 - rate)`; does nothing otherwise.
///
/// # Shapes
/// - input and output: any
///
/// # Errors
/// [`build`](crate::ModelSpec::build) and [`summary`](crate::ModelSpec::summary) refuse a `rate` outside `[0, 1)`.
///
/// ```
/// use fireclay_nn::ModelSpec;
///
/// assert_eq!(ModelSpec::new([4]).dropout(0.5).dense(2).output_features()?, 2);
/// let message = ModelSpec::new([4]).dropout(1.0).dense(2).summary().unwrap_err().to_string();
/// assert!(message.contains("rate is 1; expected 0 or more and less than 1"), "{message}");
/// # Ok::<(), fireclay_nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropoutSpec {
    /// Share of values set to zero, in `[0, 1)`.
    pub rate: f64,
}

impl DropoutSpec {
    /// Dropout with the fraction of values to set to zero, in `[0, 1)`.
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

/// The fraction of values that a layer sets to zero as things stand: 0 unless it trains.
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

/// Burn's module as it is, where weights of earlier versions were trained with the numbers that it draws. Of a part of a batch it drops
/// what it drops of it in the whole one.
pub(super) fn apply_burns<const D: usize>(layer: &Dropout, input: Tensor<D>) -> Tensor<D> {
    let mut shape = input.dims();
    let part = fireclay_backend::batch_part().filter(|part| part.samples == shape[0]);
    match part {
        Some(BatchPart { before, samples, whole }) if share(layer, &input.device()) > 0.0 => {
            shape[0] = whole;
            let kept = layer.forward(Tensor::<D>::ones(shape, &input.device()));
            input * kept.narrow(0, before, samples)
        }
        _ => layer.forward(input),
    }
}

impl Description for DropoutSpec {
    type Module = Dropout;

    fn infer_at(&self, place: &Place<'_>) -> Result<Inferred, LayerProblem> {
        self.infer(place.numbers()?)
    }

    fn build_at(&self, plan: &PlannedLayer, device: &Device) -> Dropout {
        let _ = (plan, device);
        self.build()
    }

    fn memory(&self, _: &PlannedLayer) -> Option<Memory> {
        Some(Memory::none())
    }
}

impl Forward for Dropout {
    fn forward_flow(&self, input: Flow, _: &mut Following<'_>) -> Flow {
        input.map(|value| match value {
            AnyTensor::Rows(rows) => apply(self, rows).into(),
            AnyTensor::Sequences(sequences) => apply(self, sequences).into(),
            other => apply(self, other.images()).into(),
        })
    }
}

//! How weights begin, by name.

use burn::module::{Initializer as BurnInitializer, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::LayerProblem;

/// How the weights of a layer begin.
///
/// `fan_in` is the number of inputs that one output sees, `fan_out` the number of outputs that one input reaches.
/// With [`FanInUniform`](Self::FanInUniform) the bias is drawn like the weights, as PyTorch does; with every other
/// initialiser it begins at 0. Those with a number are written `{ uniform = { bound = 0.05 } }` in TOML.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Initializer {
    /// Uniform in `±1 / sqrt(fan_in)`: the default of most layers, and PyTorch's.
    #[default]
    FanInUniform,
    /// Uniform in `±sqrt(6 / fan_in)`, for ReLU ([He et al. 2015](https://arxiv.org/abs/1502.01852)).
    KaimingUniform,
    /// Normal with deviation `sqrt(2 / fan_in)`, for ReLU ([He et al. 2015](https://arxiv.org/abs/1502.01852)).
    KaimingNormal,
    /// Uniform in `±sqrt(6 / (fan_in + fan_out))` ([Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html)); Keras's default.
    XavierUniform,
    /// Normal with deviation `sqrt(2 / (fan_in + fan_out))` ([Glorot and Bengio 2010](https://proceedings.mlr.press/v9/glorot10a.html)).
    XavierNormal,
    /// Uniform in `±bound`, whatever the layer's size; Keras's embeddings begin with 0.05.
    Uniform {
        /// Largest value; more than 0.
        bound: f64,
    },
    /// Normal with mean 0, whatever the layer's size; PyTorch's embeddings begin with deviation 1.
    Normal {
        /// Deviation; more than 0.
        std: f64,
    },
    /// All zeros. A layer before it learns nothing; useful for the last layer of a residual branch.
    Zeros,
}

impl Initializer {
    /// Refuses numbers that nothing can be drawn with.
    pub(crate) fn check(self) -> Result<(), LayerProblem> {
        let (field, value) = match self {
            Initializer::Uniform { bound } => ("initializer's bound", bound),
            Initializer::Normal { std } => ("initializer's std", std),
            _ => return Ok(()),
        };
        match value > 0.0 && value.is_finite() {
            true => Ok(()),
            false => Err(LayerProblem::Range { field, found: value.to_string(), expected: "more than 0" }),
        }
    }

    /// Draws a weight of the given shape.
    pub(crate) fn weight<const D: usize>(
        self,
        shape: [usize; D],
        fan_in: usize,
        fan_out: usize,
        device: &Device,
    ) -> Param<Tensor<D>> {
        self.burn().init_with(shape, Some(fan_in), Some(fan_out), device)
    }

    /// Draws or zeroes the bias that goes with the weight.
    pub(crate) fn bias(self, size: usize, fan_in: usize, device: &Device) -> Param<Tensor<1>> {
        let initializer = match self {
            Initializer::FanInUniform => self.burn(),
            _ => BurnInitializer::Zeros,
        };
        initializer.init_with([size], Some(fan_in), None, device)
    }

    fn burn(self) -> BurnInitializer {
        match self {
            Initializer::FanInUniform => {
                BurnInitializer::KaimingUniform { gain: 1.0 / 3f64.sqrt(), fan_out_only: false }
            }
            Initializer::KaimingUniform => {
                BurnInitializer::KaimingUniform { gain: 2f64.sqrt(), fan_out_only: false }
            }
            Initializer::KaimingNormal => {
                BurnInitializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: false }
            }
            Initializer::XavierUniform => BurnInitializer::XavierUniform { gain: 1.0 },
            Initializer::XavierNormal => BurnInitializer::XavierNormal { gain: 1.0 },
            Initializer::Uniform { bound } => BurnInitializer::Uniform { min: -bound, max: bound },
            Initializer::Normal { std } => BurnInitializer::Normal { mean: 0.0, std },
            Initializer::Zeros => BurnInitializer::Zeros,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws 64 x 400 weights and measures them.
    fn measure(initializer: Initializer) -> (f32, f32) {
        let device = Device::flex();
        let weight = initializer.weight([64, 400], 64, 400, &device).val();
        let values: Vec<f32> = weight.into_data().iter::<f32>().collect();
        let largest = values.iter().fold(0f32, |most, value| most.max(value.abs()));
        let mean_square = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
        (largest, mean_square.sqrt())
    }

    #[test]
    fn uniform_initialisers_keep_their_bounds_and_fill_them() {
        for (initializer, bound) in [
            (Initializer::FanInUniform, 1.0 / 8.0),
            (Initializer::KaimingUniform, (6.0f32 / 64.0).sqrt()),
            (Initializer::XavierUniform, (6.0f32 / 464.0).sqrt()),
            (Initializer::Uniform { bound: 0.05 }, 0.05),
        ] {
            let (largest, deviation) = measure(initializer);
            assert!(
                largest <= bound * 1.0001 && largest > bound * 0.99,
                "{initializer:?}: {largest} of {bound}"
            );
            assert!((deviation - bound / 3f32.sqrt()).abs() < bound * 0.02, "{initializer:?}: {deviation}");
        }
    }

    #[test]
    fn normal_initialisers_have_their_deviation() {
        for (initializer, expected) in [
            (Initializer::KaimingNormal, (2.0f32 / 64.0).sqrt()),
            (Initializer::XavierNormal, (2.0f32 / 464.0).sqrt()),
            (Initializer::Normal { std: 1.0 }, 1.0),
        ] {
            let (_, deviation) = measure(initializer);
            assert!(
                (deviation - expected).abs() < expected * 0.02,
                "{initializer:?}: {deviation} of {expected}"
            );
        }
        assert_eq!(measure(Initializer::Zeros), (0.0, 0.0));
    }

    #[test]
    fn a_named_initialiser_leaves_the_bias_at_zero() {
        let device = Device::flex();
        let bias = |initializer: Initializer| {
            initializer.bias(100, 16, &device).val().abs().max().into_scalar::<f32>()
        };
        assert_eq!(bias(Initializer::KaimingNormal), 0.0);
        assert!(bias(Initializer::FanInUniform) > 0.2);
        assert!(bias(Initializer::FanInUniform) <= 0.25);
    }
}

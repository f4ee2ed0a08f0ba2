//! How weights begin, by name.

use burn::module::{Initializer as BurnInitializer, Param};
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::error::LayerProblem;

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
    /// Each output passes on the input of the same number, and nothing else, as far as there are inputs; further outputs
    /// begin uniform in `±1 / sqrt(fan_in)`. For convolutions with padding
    /// ([Zagoruyko and Komodakis 2017](https://arxiv.org/abs/1706.00388)).
    Dirac,
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
        let weight = self.burn().init_with(shape, Some(fan_in), Some(fan_out), device);
        match self {
            Initializer::Dirac => weight.map(passing_on),
            _ => weight,
        }
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
            Initializer::FanInUniform | Initializer::Dirac => {
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

/// The weight `[outputs, inputs, ..]` whose first outputs pass on the inputs of the same number.
fn passing_on<const D: usize>(weight: Tensor<D>) -> Tensor<D> {
    let (device, trained, shape) = (weight.device(), weight.is_require_grad(), weight.dims());
    let mut values: Vec<f32> = weight.into_data().iter::<f32>().collect();
    let (outputs, inputs) = (shape[0], shape[1..2].iter().product::<usize>());
    let window: usize = shape[1..].iter().skip(1).product();
    // The middle of a window, or of an even one the value after it, as with padding "same".
    let middle = shape[1..].iter().skip(1).fold(0, |place, size| place * size + (size - 1) / 2);
    for output in 0..outputs.min(inputs) {
        let row = &mut values[output * inputs * window..][..inputs * window];
        row.fill(0.0);
        row[output * window + middle] = 1.0;
    }
    let weight = Tensor::from_data(TensorData::new(values, shape), &device);
    if trained { weight.require_grad() } else { weight }
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
